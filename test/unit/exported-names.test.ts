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

test('names allowed to occur twice do', () => {
  const all = exporters();
  assert.deepEqual(
    [...FORM_FOR_EACH_LANGUAGE].filter((name) => (all.get(name)?.size ?? 0) < 2),
    [],
  );
});
