import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Size of a write-ahead log in bytes from which a checkpoint is done in a worker thread. */
const WORTH_IT = 1024 * 1024;

/**
 * "passive" waits for no other connection and makes none wait. A file that replaced ours (another inode) is left alone.
 */
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
 * Moves what was written from the write-ahead log into the SQLite file, in a thread of its own, since SQLite's calls
 * are synchronous and the disk may be slow. Does nothing when little was written. Never rejects: the log is kept until
 * the next attempt.
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
    // A lock of another process, a full disk, a missing file: nothing is lost by waiting.
  } finally {
    running.delete(path);
  }
}
