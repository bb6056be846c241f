import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nullLogger } from '../../../../src/core/logger.js';
import { AccWriter } from '../../../../src/modules/acc/writer.js';
import type { ScriptEnvironment } from '../../../../src/script/environment.js';
import { PeerTables } from '../../../../src/sip/peer-tables.js';
import { newCounters } from '../../../../src/workers/tallies.js';

/** A writer and its database; `fails`: called with each statement, may throw. */
function startWriter(fails: (rows: readonly { n: number | null }[]) => unknown = () => undefined) {
  const rows: unknown[] = [];
  const errors: string[] = [];
  const scheduled: (() => void)[] = [];
  let close: () => Promise<void> = () => Promise.resolve();
  let release: (() => void) | undefined;
  const note = (_fields: object, message: string): void => void errors.push(message);
  const env = {
    services: {
      database: () => ({
        async insert(_table: string, more: readonly { n: number | null }[]) {
          await new Promise<void>((resolve) => {
            release = resolve;
            setImmediate(resolve);
          });
          const fault = fails(more);
          if (fault !== undefined) throw fault;
          rows.push(...more.map(({ n }) => n));
        },
      }),
      beforeClosing: (write: () => Promise<void>) => {
        close = write;
      },
    },
    clock: {
      schedule: (_ms: number, run: () => void) => {
        scheduled.push(run);
        return () => undefined;
      },
    },
    log: { error: note },
    peerLog: { error: note },
    peers: new PeerTables(newCounters().tables, undefined, nullLogger),
  } as unknown as ScriptEnvironment;
  const writer = new AccWriter('db');
  return {
    rows,
    errors,
    writer,
    scheduled,
    add: (n: number | null, source = '192.0.2.7') => writer.add(env, 'acc', { n }, source),
    close: () => close(),
    release: () => release?.(),
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('waiting rows are written before the database is closed, also a row that failed shortly before', async () => {
  let busy = true;
  const { add, rows, close, errors } = startWriter(() => {
    const fault = busy ? Object.assign(new Error('busy'), { retryable: true }) : undefined;
    busy = false;
    return fault;
  });
  for (const n of upTo(120)) add(n);
  await close();
  assert.deepEqual(rows, upTo(120));
  assert.deepEqual(errors, ['acc: rows cannot be written']);
});

test('rows that the database does not accept at the end are reported once', async () => {
  const { add, close, errors, writer } = startWriter(() => Object.assign(new Error('away'), { retryable: true }));
  for (const n of upTo(3)) add(n);
  await close();
  assert.equal(errors.at(-1), 'acc: rows are lost: the database did not accept them before the end');
  assert.equal(writer.depth, 3);
});

test('rows that are dropped during a write do not cause others to be dropped', async () => {
  const { add, rows, close, writer } = startWriter();
  for (const n of upTo(20_010)) add(n);
  await close();
  assert.equal(writer.dropped, 10);
  assert.equal(rows.length, 20_001, 'the first was under way when it was dropped');
  assert.equal(new Set(rows).size, rows.length);
});

test('rows without a value that their table refuses are written with empty text, and no other is lost', async () => {
  const { add, rows, close, errors, scheduled, writer } = startWriter((more) =>
    more.some(({ n }) => n === null) ? new Error('NOT NULL constraint failed') : undefined,
  );
  const given = upTo(100).map((n) => (n % 3 === 0 ? null : n));
  for (const n of given) add(n);
  for (let i = 0; i < 1000 && writer.depth > 0; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    scheduled.shift()?.();
  }
  await close();
  assert.equal(writer.dropped, 0);
  assert.deepEqual(
    rows,
    given.map((n) => n ?? ''),
  );
  assert.deepEqual(errors, [], 'an expected refusal is not an error');
});

test('a row that its table refuses is dropped alone', async () => {
  const { add, rows, close, scheduled, writer } = startWriter((more) =>
    more.some(({ n }) => n === 70) ? new Error('CHECK constraint failed') : undefined,
  );
  for (const n of upTo(120)) add(n);
  for (let i = 0; i < 1000 && writer.depth > 0; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    scheduled.shift()?.();
  }
  await close();
  assert.equal(writer.dropped, 1);
  assert.deepEqual(
    rows,
    upTo(120).filter((n) => n !== 70),
  );
});

test('rows of a source that floods while the database is away do not displace those of another', async () => {
  let away = true;
  const { add, rows, writer, scheduled } = startWriter(() =>
    away ? Object.assign(new Error('away'), { retryable: true }) : undefined,
  );
  for (const n of upTo(5)) add(n);
  for (const n of upTo(30_000)) add(100_000 + n, '198.51.100.66');
  for (const n of upTo(5)) add(5 + n);
  assert.ok(writer.depth <= 20_000, `${writer.depth} wait`);
  await new Promise((resolve) => setImmediate(resolve));
  away = false;
  for (let i = 0; i < 50 && writer.depth > 0; i++) {
    for (const run of scheduled.splice(0)) run();
    for (let k = 0; k < 200 && writer.depth > 0; k++) await new Promise((resolve) => setImmediate(resolve));
  }
  const written = rows.flat().map((each) => JSON.stringify(each));
  for (const n of upTo(10))
    assert.ok(
      written.some((each) => each === `{"n":${n}}` || each === `${n}`),
      `row ${n}`,
    );
});
