import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';
import { deadRows, type FaultBench, fill } from './bench.js';
import { assertWritten } from './database-outage.js';

/** Mounts a small file system; undefined where that is not possible (needs Linux and root). */
async function smallDisk(bench: FaultBench): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rmdir(folder);
    return undefined;
  }
  bench.defer(async () => {
    // Statements that the driver has not released yet keep the file open.
    execFileSync('umount', ['-l', folder]);
    await rmdir(folder);
  });
  return folder;
}

/** Fills the file system completely. */
function occupy(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (let size = 65_536; size >= 512; size /= 2) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(fd, block) === size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The disk of an SQLite table is full for a while. False where that cannot be arranged. */
export async function diskFull(bench: FaultBench, size: { readonly rounds: number }): Promise<boolean> {
  const folder = await smallDisk(bench);
  if (folder === undefined) return false;
  const dbUrl = `sqlite://${folder}/table.db`;
  const rows = deadRows(1500);
  await fill(dbUrl, rows);
  const running = await bench.daemon({ settings: { modparam: { db_url: dbUrl, ds_flush_interval: 1 } } });
  const expected = new Map(rows.map(({ uri }) => [`1 ${uri}`, 'active']));
  const failures = () => running.metric('switchyard_flush_failures_total', '{partition="default"}');
  for (let round = 0; round < size.rounds; round++) {
    const before = failures();
    occupy(`${folder}/filler`);
    const state = round % 2 === 0 ? 'inactive' : 'active';
    for (const { uri } of rows) {
      await running.mark(state === 'active' ? 'a' : 'i', 1, uri);
      expected.set(`1 ${uri}`, state);
    }
    await until('noticed', () => failures() > before);
    await running.mi('ds_reload');
    assert.deepEqual([...running.states('default')].sort(), [...expected].sort(), 'memory is right');
    rmSync(`${folder}/filler`);
    await assertWritten(running, 'default', dbUrl);
    const full = running
      .said(/states not written, will retry/)
      .filter((line) => /full/.test(String(line.fields['cause'])));
    assert.equal(full.length, round + 1);
    assert.equal(running.said(/states are written again/).length, round + 1);
  }
  return true;
}
