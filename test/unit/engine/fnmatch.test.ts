import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fnmatch, ShellPattern } from '../../../src/engine/fnmatch.js';

/** The result of both algorithms, which must agree. */
function matches(pattern: string, text: string): boolean {
  const result = fnmatch(pattern, text);
  assert.equal(new ShellPattern(pattern).matches(text), result, `${pattern} ${text}`);
  return result;
}

test('[[:name:]] is a class of characters, also beside others and negated', () => {
  for (const [pattern, yes, no] of [
    ['a[[:alpha:]]c', ['abc', 'aZc'], ['a1c', 'ac', 'a]c', 'abbc', 'a:c']],
    ['[[:digit:]]*', ['1', '42'], ['', 'a1']],
    ['[![:digit:]]', ['a', ':'], ['1']],
    ['[[:upper:]_[:xdigit:]-]x', ['Gx', '_x', 'fx', '-x'], ['gx', ':x']],
    ['*[[:space:]]*', ['a b', '\t'], ['ab']],
    ['[[:punct:]]', ['!', '@', '~'], ['a', ' ']],
    ['[[:alnum:]][[:blank:]]', ['a ', '9\t'], ['- ']],
  ] as const) {
    for (const text of yes) assert.ok(matches(pattern, text), `${pattern} ${text}`);
    for (const text of no) assert.ok(!matches(pattern, text), `${pattern} ${text}`);
  }
});

test('a name of no class, or a class outside brackets, is ordinary text', () => {
  assert.ok(matches('[[:other:]]', 'o]'));
  assert.ok(matches('[:alpha:]', 'a'));
  assert.ok(!matches('[:alpha:]', 'b'));
  assert.ok(!matches('[[:constructor:]]', '['));
  assert.ok(matches('[[:alpha:', '[[:alpha:'));
});

test('many open classes in a pattern of a peer take linear time', () => {
  const started = performance.now();
  fnmatch('[[:'.repeat(20_000), '[[:'.repeat(20_000));
  fnmatch('[[:alpha:]'.repeat(6000), 'a'.repeat(60_000));
  assert.ok(performance.now() - started < 5000);
});
