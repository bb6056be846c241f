import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedLog } from '../../../src/core/bounded-log.js';
import type { Logger } from '../../../src/core/logger.js';

interface Line {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

function recorded(bounds?: Parameters<typeof boundedLog>[2]) {
  let now = 0;
  const lines: Line[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  const plain: Logger = {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    child: () => plain,
    isLevelEnabled: () => true,
  };
  return {
    log: boundedLog(plain, () => now, bounds),
    lines,
    later: (ms: number) => {
      now += ms;
    },
  };
}

test('lines of one kind are bounded in a minute, and the next one says how many were left out', () => {
  const { log, lines, later } = recorded();
  for (let i = 0; i < 3000; i++) log.warn({ i }, 'cannot be reached');
  log.error({}, 'cannot be reached');
  log.warn({}, 'another kind');
  assert.equal(lines.length, 12);
  later(60_000);
  log.warn({}, 'cannot be reached');
  assert.deepEqual(lines.at(-1)?.fields, { suppressed: 2990 });
});

test('one source has one line of a kind in a minute, whatever its port', () => {
  const { log, lines } = recorded();
  for (let port = 1; port < 50; port++) log.warn({ from: `192.0.2.1:${port}` }, 'refused');
  log.warn({ from: '192.0.2.2:5060' }, 'refused');
  for (let i = 0; i < 100; i++) log.warn({ from: `198.51.100.${i}:5060` }, 'refused');
  assert.equal(lines.length, 10);
});

test('values, messages and errors are bounded in length', () => {
  const { log, lines } = recorded();
  log.warn({ uri: 'x'.repeat(60_000), code: 503 }, 'y'.repeat(10_000));
  log.error({ err: new Error('z'.repeat(60_000)) }, 'failed');
  assert.ok(JSON.stringify(lines).length < 4000, `${JSON.stringify(lines).length}`);
  assert.equal(lines[0]?.fields['code'], 503);
});

test('memory for kinds of lines is bounded, even if every message is different', () => {
  const { log, lines } = recorded();
  for (let i = 0; i < 5000; i++) log.warn({}, `message ${i}`);
  assert.equal(lines.length, 5000);
});

test('the bounded log does not limit debug lines', () => {
  const { log, lines } = recorded();
  for (let i = 0; i < 100; i++) log.debug({ i }, 'seen');
  assert.equal(lines.length, 100);
});
