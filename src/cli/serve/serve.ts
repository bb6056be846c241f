import { setFlagsFromString } from 'node:v8';
import { loadSettings } from '../../config/load.js';
import { ConfigError } from '../../config/problem.js';
import { messageOf } from '../../core/errors.js';
import { collectBetweenIterations } from '../../core/event-loop.js';
import type { Logger } from '../../core/logger.js';
import { compositionFaults } from '../../daemon/composition.js';
import { Daemon } from '../../daemon/daemon.js';
import { createLogger } from '../../daemon/logger.js';
import { ManagerNotifier } from '../../daemon/notify.js';
import { type MiCommand, MiError } from '../../management/mi/command.js';
import { hostPort } from '../../sip/transport/transport.js';
import { JobQueue } from '../../tenant/job-queue.js';
import type { CommandIo } from '../line/io.js';
import { settingsFor } from '../settings.js';
import type { CfgFile, CfgOptions } from './cfg-file.js';

/** Environment variable: number of warm-up calls, 0 for none. */
const WARM_UP = 'SWITCHYARD_WARM_UP_CALLS';
/** Without the variable; in a worker the calls only pass through memory, and more of them are needed. */
const WARM_UP_CALLS = 1000;
const WORKER_WARM_UP_CALLS = 1500;
const MAX_WARM_UP_CALLS = 10_000;

/**
 * Milliseconds after the start at which files that may be needed later are loaded, so that the first calls do not wait
 * for that.
 */
const LOAD_AHEAD_MS = 3000;

function warmUpCalls(text: string | undefined, usual: number): number {
  const count = text === undefined || text === '' ? usual : Number(text);
  return Number.isFinite(count) ? Math.min(count, MAX_WARM_UP_CALLS) : usual;
}

/** Options of the command line. */
export interface ServeOptions extends CfgOptions {
  readonly cfg?: string | undefined;
}

/** OpenSIPS' command reload_routes. */
function reloadRoutes(reload: () => Promise<void>): MiCommand {
  return {
    name: 'reload_routes',
    aliases: ['core:reload_routes'],
    module: 'core',
    help: 'reads the configuration file again; if anything in it is wrong, the old script stays',
    needs: { role: 'admin' },
    changes: true,
    paramLists: [[]],
    async run() {
      try {
        await reload();
        return 'OK';
      } catch (error) {
        throw new MiError(500, 'Server Error', messageOf(error));
      }
    },
  };
}

/**
 * switchyard serve: runs until SIGTERM or SIGINT, which let running calls finish; a second signal ends it at once.
 * SIGHUP reads the settings again. Returns the exit status.
 */
export async function serve(options: ServeOptions, io: CommandIo): Promise<number> {
  // The young generation is small here: waking V8's helper threads cost more than they saved (5 to 10 % of the CPU per
  // call, measured in interleaved runs).
  setFlagsFromString('--no-parallel-scavenge');
  collectBetweenIterations();
  // Loaded only if used: the cfg language and its modules are a tenth of all files.
  const file =
    options.cfg === undefined ? undefined : new (await import('./cfg-file.js')).CfgFile(options.cfg, options);
  const loaded = file?.load();
  if (loaded !== undefined) file?.report(loaded, io);
  const settings = loaded?.settings ?? settingsFor(options.config, io);
  const log = createLogger(settings.log.level);
  const readSettings = () => file?.load() ?? loadSettings(options.config, { inspect: compositionFaults });
  const daemon = new Daemon({ settings, log, cfg: loaded?.cfg, readSettings });
  const ended = new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught error; the daemon goes on');
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled promise rejection; the daemon goes on');
  });
  const manager = await ManagerNotifier.open(process.env, log);
  // Reloads run one at a time, and only after everything has started: until then SIGHUP must not end the process.
  const jobs = new JobQueue();
  const started = jobs.run(undefined, async () => {
    await daemon.start();
    manager.ready('serving');
    const address = daemon.http?.address;
    if (address !== undefined) {
      const url = `${settings.http?.tls === undefined ? 'http' : 'https'}://${hostPort(address.host, address.port)}/`;
      log.info({ url }, `the console is at ${url}`);
    }
  });
  let stopping = false;
  process.on('SIGHUP', () => {
    void jobs.run('reload', async () => {
      if (stopping) return;
      manager.reloading();
      manager.ready(
        (await reconfigure(daemon, file, log)) ? 'serving' : 'serving with the old settings; the new ones were refused',
      );
    });
  });
  const takeAgain = async () => {
    await daemon.reloadSettings(false);
  };
  if (file !== undefined) daemon.mi.register(reloadRoutes(() => jobs.run('reload', takeAgain)));
  try {
    await started;
    const calls = warmUpCalls(process.env[WARM_UP], settings.workers > 1 ? WORKER_WARM_UP_CALLS : WARM_UP_CALLS);
    const plan = { calls, flavours: [...new Set(settings.partitions.map(({ flavour }) => flavour))] };
    if (calls > 0 && settings.workers > 1) daemon.warmUpWorkers(plan);
    else if (calls > 0) {
      const { warmUp } = await import('../../daemon/warm-up.js');
      // Real calls that come meanwhile warm the daemon up too, and need its time more.
      const isWarm = (made: number): boolean => made + daemon.invitesHandled >= calls;
      const { batchDatagrams } = settings.limits;
      void warmUp(plan, (made) => stopping || isWarm(made), batchDatagrams).then((made) =>
        log.debug({ calls: made }, 'warmed up'),
      );
    }
    const ahead = setTimeout(
      () => void daemon.loadAhead().then(() => log.debug({}, 'modules needed later are loaded')),
      LOAD_AHEAD_MS,
    );
    const signal = await ended;
    clearTimeout(ahead);
    log.info({ signal }, 'stopping');
    stopping = true;
    manager.stopping();
    await daemon.stop();
  } finally {
    manager.close();
  }
  return 0;
}

/** Applies new settings as a whole (true), or refuses them as a whole and keeps the old ones. */
async function reconfigure(daemon: Daemon, file: CfgFile | undefined, log: Logger): Promise<boolean> {
  try {
    const { warnings, needRestart } = await daemon.reloadSettings(false);
    log.info({ warnings, needRestart }, 'settings reloaded');
    return true;
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : (file?.problems(error) ?? [messageOf(error)]);
    log.error({ problems }, 'the new settings are refused, the old ones stay in force');
    return false;
  }
}
