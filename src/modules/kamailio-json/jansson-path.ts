import { isContainer, type JsonNode } from './document.js';

/** Maximum length of a path. */
const MAX_PATH = 1024;

/** Where a name in a path ends: at the next "." or "[", or at the end. */
function endOfName(path: string, from: number): number {
  for (let at = from; at < path.length; at++) if (path[at] === '.' || path[at] === '[') return at;
  return path.length;
}

/** The index that begins at `from`, after "[", and where its "]" is; undefined: none. Octal and hexadecimal are read too. */
function indexIn(path: string, from: number): readonly [index: number, close: number] | undefined {
  const close = path.indexOf(']', from);
  if (close === -1) return undefined;
  const found = /^[ \t\n\v\f\r]*([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(path.slice(from, close));
  if (found === null) return close === from ? [0, close] : undefined;
  const [, sign, digits = ''] = found;
  const octal = /^0[0-7]+$/.test(digits);
  const index = octal ? Number.parseInt(digits, 8) : Number(digits);
  return [sign === '-' ? -index : index, close];
}

/** The value at a path such as "a.b[0].c" ("" is the whole); undefined: there is none. */
export function atPath(root: JsonNode, path: string): JsonNode | undefined {
  if (path.length > MAX_PATH) return undefined;
  let value: JsonNode | undefined = root;
  let at = 0;
  // A "." or "[" at the end is not counted.
  while (at < path.length && value !== undefined) {
    if (path[at] !== '[' || path[at - 1] === '.') {
      const end = endOfName(path, at);
      value = value instanceof Map ? value.get(path.slice(at, end)) : undefined;
      at = end;
    } else {
      const index = indexIn(path, at + 1);
      if (index === undefined) return at + 1 === path.length ? value : undefined;
      value = Array.isArray(value) ? value[index[0]] : undefined;
      at = index[1] + 1;
      if (at < path.length && path[at] !== '.' && path[at] !== '[') return undefined;
    }
    if (path[at] === '.') at++;
  }
  return value;
}

/** Whether a path ends with the separator at `at`. */
function isLast(path: string, at: number): boolean {
  return at + 1 === path.length;
}

/** Adds a value to an array, or the members of an object to an object. */
function addTo(container: JsonNode, value: JsonNode): boolean {
  if (Array.isArray(container)) container.push(value);
  else if (container instanceof Map && value instanceof Map)
    for (const [name, each] of value) container.set(name, each);
  else return false;
  return true;
}

/**
 * Sets the value at a path, or (`append`) adds it to the array or object there. Objects on the way are made, arrays are
 * not. As recorded, an element is replaced in both ways, and what follows its "]" is ignored at the end of a path. False: it
 * cannot be set, and the document may have changed.
 */
export function setPath(root: JsonNode, path: string, value: JsonNode, append: boolean): boolean {
  if (path.length > MAX_PATH) return false;
  if (path === '') return append && addTo(root, value);
  let parent = root;
  let at = 0;
  for (;;) {
    if (path[at] === '[' && path[at - 1] !== '.') {
      if (isLast(path, at)) return append && Array.isArray(parent) && addTo(parent, value);
      const index = indexIn(path, at + 1);
      if (!Array.isArray(parent) || index === undefined) return false;
      const child = parent[index[0]];
      if (child === undefined) return false;
      const after = index[1] + 1;
      const end = endOfName(path, after);
      if (end === path.length || (isLast(path, end) && end === after && !append)) {
        parent[index[0]] = value;
        return true;
      }
      if (end !== after) return false;
      parent = child;
      at = after;
    } else {
      const end = endOfName(path, at);
      const name = path.slice(at, end);
      if (name === '' || !(parent instanceof Map)) return false;
      const child = parent.get(name);
      if (end === path.length) {
        if (append) return child !== undefined && addTo(child, value);
        parent.set(name, value);
        return true;
      }
      if (path[end] === '[') {
        if (child === undefined) return false;
        parent = child;
      } else {
        const next: JsonNode = child ?? new Map<string, JsonNode>();
        if (child === undefined) parent.set(name, next);
        parent = next;
      }
      at = end;
    }
    if (path[at] === '.') {
      if (isLast(path, at)) return append && isContainer(parent) && addTo(parent, value);
      at++;
    }
  }
}
