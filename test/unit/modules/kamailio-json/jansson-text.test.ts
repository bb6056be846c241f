import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonNumber } from '../../../../src/modules/kamailio-json/document.js';
import { atPath, setPath } from '../../../../src/modules/kamailio-json/jansson-path.js';
import {
  integerNumber,
  janssonText,
  readJansson,
  realOf,
  shownReal,
} from '../../../../src/modules/kamailio-json/jansson-text.js';

const rewritten = (text: string) => {
  const value = readJansson(text);
  return value === undefined ? undefined : janssonText(value);
};

test('numbers are written as Kamailio 5.6.3 was recorded to write them', () => {
  for (const [text, written, shown] of [
    ['1.0', '1.0', '1'],
    ['1e3', '1000.0', '1000'],
    ['-0.0', '-0.0', '-0'],
    ['1.10', '1.1000000000000001', '1.1'],
    ['1e-7', '9.9999999999999995e-8', '1e-07'],
    ['1e15', '1000000000000000.0', '1e+15'],
    ['1e17', '1e17', '1e+17'],
    ['0.0001', '0.0001', '0.0001'],
    ['1e-5', '1.0000000000000001e-5', '1e-05'],
    ['123456789012345680000.0', '1.2345678901234568e20', '1.23456789012346e+20'],
  ] as const) {
    assert.equal(rewritten(`[${text}]`), `[${written}]`);
    assert.equal(shownReal(new JsonNumber(written)), shown);
  }
  assert.equal(rewritten('[-0,9223372036854775807]'), '[0,9223372036854775807]');
  for (const text of ['1e400', '9223372036854775808', '01', '1.', '.5', '+1', 'NaN', `1${'0'.repeat(60_000)}`])
    assert.equal(rewritten(`[${text}]`), undefined, text.slice(0, 30));
  const numbers = ['', '-5', ' 5', '5 ', '0x10', '010', '9'.repeat(20), '-', '00'].map((each) => [
    integerNumber(each)?.text,
    realOf(each)?.text,
  ]);
  assert.deepEqual(numbers, [
    ['0', '0.0'],
    ['-5', '-5.0'],
    ['5', '5.0'],
    [undefined, undefined],
    [undefined, '16.0'],
    ['10', '10.0'],
    ['9223372036854775807', '1e20'],
    [undefined, undefined],
    ['0', '0.0'],
  ]);
});

test('strings: escapes, UTF-8, and what is refused', () => {
  const text = String.raw`["\/x/","\u001f","\n\t\b\f\r\\\"","\u00e9","\ud83d\ude00"]`;
  const written = Buffer.from(String.raw`["/x/","\u001F","\n\t\b\f\r\\\"","é","😀"]`).toString('latin1');
  assert.equal(rewritten(text), written);
  for (const refused of ['\\u0000', '\\ud83d', '\\udc00', '\\x', '\t', '\xe9', '\\u12'])
    assert.equal(rewritten(`["${refused}"]`), undefined, refused);
});

test('a path as long as a message, and one that does not end, find nothing', () => {
  const document = readJansson('{"a":[1,[2]]}') ?? null;
  assert.equal(atPath(document, 'a['.repeat(30_000)), undefined);
  assert.equal(setPath(document, 'a.'.repeat(30_000), true, false), false);
  assert.equal(janssonText(document), '{"a":[1,[2]]}');
});

test('the time for a text of 64 KB is small, whatever it holds, and depth takes no stack', () => {
  const size = 65_000;
  const texts = [
    '['.repeat(size),
    '{"a":'.repeat(size / 5),
    `${'['.repeat(500)}${'[],'.repeat(21_000)}`,
    `[${'[],'.repeat(21_000)}1]`,
    `["${'\\n'.repeat(size / 2)}"]`,
    `[${'1'.repeat(size)}]`,
    `[${'"a",'.repeat(size / 4)}`,
    ' '.repeat(size),
  ];
  const median = (text: string): number => {
    const times = Array.from({ length: 7 }, () => {
      const { user } = process.cpuUsage();
      rewritten(text);
      return (process.cpuUsage().user - user) / 1000;
    });
    return times.sort((a, b) => a - b)[3] ?? 0;
  };
  for (const text of texts) assert.ok(median(text) < 50, text.slice(0, 20));
  assert.equal(rewritten(`${'['.repeat(512)}${']'.repeat(512)}`)?.length, 1024);
  assert.equal(rewritten(`${'['.repeat(513)}${']'.repeat(513)}`), undefined);
});
