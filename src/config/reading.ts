import { messageOf } from '../core/errors.js';
import type { Json } from './json-source.js';
import { below, type Problem } from './problem.js';
import { compileSchema, type JsonSchema, readSchema } from './schema.js';
import type { ReadJson } from './source.js';

/** Collects the problems and the warnings of all files. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];

  /** Adds a problem at a key below `at`. */
  refuse(at: Location, reason: string, suggestion?: string | undefined): void {
    this.problems.push({ file: at.file, pointer: at.pointer, reason, suggestion });
  }

  /** Adds a warning; the value at `at` is used nevertheless. */
  warn(at: Location, reason: string): void {
    this.warnings.push({ file: at.file, pointer: at.pointer, reason });
  }

  /** The result of `read`; when it throws, adds its error as a problem and returns undefined. */
  attempt<T>(at: Location, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.refuse(at, messageOf(error));
      return undefined;
    }
  }
}

/** Where a value is, and the folder from which its relative paths start. */
export interface Location {
  readonly file: string;
  readonly pointer: string;
  readonly dir: string;
}

/** The location of a member of a value. */
export function inside(location: Location, ...keys: readonly (string | number)[]): Location {
  return { file: location.file, dir: location.dir, pointer: below(location.pointer, ...keys) };
}

/**
 * Validates a source by a schema and returns its valid part: every invalid member is reported and left out, so that
 * later checks can find more problems. If there was a problem, nothing of the source is used in the end.
 */
export function soundPart(source: ReadJson, schemaName: string, findings: Findings): Json {
  const bad: string[] = [];
  const schema = compileSchema(schemaName);
  for (const fault of schema.faults(source.value)) {
    const pointer = source.pointer + fault.pointer;
    bad.push(pointer);
    if (source.broken.has(pointer)) continue;
    const moved = fault.unknownKey === undefined ? undefined : homeOf(fault.unknownKey, schemaName, fault.pointer);
    if (moved === undefined) findings.refuse({ ...source, pointer }, fault.reason, fault.suggestion);
    else findings.refuse({ ...source, pointer }, `${fault.reason} here: ${moved}`);
  }
  return without(source.value, [...bad, ...source.broken], source.pointer);
}

/** Converts numbers written as strings ("10") to numbers, as modparam allows, so that their range is checked too. */
export function numericStringsAsNumbers(value: Json, schemaName: string): Json {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const properties = readSchema(schemaName).properties ?? {};
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      const numeric = typeof each === 'string' && /^\s*-?[0-9]{1,10}(\.[0-9]{1,3})?\s*$/.test(each);
      return [key, numeric && property !== undefined && isNumeric(property) ? Number(each) : each];
    }),
  );
}

function isNumeric(schema: JsonSchema): boolean {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return schema.enum === undefined && (types.includes('integer') || types.includes('number'));
}

/** Where a misplaced key belongs. */
function homeOf(key: string, schemaName: string, pointer: string): string | undefined {
  const topLevel = pointer.lastIndexOf('/') === 0;
  if (schemaName === 'settings' && topLevel && hasProperty('modparam', key)) return 'it belongs in "modparam"';
  if (schemaName === 'partition' && topLevel && hasProperty('modparam', key)) {
    return 'it applies to all partitions and belongs in "modparam" of the settings';
  }
  if (schemaName === 'settings' && pointer.startsWith('/modparam/') && hasProperty('settings', key)) {
    return 'it belongs at the top level';
  }
  return undefined;
}

function hasProperty(schemaName: string, key: string): boolean {
  return Object.hasOwn(readSchema(schemaName).properties ?? {}, key);
}

/** A copy of `value` without the members at `pointers`; list entries become null, so that indexes stay the same. */
function without(value: Json, pointers: readonly string[], base: string): Json {
  const drop = new Set(pointers);
  if (drop.has(base)) return Array.isArray(value) ? [] : {};
  const walk = (each: Json, pointer: string): Json => {
    if (each === null || typeof each !== 'object') return each;
    if (Array.isArray(each)) {
      return each.map((item, i) => (drop.has(below(pointer, i)) ? null : walk(item, below(pointer, i))));
    }
    const kept = Object.entries(each).filter(([key]) => !drop.has(below(pointer, key)));
    return Object.fromEntries(kept.map(([key, item]): [string, Json] => [key, walk(item, below(pointer, key))]));
  };
  return walk(value, base);
}

/** The keys written in an object of the source, including refused ones. */
export function keysWritten(source: ReadJson, ...path: readonly (string | number)[]): string[] {
  let value: Json | undefined = source.value;
  for (const key of path) {
    if (value === null || typeof value !== 'object') return [];
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined;
    else value = Object.hasOwn(value, key) ? value[key] : undefined;
    if (value === undefined) return [];
  }
  return value === null || typeof value !== 'object' ? [] : Object.keys(value);
}
