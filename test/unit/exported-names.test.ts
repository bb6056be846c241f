import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '../../src');

/** Names that exist twice because both script languages have a form of the same concept. */
const FORM_FOR_EACH_LANGUAGE = new Set(['DROP', 'EXIT', 'KAMAILIO', 'OPENSIPS']);

/**
 * An exported type, class or constant; functions and instances begin with a lower-case letter and are read together
 * with their room.
 */
const EXPORTED = /^export (?:declare )?(?:abstract )?(?:type|interface|class|const|enum) ([A-Z]\w*)/gm;

/** Files by the name they export. The console page is a separate program. */
function exporters(): Map<string, Set<string>> {
  const byName = new Map<string, Set<string>>();
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.startsWith(join('console', 'browser'))) continue;
    for (const [, name] of readFileSync(join(SRC, file), 'utf8').matchAll(EXPORTED)) {
      byName.set(name as string, (byName.get(name as string) ?? new Set()).add(file));
    }
  }
  return byName;
}

test('the name of an exported type, class or constant has one meaning in the whole source', () => {
  const twice = [...exporters()]
    .filter(([name, files]) => files.size > 1 && !FORM_FOR_EACH_LANGUAGE.has(name))
    .map(([name, files]) => `${name}: ${[...files].sort().join(', ')}`);
  assert.deepEqual(twice.sort(), []);
});

test('every name in the list of allowed duplicates occurs twice', () => {
  const all = exporters();
  assert.deepEqual(
    [...FORM_FOR_EACH_LANGUAGE].filter((name) => (all.get(name)?.size ?? 0) < 2),
    [],
  );
});

/** Names by the files in which they stand, of the sources, the tests and the examples. */
function mentions(): Map<string, Set<string>> {
  const byName = new Map<string, Set<string>>();
  for (const room of ['src', 'test', 'examples']) {
    const folder = resolve(SRC, '..', room);
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(?:ts|tsx|mjs|js)$/.test(name)) continue;
      const file = join(folder, name);
      for (const word of new Set(readFileSync(file, 'utf8').match(/\w+/g)))
        byName.set(word, (byName.get(word) ?? new Set()).add(file));
    }
  }
  return byName;
}

/** Node calls this function of a file of module hooks by its name. */
const CALLED_BY_NODE = 'initialize';

/**
 * What is exported in a text and not used: values that no other file names, types that not even their own file does.
 */
function unused(text: string, isNamedElsewhere: (name: string) => boolean): string[] {
  const EXPORT =
    /^export (?:declare )?(?:abstract )?(?:async )?(type|interface|class|const|let|enum|function)\b\*? ?(\w+)/gm;
  return [...text.matchAll(EXPORT)].flatMap(([, kind, name = '']) => {
    if (name === CALLED_BY_NODE || isNamedElsewhere(name)) return [];
    const isType = kind === 'type' || kind === 'interface';
    return isType && text.split(new RegExp(`\\b${name}\\b`)).length > 2 ? [] : [name];
  });
}

test('the check finds unused exports', () => {
  const text = `export function used() {}
export function alone() { alone(); }
export type OfArgument = string;
export const taken = (text: OfArgument) => text;
export type Forgotten = number;
export async function* lines() {}`;
  assert.deepEqual(
    unused(text, (name) => name === 'used' || name === 'taken'),
    ['alone', 'Forgotten', 'lines'],
  );
});

test('every export of a file is used in another one, or is a type of something that the file exports', () => {
  const found = mentions();
  const faults: string[] = [];
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(file)) continue;
    const path = join(SRC, file);
    const names = unused(readFileSync(path, 'utf8'), (name) => (found.get(name)?.size ?? 0) > 1);
    faults.push(...names.map((name) => `${file}: ${name}`));
  }
  assert.deepEqual(faults, []);
});
