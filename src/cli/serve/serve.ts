import { setFlagsFromString } from 'node:v8';
import { loadSettings } from '../../config/load.js';
import { ConfigError } from '../../config/problem.js';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { collectInTurns } from '../../core/turn.js';
import { compositionFaults } from '../../daemon/composition.js';
import { Daemon } from '../../daemon/daemon.js';
import { createLogger } from '../../daemon/logger.js';
import { ManagerNotifier } from '../../daemon/notify.js';
import { JobQueue } from '../../tenant/job-queue.js';
import type { CommandIo } from '../line/io.js';
import { settingsFor } from '../settings.js';

/**
 * switchyard serve: runs until SIGTERM or SIGINT, which let what is under way finish; a second one ends it at once. SIGHUP
 * reads the settings again. Returns the exit status.
 */
export async function serve(options: { readonly config?: string | undefined }, io: CommandIo): Promise<number> {
  // The young generation holds little at any moment here: waking V8's helper threads for it cost more than they did
  // (5 to 10 % of the CPU per call, measured by interleaved runs).
  setFlagsFromString('--no-parallel-scavenge');
  collectInTurns();
  const settings = settingsFor(options.config, io);
  const log = createLogger(settings.log.level);
  const daemon = new Daemon({ settings, log });
  const ended = new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error nobody caught; the daemon goes on');
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'a rejection nobody handled; the daemon goes on');
  });
  const manager = await ManagerNotifier.open(process.env, log);
  // One reload after the other, and none before everything has started: the signal must not end us then.
  const jobs = new JobQueue();
  const started = jobs.run(undefined, async () => {
    await daemon.start();
    manager.ready('serving');
  });
  let stopping = false;
  process.on('SIGHUP', () => {
    void jobs.run('reload', async () => {
      if (stopping) return;
      manager.reloading();
      manager.ready(
        (await reconfigure(daemon, options.config, log)) ? 'serving' : 'serving; the last settings were refused',
      );
    });
  });
  try {
    await started;
    const signal = await ended;
    log.info({ signal }, 'stopping');
    stopping = true;
    manager.stopping();
    await daemon.stop();
  } finally {
    manager.close();
  }
  return 0;
}

/** New settings are taken whole (true), or refused whole with the old ones going on. */
async function reconfigure(daemon: Daemon, config: string | undefined, log: Logger): Promise<boolean> {
  try {
    const { settings, warnings } = loadSettings(config, { inspect: compositionFaults });
    const restart = await daemon.reconfigure(settings);
    log.info({ warnings, needRestart: restart }, 'settings reloaded');
    return true;
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
    log.error({ problems }, 'the new settings are refused, the old ones stay');
    return false;
  }
}
