import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'libsql';
import { readSettings } from '../../src/config/load.js';
import { nextIteration } from '../../src/core/event-loop.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { deadRows, fill } from '../support/faults/bench.js';

/**
 * Measures 1,000 partitions of 100 destinations in one SQLite file: the time until all are loaded, ds_reload of all, a
 * scrape, and the longest pause of the event loop during each. Run: node --import tsx test/bench/many-partitions.ts
 */
const PARTITIONS = 1000;
const DESTINATIONS = 100;

const folder = mkdtempSync(join(tmpdir(), 'sw-many-'));
const file = join(folder, 'tables.sqlite');
const dbUrl = `sqlite:${file}`;
await fill(dbUrl, deadRows(DESTINATIONS), 't0');
const database = new Database(file);
const { sql } = database.prepare("SELECT sql FROM sqlite_master WHERE name = 't0'").get() as { sql: string };
database.exec('BEGIN');
for (let i = 1; i < PARTITIONS; i++) {
  database.exec(sql.replace('t0', `t${i}`));
  database.exec(`INSERT INTO t${i} SELECT * FROM t0`);
  database.exec(`INSERT INTO version SELECT 't${i}', table_version FROM version WHERE table_name = 't0'`);
}
database.exec('COMMIT');
database.close();

const partitions = Array.from({ length: PARTITIONS }, (_, i) => ({
  name: `p${i}`,
  db_url: dbUrl,
  table_name: `t${i}`,
}));
const { settings } = readSettings({ listen: 'udp:127.0.0.1:0', partitions }, { cwd: folder });

/** Runs something and measures its duration and the longest time between two event loop iterations. */
async function measured(what: string, run: () => Promise<unknown>): Promise<void> {
  let longest = 0;
  let last = performance.now();
  let going = true;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(look);
  };
  setImmediate(look);
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run();
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  going = false;
  const figures = [took, (user + system) / 1000, longest].map((each) => `${each.toFixed(0)} ms`);
  process.stdout.write(`${what.padEnd(24)} ${figures[0]}, cpu ${figures[1]}, longest pause ${figures[2]}\n`);
}

/** Reads the metrics as /metrics does: one event loop iteration for each piece. */
async function scrape(): Promise<void> {
  for (const _piece of daemon.metrics.pieces()) await nextIteration();
}

const daemon = new Daemon({ settings, log: nullLogger, firstLoadMs: 60_000 });
try {
  await measured('start', async () => {
    await daemon.start();
    while (!Object.values(daemon.health().partitions).every((each) => each === 'ready'))
      await new Promise((resolve) => setTimeout(resolve, 5));
  });
  for (let i = 0; i < 2; i++) await measured('ds_reload of all', () => daemon.mi.execute('ds_reload', {}));
  for (let i = 0; i < 2; i++) await measured('scrape', () => scrape());
} finally {
  await daemon.stop();
  rmSync(folder, { recursive: true });
}
process.exit();
