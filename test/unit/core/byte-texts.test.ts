import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteTexts, withByteTexts, withoutEscapes } from '../../../src/core/byte-texts.js';

const QUOTES = byteTexts(/["\xff]/, (code) => `<${code}>`);

test('bytes of a table are replaced, all others stay', () => {
  assert.equal(withByteTexts('a"b\xff\xfe\0', QUOTES), 'a<34>b<255>\xfe\0');
  assert.equal(withByteTexts('', QUOTES), '');
});

test('a character that is no byte stays, with what is before and after it', () => {
  assert.equal(withByteTexts('"\u0122"\u{1f600}"', QUOTES), '<34>\u0122<34>\u{1f600}<34>');
  assert.equal(
    withoutEscapes('%\u0141%', '%', 1, () => 65),
    'A\u0141A',
  );
});

test('escapes are read once; what begins none stays', () => {
  const digit = (text: string, at: number): number | undefined => {
    const code = text.charCodeAt(at + 1);
    return code >= 48 && code <= 57 ? code : undefined;
  };
  assert.equal(withoutEscapes('%1%x%%2%', '%', 2, digit), '1%x%2%');
});
