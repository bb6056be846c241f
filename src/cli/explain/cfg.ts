import { loadCompleteCfg } from '../../cfg-file/complete.js';
import { ScriptPath } from '../../cfg-file/script-path.js';
import { systemClock } from '../../core/clock.js';
import { within } from '../../core/within.js';
import { Daemon } from '../../daemon/daemon.js';
import { createLogger } from '../../daemon/logger.js';
import { ScriptRehearsal } from '../../daemon/script-rehearsal.js';
import type { CommandIo } from '../line/io.js';
import { renderScript, sendsMessage } from './render-script.js';

/** Milliseconds that startup routes may take before the script gets the request. */
const STARTUP_MS = 10_000;

/** Options of "explain" with --cfg. */
export interface ExplainCfgOptions {
  readonly cfg: string;
  readonly config?: string | undefined;
  readonly dialect?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly defines?: ReadonlyMap<string, string> | undefined;
  readonly source?: string | undefined;
  readonly json?: boolean | undefined;
}

/**
 * switchyard explain --cfg: runs the script of a cfg file for one request, and shows each statement with its values and
 * the messages that would be sent. Nothing is sent. Returns the exit status: 1 when the request goes nowhere.
 */
export async function explainCfg(options: ExplainCfgOptions, request: string, io: CommandIo): Promise<number> {
  const { dialect, preprocess, defines } = options;
  const { cfg, settings } = loadCompleteCfg(
    options.cfg,
    { traced: true, dialect, preprocess, ...(defines === undefined ? {} : { defines }) },
    options.config,
  );
  const path = new ScriptPath(cfg);
  const rehearsal = new ScriptRehearsal(path);
  const daemon = new Daemon({
    settings,
    cfg,
    log: createLogger('error'),
    scriptTrace: path,
    isolated: true,
    drainMs: 0,
    scriptOutput: rehearsal.scriptOutput,
    unsent: rehearsal.unsent,
  });
  try {
    for (const [partition, { failure }] of await daemon.loadOnly()) {
      if (failure !== undefined) io.err(`partition "${partition}" could not be loaded: ${failure}\n`);
    }
    await within(systemClock, STARTUP_MS, daemon.begin());
    rehearsal.forget();
    const found = await rehearsal.run(daemon, request, options.source);
    io.out(options.json === true ? `${JSON.stringify(found)}\n` : renderScript(found));
    return sendsMessage(found) ? 0 : 1;
  } finally {
    await daemon.stop();
  }
}
