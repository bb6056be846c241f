import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import { logForm, prettyPrinter, withPriority } from '../../../src/daemon/log-stream.js';

test('lines for journald begin with their priority', () => {
  const priorities = [20, 30, 40, 50, 60].map((level) => withPriority(`{"level":${level},"msg":"x"}\n`).slice(0, 3));
  assert.deepEqual(priorities, ['<7>', '<6>', '<4>', '<3>', '<2>']);
  assert.equal(withPriority('{"level":40,"msg":"x"}\n'), '<4>{"level":40,"msg":"x"}\n');
});

test('the form of a line depends on whether standard error is a terminal, journald or a file', () => {
  const { dev, ino } = fstatSync(2);
  assert.equal(logForm({ JOURNAL_STREAM: `${dev}:${ino}` }, false), 'journal');
  assert.equal(logForm({ JOURNAL_STREAM: '0:0' }, false), 'json', 'inherited from somebody whose stream was another');
  assert.equal(logForm({}, true), 'people');
  assert.equal(logForm({}, false), 'json');
});

test('a line for a terminal has time, name of the level, message and fields', (t) => {
  const printer = prettyPrinter(false);
  if (typeof printer !== 'function') return t.skip(printer.reason);
  const line = printer('{"level":40,"time":1795000000000,"pid":1,"partition":"acme","msg":"a destination is down"}\n');
  assert.match(line, /^\[2026-11-1\d .*\] WARN: a destination is down \{"partition":"acme"\}\n$/);
});
