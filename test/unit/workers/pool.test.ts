import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Pool, type PoolOptions } from '../../../src/workers/pool.js';
import type { WorkerSetup } from '../../../src/workers/protocol.js';
import { until } from '../../support/until.js';

import { writingLogger } from '../../support/written-lines.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-pool-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A pool of one worker that runs this program. */
function poolOf(program: string, more: Partial<PoolOptions> = {}) {
  const file = join(folder, `${Math.random()}.mjs`);
  writeFileSync(file, program);
  const lines: string[] = [];
  const started: number[] = [];
  const pool = new Pool({
    workers: 1,
    program: () => file,
    start: () => ({ descriptors: [], setup: () => ({}) as WorkerSetup }),
    started: (worker) => started.push(worker),
    receive: () => undefined,
    lost: () => 3,
    log: writingLogger((fields, message) => lines.push(`${message} ${JSON.stringify(fields)}`)),
    now: () => performance.now(),
    ...more,
  });
  return { pool, lines, started };
}

const READY = "process.on('message', () => undefined); process.send([['ready']]);";

test('a worker that ends unexpectedly is logged and replaced, however it ends', async (t) => {
  for (const [end, says] of [
    ['process.exit(0)', '"code":0,"signal":null'],
    ['process.exit(7)', '"code":7,"signal":null'],
    ["process.kill(process.pid, 'SIGKILL')", '"code":null,"signal":"SIGKILL"'],
    ["Promise.reject(new Error('x'))", '"code":1,"signal":null'],
    ['process.disconnect(); setTimeout(() => undefined, 50)', '"code":0,"signal":null'],
  ] as const) {
    const { pool, lines, started } = poolOf(`${READY} setTimeout(() => { ${end} }, 100);`);
    t.after(() => pool.stop());
    await pool.start();
    await until(`a worker that does ${end} is replaced`, () => started.length > 1);
    assert.match(lines[0] ?? '', /^a worker has died with the calls it was setting up; it is replaced/);
    assert.ok(lines[0]?.includes(`${says},"calls":3`), lines[0]);
    await pool.stop();
  }
});

test('a worker is replaced even if its shared data cannot be released', async (t) => {
  const { pool, lines, started } = poolOf(`${READY} setTimeout(() => process.exit(1), 100);`, {
    lost: () => {
      throw new Error('left in disorder');
    },
  });
  t.after(() => pool.stop());
  await pool.start();
  await until('it is replaced', () => started.length > 1);
  assert.match(lines[0] ?? '', /the shared data of a dead worker could not be released/);
  assert.match(lines[1] ?? '', /a worker has died/);
});

test('a worker that ends before it is ready keeps the daemon from starting', async (t) => {
  const { pool } = poolOf('process.exit(3);');
  t.after(() => pool.stop());
  await assert.rejects(pool.start(), /a worker ended while it started/);
});
