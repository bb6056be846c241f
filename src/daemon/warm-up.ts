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
 * Makes calls through a daemon of its own, whose socket is in memory, which reads and writes no file, and whose log, statistics, states
 * and records nobody sees. `ended` as of `makeWarmUpCalls`. Resolves with the calls made, never rejects.
 */
export function warmUp(plan: WarmUpPlan, ended: (made: number) => boolean = () => false): Promise<number> {
  return makeWarmUpCalls(plan, ended, beginDaemon);
}

async function beginDaemon(flavour: FlavourName): Promise<WarmUpSubject> {
  requestWriter();
  const { settings } = readSettings(warmUpSettings(flavour));
  // As the daemon's own, for what is compiled; nothing is written.
  const log = focusable(nullLogger, 'warn', () => performance.now());
  const daemon = new Daemon({ settings, log, anySocket: true, drainMs: 0 });
  const rows = WARM_UP_PORTS.gateways.map((port) => warmUpRow(`sip:127.0.0.1:${port}`));
  daemon.engine.partition('default')?.load(rows, { inheritState: false });
  const [socket] = daemon.sockets.all;
  return { socket, opened: () => daemon.sockets.refresh(daemon.sockets.all), end: () => daemon.stop() };
}
