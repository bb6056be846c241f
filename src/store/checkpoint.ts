import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Bytes of a write-ahead log that are worth a worker. */
const WORTH_IT = 1024 * 1024;

/** Passive: it waits for no connection, and none waits for it. A file that replaced ours is left alone. */
const PROGRAM = `
const { workerData: { driver, path, ino } } = require('node:worker_threads');
const { statSync } = require('node:fs');
const Database = require(driver);
if (statSync(path).ino === ino) {
  const database = new Database(path, { timeout: 5 });
  database.exec('pragma wal_checkpoint(passive)');
  database.close();
}
`;

const running = new Set<string>();

/**
 * Moves what was written from the write-ahead log into an SQLite file, in a thread of its own: the disk may take its time
 * over that, and SQLite's calls are synchronous. Does nothing while little was written. Never rejects: the log is kept, and
 * moved with the next occasion.
 */
export async function checkpointAside(path: string): Promise<void> {
  if (running.has(path)) return;
  running.add(path);
  try {
    const log = await stat(`${path}-wal`);
    if (log.size < WORTH_IT) return;
    const { ino } = await stat(path);
    const driver = createRequire(import.meta.url).resolve('libsql');
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], workerData: { driver, path, ino } });
    await new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => resolve());
    });
  } catch {
    // A lock of another process, a full disk, a file that is gone: nothing is lost by waiting.
  } finally {
    running.delete(path);
  }
}
