import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonScanner, MAX_JSON_DEPTH, parseFirstJson } from '../../../../src/management/mi/json-scanner.js';

test('the end of the first value is found, whatever follows', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
      fc.string(),
      (value, rest) => {
        const text = JSON.stringify(value);
        fc.pre(depthOf(value) < MAX_JSON_DEPTH);
        assert.equal(new JsonScanner().scan(text + rest), text.length);
        assert.deepEqual(parseFirstJson(` \n${text}${rest}`)?.value, JSON.parse(text));
      },
    ),
  );
});

test('the end of a value is the same when the text arrives in pieces', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.integer({ min: 1, max: 7 }), (value, step) => {
      const text = JSON.stringify(value);
      const scanner = new JsonScanner();
      let end = -1;
      for (let length = step; end < 0 && length < text.length + step; length += step)
        end = scanner.scan(text.slice(0, length));
      assert.equal(end, text.length);
    }),
  );
});

test('a text that is no object or array, or is incomplete, malformed or nested too deep, is refused', () => {
  for (const text of [
    '',
    ' ',
    '5',
    '"x"',
    'null',
    '{',
    '[',
    '{"a":}',
    '[1,]',
    '{]',
    '}',
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
  ]) {
    assert.equal(parseFirstJson(text), undefined, text.slice(0, 20));
  }
  const deepest = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH);
  assert.ok(parseFirstJson(deepest));
});

function depthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
