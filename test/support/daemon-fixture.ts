import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRowFile } from '../../src/cli/database/row-file.js';
import { initPartition, tableOf } from '../../src/cli/database/tables.js';
import { readSettings } from '../../src/config/load.js';
import type { PartitionConfig, Settings } from '../../src/config/settings.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { writeTable } from '../../src/store/table-content.js';
import { freePort } from './ports.js';
import { type LogLine, recordingLog } from './recording-log.js';
import { workersSetting } from './workers.js';

/** The whole daemon in this process, with its own folder, ports and log. */
export interface DaemonFixture {
  readonly daemon: Daemon;
  readonly settings: Settings;
  readonly folder: string;
  readonly log: readonly LogLine[];
  readonly sipPort: number;
  readonly miPort: number;
  readonly httpPort: number;
  readonly fifo: string;
  /** Lines whose message or fields match. */
  logged(pattern: RegExp): LogLine[];
  stop(): Promise<void>;
}

/**
 * Starts a daemon on UDP and TCP of 127.0.0.1 with all endpoints open. `settings` override the defaults; `rows` are
 * written to the tables of the partitions they are named for, which are made first. `drainMs`: how long calls may
 * continue when it stops.
 */
export async function startDaemon(
  settings: Readonly<Record<string, unknown>>,
  rows: Readonly<Record<string, readonly object[]>>,
  { drainMs = 1000 }: { readonly drainMs?: number } = {},
): Promise<DaemonFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-daemon-'));
  const [sipPort, miPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  const fifo = join(folder, 'mi');
  const loaded = readSettings(
    {
      listen: [`udp:127.0.0.1:${sipPort}`, `tcp:127.0.0.1:${sipPort}`],
      mi: {
        fifo: { fifo_name: fifo, reply_dir: folder },
        datagram: [{ socket_name: `udp:127.0.0.1:${miPort}` }],
        http: {},
      },
      http: `127.0.0.1:${httpPort}`,
      ...workersSetting(settings),
      ...settings,
    },
    { cwd: folder },
  ).settings;
  const { log: logger, lines: log } = recordingLog();
  const daemon = new Daemon({ settings: loaded, log: logger, drainMs, firstLoadMs: 1500 });
  const stop = async () => {
    await daemon.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const [name, list] of Object.entries(rows)) await provision(loaded, name, list, folder);
    await daemon.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const logged = (pattern: RegExp) =>
    log.filter((line) => pattern.test(`${line.message} ${JSON.stringify(line.fields)}`));
  return { daemon, settings: loaded, folder, log, sipPort, miPort, httpPort, fifo, logged, stop };
}

/** Replaces the rows of a partition's table; the daemon uses them after its next reload. */
export async function replaceRows(fixture: DaemonFixture, name: string, rows: readonly object[]): Promise<void> {
  await provision(fixture.settings, name, rows, fixture.folder);
}

async function provision(settings: Settings, name: string, rows: readonly object[], folder: string): Promise<void> {
  const partition = settings.partitions.find((each) => each.name === name) as PartitionConfig;
  await initPartition(partition);
  const file = join(folder, `${name}-rows.json`);
  writeFileSync(file, JSON.stringify(rows));
  await writeTable(
    tableOf(partition),
    readRowFile(file, () => {}),
    { replace: true },
  );
}
