import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/load.js';
import type { Clock } from '../../src/core/clock.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { writeTable } from './daemon-process.js';
import { recordingLogger } from './sip-recorder.js';
import { workersSetting } from './workers.js';

/** The daemon inside the test's own process, on a db_text table: what it holds can be looked at. */
export interface DaemonInProcess {
  readonly daemon: Daemon;
  /** Port of its first socket. */
  readonly port: number;
  /** What it logged as errors. */
  readonly errors: readonly unknown[];
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1, UDP; `settings` are keys of switchyard.json over that. */
export async function startDaemonHere(
  destinations: readonly (readonly [setId: number, uri: string, socket?: string])[],
  settings: Readonly<Record<string, unknown>>,
  clock?: Clock,
): Promise<DaemonInProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-'));
  await writeTable(join(folder, 'db'), destinations);
  const { log, errors } = recordingLogger();
  const loaded = readSettings(
    { listen: ['udp:127.0.0.1:0'], modparam: { db_url: 'text:./db' }, ...workersSetting(settings), ...settings },
    { cwd: folder },
  );
  const daemon = new Daemon({
    settings: loaded.settings,
    log,
    drainMs: 100,
    ...(clock === undefined ? {} : { clock }),
  });
  await daemon.start();
  return {
    daemon,
    errors,
    port: daemon.sockets.all[0]?.port ?? 0,
    async stop() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
