import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-api';

const SRC = resolve(import.meta.dirname, '../../src');
/** Rooms that read texts of SIP peers, whose bytes are one character each. */
const ROOMS: readonly string[] = [
  'blacklist',
  'calls',
  'core',
  'engine',
  'media',
  'modules',
  'proxy',
  'pvar',
  'route',
  'script',
  'sip',
  'trace',
];

/** Uses of JavaScript's white space: trim() and its relatives, and \s and \S in regular expressions. */
function usesIn(file: string, text: string): string[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const trims = ts.isPropertyAccessExpression(node) && /^trim(?:Start|End|Left|Right)?$/.test(node.name.text);
    const matches = ts.isRegularExpressionLiteral(node) && /(?:^|[^\\])(?:\\\\)*\\[sS]/.test(node.text);
    if (trims || matches) {
      found.push(`${file}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${node.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

test('the check finds the functions that use the white space of JavaScript', () => {
  const found = usesIn('x.ts', 'a.trim(); b?.trimEnd(); /a\\s/; /[^\\S]/; /\\\\s/; trimmed(c); d.trimmed;');
  assert.deepEqual(found, ['x.ts:1 a.trim', 'x.ts:1 b?.trimEnd', 'x.ts:1 /a\\s/', 'x.ts:1 /[^\\S]/']);
});

// The byte A0 is white space for JavaScript, but also the last byte of "à" and of a Cyrillic "Р" in UTF-8.
test('texts of SIP peers are trimmed and split at white space of SIP only', () => {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(room, name)),
  );
  assert.ok(files.length > 400);
  assert.deepEqual(
    files.flatMap((file) => usesIn(file, readFileSync(join(SRC, file), 'utf8'))),
    [],
  );
});
