import { readSettings } from '../config/load.js';
import { focusable } from '../core/log-focus.js';
import { nullLogger } from '../core/logger.js';
import type { FlavourName } from '../engine/options.js';
import { requestWriter } from '../sip/grammar.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { Daemon } from './daemon.js';
import { makeWarmUpCalls, type WarmUpSubject, warmUpRow, warmUpSettings } from './warm-up-calls.js';
import { WARM_UP_PORTS } from './warm-up-messages.js';

/**
 * Makes warm-up calls through a daemon object of its own. Its socket is in memory, it uses no files, and nobody sees
 * its log, statistics, states and records. `ended`: see `makeWarmUpCalls`. Resolves with the number of calls; never
 * rejects.
 */
export function warmUp(plan: WarmUpPlan, ended: (made: number) => boolean = () => false): Promise<number> {
  return makeWarmUpCalls(plan, ended, beginDaemon);
}

async function beginDaemon(flavour: FlavourName): Promise<WarmUpSubject> {
  requestWriter();
  const { settings } = readSettings(warmUpSettings(flavour));
  // The same kind of log as the daemon's, so that the same code is compiled; nothing is written.
  const log = focusable(nullLogger, 'warn', () => performance.now());
  const daemon = new Daemon({ settings, log, anySocket: true, drainMs: 0 });
  const rows = WARM_UP_PORTS.gateways.map((port) => warmUpRow(`sip:127.0.0.1:${port}`));
  daemon.engine.partition('default')?.load(rows, { inheritState: false });
  const [socket] = daemon.sockets.all;
  return { socket, opened: () => daemon.sockets.refresh(daemon.sockets.all), end: () => daemon.stop() };
}
