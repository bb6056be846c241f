import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, unlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { askFifo } from '../../src/cli/mi/fifo-client.js';
import { type Clock, systemClock } from '../../src/core/clock.js';
import { deadRows, FaultBench } from '../support/faults/bench.js';
import { diskFull } from '../support/faults/disk-full.js';
import { flapping } from '../support/faults/flapping.js';
import { until } from '../support/until.js';

describe('faults: the machine', () => {
  test('a FIFO that was removed or replaced is served again', async (t) => {
    const bench = new FaultBench(t);
    const folder = await bench.folder();
    const fifo = `${folder}/mi`;
    await bench.daemon({
      settings: {
        modparam: { db_url: await bench.sqlite(deadRows(1)) },
        mi: { fifo: { fifo_name: fifo, reply_dir: `${folder}/` } },
      },
    });
    const ask = () => askFifo(fifo, '{"jsonrpc":"2.0","id":1,"method":"version"}', 1000, folder);
    const answers = async () => (await ask().catch(() => '')).includes('"result"');
    assert.ok(await answers());
    unlinkSync(fifo);
    await until('made again', answers);
    execFileSync('mkfifo', [`${fifo}.other`]);
    renameSync(`${fifo}.other`, fifo);
    await until('the other one is served', answers);
  });

  test('states are written when the disk of an SQLite table, full for a while, has room again', async (t) => {
    const bench = new FaultBench(t);
    // Needs a file system of its own, which only root may mount.
    if (!(await diskFull(bench, { rounds: 1 }))) t.skip('no small file system can be mounted');
    else assert.ok(true);
  });

  test('no event is lost or repeated when the clock is set back and forth while gateways flap', async (t) => {
    let offset = 0;
    const clock: Clock = {
      now: () => systemClock.now() + offset,
      monotonic: () => systemClock.monotonic(),
      schedule: (delayMs, run) => systemClock.schedule(delayMs, run),
    };
    const jumps = [3_600_000, -7_200_000, 86_400_000_000, -86_400_000_000];
    const { events, late } = await flapping(new FaultBench(t), {
      gateways: 20,
      flaps: 4,
      holdMs: 1300,
      seed: 2,
      clock,
      beforeFlap: () => {
        offset = jumps.shift() ?? 0;
      },
    });
    assert.ok(events > 10);
    assert.equal(late, 0);
  });
});
