import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paramList } from '../../../src/pvar/transformations/kamailio-params.js';

test('a list of parameters ends at a comma, and one that ends with a separator has no parameter after it', () => {
  assert.deepEqual(paramList('a=1;b,c=2;d', ';'), [
    ['a', '1'],
    ['b', ''],
  ]);
  assert.deepEqual(paramList('a=1;', ';'), [['a', '1']]);
  assert.deepEqual(paramList('a=1;;b', ';'), [
    ['a', '1'],
    ['', ''],
    ['b', ''],
  ]);
});

test('blanks around names, equals signs and values are ignored; quotes keep separators', () => {
  assert.deepEqual(paramList('a = 1 ; b = "q;q"', ';'), [
    ['a', '1'],
    ['b', 'q;q'],
  ]);
});

test('with another separator a semicolon is ordinary text', () => {
  assert.deepEqual(paramList('a=1&b=2;c', '&'), [
    ['a', '1'],
    ['b', '2;c'],
  ]);
});

test('text with two words, an open quote or nothing is not a list', () => {
  for (const text of ['a b', 'a="q', '', ';', '"Name" <sip:a@b>', 'l1\nl2']) {
    assert.equal(paramList(text, ';'), undefined, text);
  }
});

test('a list that a function reads neither begins with a blank nor has one after a separator at its end', () => {
  for (const text of [' a=1', 'a=1; ']) {
    assert.equal(paramList(text, ';', true), undefined, text);
    assert.deepEqual(paramList(text, ';'), [['a', '1']], text);
  }
  assert.deepEqual(paramList('a=1; b=2 ', ';', true), [
    ['a', '1'],
    ['b', '2'],
  ]);
});
