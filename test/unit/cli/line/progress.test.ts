import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progress, progressLine } from '../../../../src/cli/line/progress.js';

function shown(errTerminal: { color: boolean; columns: number } | undefined) {
  let time = 0;
  let text = '';
  const io = { err: (more: string) => void (text += more), errTerminal };
  const line = progress(io, 'rows', 1000, () => time);
  const at = (ms: number, done: number) => {
    time = ms;
    line.at(done);
  };
  return { line, at, text: () => text };
}

test('the progress line on a terminal has count, rate and time left, and is removed at the end', () => {
  const { line, at, text } = shown({ color: false, columns: 80 });
  at(100, 50);
  assert.equal(text(), '', 'short work shows nothing');
  at(1000, 250);
  assert.equal(text(), '\r250 of 1000 rows, 25 %, 250/s, 3 s left\x1b[K');
  at(1100, 260);
  assert.ok(!text().includes('260'), 'the line is not written at every step');
  line.end();
  assert.ok(text().endsWith('\r\x1b[K'));
});

test('nothing is shown if standard error is not a terminal', () => {
  const { line, at, text } = shown(undefined);
  at(10_000, 500);
  line.end();
  assert.equal(text(), '');
});

test('a line is no longer than the terminal is wide', () => {
  const { at, text } = shown({ color: false, columns: 20 });
  at(1000, 250);
  assert.equal(text(), '\r250 of 1000 rows, 2\x1b[K');
});

test('time left is in the unit that fits', () => {
  const left = (seconds: number) => progressLine('calls', { done: 1, total: 2, part: 0.5, seconds }).split(', ').at(-1);
  assert.equal(left(5), '5 s left');
  assert.equal(left(200), '3 min 20 s left');
  assert.equal(left(7500), '2 h 5 min left');
  assert.equal(progressLine('lines', { done: 5, total: undefined, part: undefined, seconds: 2 }), '5 lines, 2.5/s');
});
