import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focusable } from '../../../src/core/log-focus.js';
import { recordingLog } from '../../support/recording-log.js';

function setUp(level = 'info') {
  let time = 0;
  const { log: every, lines } = recordingLog();
  const log = focusable(every, level, () => time);
  return { log, lines, pass: (ms: number) => (time += ms) };
}

test('lines below the level are left out, those of children too, whenever the level is set', () => {
  const { log, lines } = setUp();
  const child = log.child({ partition: 'acme' });
  log.debug({}, 'a');
  child.debug({}, 'b');
  assert.equal(log.isLevelEnabled('debug'), false);
  log.level = 'debug';
  log.debug({}, 'c');
  child.debug({}, 'd');
  log.level = 'error';
  child.warn({}, 'e');
  child.error({}, 'f');
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['c', 'd', 'f'],
  );
});

test('lines about one call or partition have a level of their own', () => {
  const { log, lines } = setUp();
  const acme = log.child({ partition: 'acme' });
  assert.equal(log.focus({ callId: 'one' }, 'debug', 60), true);
  log.focus({ partition: 'acme' }, 'debug', 60);
  assert.equal(log.isLevelEnabled('debug'), true);
  assert.equal(log.isLevelEnabled('trace'), false);
  log.debug({ callId: 'one' }, 'the call');
  log.debug({ callId: 'two' }, 'another call');
  log.debug({}, 'no call');
  acme.debug({}, 'the partition');
  log.debug({ partition: 'acme', callId: 'two' }, 'a call of the partition');
  log.child({ partition: 'globex' }).debug({}, 'another partition');
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['the call', 'the partition', 'a call of the partition'],
  );
});

test('a level of its own ends with its time, or when it is taken back', () => {
  const { log, lines, pass } = setUp();
  log.focus({ callId: 'one' }, 'debug', 60);
  log.focus({ callId: 'two' }, 'debug', 600);
  assert.deepEqual(
    log.focuses().map(({ callId, seconds }) => [callId, seconds]),
    [
      ['one', 60],
      ['two', 600],
    ],
  );
  pass(60_000);
  log.debug({ callId: 'one' }, 'too late');
  log.focus({ callId: 'two' }, 'debug', 0);
  log.debug({ callId: 'two' }, 'taken back');
  assert.deepEqual(lines, []);
  assert.equal(log.isLevelEnabled('debug'), false);
});

test('the number of own levels is bounded', () => {
  const { log } = setUp();
  for (let i = 0; i < 32; i++) assert.equal(log.focus({ callId: String(i) }, 'debug', 60), true);
  assert.equal(log.focus({ callId: 'more' }, 'debug', 60), false);
  assert.equal(log.focus({ callId: '7' }, 'trace', 60), true, 'one that is there is replaced');
});
