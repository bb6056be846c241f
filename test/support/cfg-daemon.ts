import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCompleteCfg } from '../../src/cfg-file/complete.js';
import { type LoadedCfg, loadCfg } from '../../src/cfg-file/load.js';
import type { Settings } from '../../src/config/settings.js';
import type { Logger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { workersFault } from '../../src/daemon/worker-hooks.js';
import { freePort } from './ports.js';
import { until } from './until.js';
import { workersSetting } from './workers.js';
import { writingLogger } from './written-lines.js';

/** A daemon in the test's process that serves a cfg file. */
export interface CfgDaemon {
  readonly daemon: Daemon;
  readonly folder: string;
  readonly port: number;
  /** "sip:127.0.0.1:port" */
  readonly proxy: string;
  /** Output of the script's xlog and similar functions. */
  readonly script: string[];
  /** Lines of the log, level info and above. */
  readonly log: string[];
  /** Reloads with another text of the file, as on SIGHUP. */
  reload(text: string): Promise<void>;
  stop(): Promise<void>;
}

export interface CfgDaemonOptions {
  /** Text of the file; "LISTEN" in it is replaced by 127.0.0.1 and a free port, "FOLDER" by the folder of the file. */
  readonly text: string;
  /** Content of the switchyard.json beside it. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Called with the folder before the daemon starts, to make tables and list files. */
  readonly prepare?: (folder: string) => void | Promise<void>;
  readonly address?: string;
  /** Its port. Default: a free one. */
  readonly port?: number;
}

/** Starts a daemon with a cfg file. Throws CfgError when the file cannot be used. */
export async function startCfgDaemon(options: CfgDaemonOptions): Promise<CfgDaemon> {
  const { address = '127.0.0.1' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-cfg-'));
  const port = options.port ?? (await freePort(address));
  const file = join(folder, 'proxy.cfg');
  const write = (text: string): void =>
    writeFileSync(file, text.replaceAll('LISTEN', `udp:${address}:${port}`).replaceAll('FOLDER', folder), 'latin1');
  write(options.text);
  writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(options.json ?? {}));
  await options.prepare?.(folder);
  const script: string[] = [];
  const log: string[] = [];
  const logger = recording(log, script);
  // Sockets that modules open by default are made in the folder as well.
  const loading = { runtimeFolder: folder };
  const loaded = loadCompleteCfg(file, loading);
  const { cfg } = loaded;
  const settings = inWorkers(loaded.settings, cfg);
  const daemon = new Daemon({
    settings,
    log: logger,
    drainMs: 50,
    cfg,
    scriptOutput: (_level, line) => script.push(line.replace(/\n$/, '')),
  });
  await daemon.start();
  return {
    daemon,
    folder,
    port,
    proxy: `sip:${address}:${port}`,
    script,
    log,
    async reload(text) {
      write(text);
      await daemon.reconfigure(inWorkers(loadCompleteCfg(file, loading).settings, cfg), loadCfg(file, loading));
    },
    async stop() {
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Adds several workers where SWITCHYARD_TEST_WORKERS is set and the file permits it. */
function inWorkers(settings: Settings, cfg: LoadedCfg): Settings {
  const { workers = settings.workers } = workersSetting();
  const several = settings.workers > 1 ? settings : { ...settings, workers };
  return settings.workers > 1 || workersFault(several, cfg) === undefined ? several : settings;
}

/** Output of scripts in workers comes as lines of the log. */
function recording(lines: string[], script: string[]): Logger {
  return writingLogger((fields, message) => {
    const { err } = fields as { err?: unknown };
    if ('script' in fields && 'worker' in fields) script.push(message);
    else
      lines.push(
        err === undefined ? message : `${message}: ${err instanceof Error ? err.message : JSON.stringify(err)}`,
      );
  });
}

/** Waits for the output of a script, which comes through the daemon's log when a worker wrote it, and compares it. */
export async function wrote(daemon: Pick<CfgDaemon, 'script'>, lines: readonly string[]): Promise<void> {
  await until(`${lines.length} lines of the script`, () => daemon.script.length >= lines.length, {
    show: () => daemon.script,
  });
  assert.deepEqual(daemon.script, lines);
}
