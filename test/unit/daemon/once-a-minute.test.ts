import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceAMinute } from '../../../src/daemon/once-a-minute.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLogger } from '../../support/sip-recorder.js';

test('a text is written once a minute for each partition', () => {
  const clock = new FakeClock();
  const written: string[] = [];
  const { log } = recordingLogger();
  const warn = onceAMinute(
    { ...log, warn: (fields, message) => written.push(`${JSON.stringify(fields)} ${message}`) },
    clock,
  );
  warn('a', 'x');
  warn('a', 'x');
  warn('b', 'x');
  warn('a', 'y');
  clock.advance(59_999);
  warn('a', 'x');
  clock.advance(1);
  warn('a', 'x');
  assert.deepEqual(written, [
    '{"partition":"a"} x',
    '{"partition":"b"} x',
    '{"partition":"a"} y',
    '{"partition":"a"} x',
  ]);
});
