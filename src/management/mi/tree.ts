import type { MiValue } from './command.js';

/**
 * A node of an answer in the line text form: a line, with its children one TAB deeper. "NAME:: value attr=x"; without a
 * name only the value; with a name and attributes but no value "NAME:: attr=x".
 */
export function treeLine(
  depth: number,
  name: string | undefined,
  value: string,
  attributes: readonly (readonly [name: string, value: string])[] = [],
): string {
  let line = '\t'.repeat(depth);
  line += name === undefined ? oneLine(value) : `${name}:: ${oneLine(value)}`;
  for (const [key, text] of attributes) line += ` ${key}=${oneLine(text)}`;
  return `${line}\n`;
}

/** A line break within a value would forge lines of the answer. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/\r/g, '\\r').replace(/\n/g, '\\n') : text;
}

/** Any JSON value as a tree, for commands without a recorded text form. "OK" has no lines. */
export function renderTree(value: MiValue, depth = 0): string {
  if (value === 'OK' && depth === 0) return '';
  if (value === null || typeof value !== 'object')
    return treeLine(depth, undefined, value === null ? '' : String(value));
  if (Array.isArray(value)) return (value as readonly MiValue[]).map((each) => renderTree(each, depth)).join('');
  let text = '';
  for (const [name, member] of Object.entries(value as Readonly<Record<string, MiValue | undefined>>)) {
    if (member === undefined) continue;
    if (member === null || typeof member !== 'object') {
      text += treeLine(depth, name, member === null ? '' : String(member));
    } else if (Array.isArray(member)) {
      for (const each of member as readonly MiValue[]) {
        if (each !== null && typeof each === 'object') text += treeLine(depth, name, '') + renderTree(each, depth + 1);
        else text += treeLine(depth, name, each === null ? '' : String(each));
      }
    } else {
      text += treeLine(depth, name, '') + renderTree(member, depth + 1);
    }
  }
  return text;
}
