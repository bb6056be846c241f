import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfgError, loadCfg } from '../../../src/cfg-file/load.js';
import { readSettings } from '../../../src/config/load.js';
import { Daemon } from '../../../src/daemon/daemon.js';
import { createLogger } from '../../../src/daemon/logger.js';
import { recordingLogger } from '../../support/sip-recorder.js';
import { type Configuration, Refused, type Running, type ScriptLine, type Target } from './target.js';

/** Runs the product in this process: a new instance for each case. */
export class SwitchyardTarget implements Target {
  readonly name = 'switchyard';
  private count = 0;

  async start(configuration: Configuration, log: (line: ScriptLine) => void): Promise<Running> {
    const { folder, text, dialect, args, env } = configuration;
    const file = join(folder, `switchyard-${++this.count}.cfg`);
    writeFileSync(file, text, 'latin1');
    const defines = new Map<string, string>();
    args.forEach((each, i) => {
      if (each !== '-A') return;
      const [name = '', ...value] = (args[i + 1] ?? '').split('=');
      defines.set(name, value.join('='));
    });
    let daemon: Daemon;
    try {
      const cfg = loadCfg(file, { dialect, defines, environment: { ...process.env, ...env } });
      const { settings } = readSettings(asRecorded(cfg.settings), { cwd: folder }, file);
      daemon = new Daemon({
        settings,
        log: debug ? createLogger('info') : LOG.log,
        drainMs: 0,
        cfg,
        // The recorder did not count lines with the file's own prefix as script output.
        scriptOutput: (level, line, _callId, prefix) => {
          if (prefix === undefined) log([level, line]);
        },
      });
      await daemon.start();
    } catch (error) {
      if (error instanceof CfgError) {
        const first = error.problems.find(({ severity }) => severity === 'error');
        throw new Refused(error.message, first?.at.line, 'check');
      }
      throw new Refused(error instanceof Error ? error.message : String(error), undefined, 'start');
    }
    return { stop: () => daemon.stop() };
  }
}

/** Logs nothing, or to standard error when requested. */
const LOG = recordingLogger();
const debug = process.env['CONFORMANCE_DEBUG'] !== undefined;

/** The settings of a file with those that reproduce the behaviour of the originals (last column of the oddities). */
function asRecorded(settings: Record<string, unknown>): Record<string, unknown> {
  return { ...settings, tm: { ...(settings['tm'] as object | undefined), sips_needs_tls: false } };
}
