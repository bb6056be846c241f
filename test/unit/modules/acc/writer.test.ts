import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccWriter } from '../../../../src/modules/acc/writer.js';
import type { ScriptEnvironment } from '../../../../src/script/environment.js';

/** A writer and its database; `fails`: called with each statement, may throw. */
function startWriter(fails: () => unknown = () => undefined) {
  const rows: unknown[] = [];
  const errors: string[] = [];
  let close: () => Promise<void> = () => Promise.resolve();
  let release: (() => void) | undefined;
  const note = (_fields: object, message: string): void => void errors.push(message);
  const env = {
    services: {
      database: () => ({
        async insert(_table: string, more: readonly { n: number }[]) {
          await new Promise<void>((resolve) => {
            release = resolve;
            setImmediate(resolve);
          });
          const fault = fails();
          if (fault !== undefined) throw fault;
          rows.push(...more.map(({ n }) => n));
        },
      }),
      beforeClosing: (write: () => Promise<void>) => {
        close = write;
      },
    },
    clock: { schedule: () => () => undefined },
    log: { error: note },
    peerLog: { error: note },
  } as unknown as ScriptEnvironment;
  const writer = new AccWriter('db');
  return {
    rows,
    errors,
    writer,
    add: (n: number) => writer.add(env, 'acc', { n }),
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
