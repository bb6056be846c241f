import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutLiterals } from '../../../src/core/sql-literals.js';

test('each literal of a statement is a question mark, and so is the same text in the message about it', () => {
  const { text, without } = withoutLiterals(`INSERT INTO t VALUES ('secret', "it's", 5)`);
  assert.equal(text, 'INSERT INTO t VALUES (?, ?, 5)');
  assert.equal(without(`Duplicate entry 'secret' for key 1`), `Duplicate entry '?' for key 1`);
});

test('a literal that begins with another, shorter literal is removed whole', () => {
  const { without } = withoutLiterals(`INSERT INTO t VALUES ('bob', 'bob-secret')`);
  assert.equal(without(`Duplicate entry 'bob-secret' for key 1`), `Duplicate entry '?' for key 1`);
});

test('a literal at the position where a long message is cut is removed too', () => {
  const { without } = withoutLiterals(`UPDATE t SET a = 'hunter2hunter2'`);
  const cut = without(`${'x'.repeat(1015)}hunter2hunter2 and more`);
  assert.ok(!cut.includes('hunter'), cut.slice(1000));
  assert.equal(cut.length, 1024);
});
