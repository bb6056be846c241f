import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/load.js';
import type { Clock } from '../../src/core/clock.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { writeTable } from './daemon-process.js';
import { recordingLogger } from './sip-recorder.js';
import { workersSetting } from './workers.js';

/** The daemon in the test's process on a db_text table, so that its objects can be inspected. */
export interface DaemonInProcess {
  readonly daemon: Daemon;
  /** Port of its first socket. */
  readonly port: number;
  /** Errors it has logged. */
  readonly errors: readonly unknown[];
  stop(): Promise<void>;
}

/** Starts it on a free UDP port of 127.0.0.1; `settings` are additional keys of switchyard.json. */
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
