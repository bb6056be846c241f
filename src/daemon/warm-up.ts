import { readSettings } from '../config/load.js';
import { nullLogger } from '../core/logger.js';
import { requestWriter } from '../sip/grammar.js';
import { Daemon } from './daemon.js';
import { makeWarmUpCalls, WARM_UP_ROW, WARM_UP_SETTINGS, type WarmUpSubject } from './warm-up-calls.js';
import { WARM_UP_PORTS } from './warm-up-messages.js';

/**
 * Makes calls through a daemon of its own, whose socket is in memory, which reads and writes no file, and whose log, statistics, states
 * and records nobody sees. `ended`: whether to stop. Resolves with the calls made, never rejects.
 */
export function warmUp(calls: number, ended: () => boolean = () => false): Promise<number> {
  return makeWarmUpCalls(calls, ended, beginDaemon);
}

async function beginDaemon(): Promise<WarmUpSubject> {
  requestWriter();
  const { settings } = readSettings(WARM_UP_SETTINGS);
  const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
  const daemon = new Daemon({ settings, log, anySocket: true, drainMs: 0 });
  const rows = WARM_UP_PORTS.gateways.map((port) => ({ ...WARM_UP_ROW, uri: `sip:127.0.0.1:${port}` }));
  daemon.engine.partition('default')?.load(rows, { inheritState: false });
  const [socket] = daemon.sockets.all;
  return { socket, opened: () => daemon.sockets.refresh(daemon.sockets.all), end: () => daemon.stop() };
}
