import { readSettings } from '../config/load.js';
import { focusable } from '../core/log-focus.js';
import { nullLogger } from '../core/logger.js';
import type { FlavourName } from '../engine/options.js';
import { requestWriter } from '../sip/grammar.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { Daemon } from './daemon.js';
import { CallsInMemory, makeWarmUpCalls, type WarmUpSubject, warmUpRow, warmUpSettings } from './warm-up-calls.js';
import { WARM_UP_PORTS } from './warm-up-messages.js';
import { CallsOverSockets, WarmUpPeers } from './warm-up-sockets.js';

/**
 * Makes warm-up calls through a daemon object of its own, over sockets at free ports of 127.0.0.1, or in memory where these cannot
 * be opened. It uses no files, and nobody sees its log, statistics, states and records. `ended`: see `makeWarmUpCalls`.
 * `batched`: limits.batch_datagrams of the real daemon. Resolves with the number of calls; never rejects.
 */
export function warmUp(
  plan: WarmUpPlan,
  ended: (made: number) => boolean = () => false,
  batched = true,
): Promise<number> {
  return makeWarmUpCalls(plan, ended, (flavour) => beginDaemon(flavour, batched));
}

async function beginDaemon(flavour: FlavourName, batched: boolean): Promise<WarmUpSubject> {
  try {
    const peers = await WarmUpPeers.open();
    let daemon: Daemon | undefined;
    const end = async () => {
      await daemon?.stop();
      peers.close();
    };
    try {
      daemon = newDaemon(flavour, 0, peers.ports(0).gateways, batched);
      const [socket] = daemon.sockets.all;
      await socket?.open();
      daemon.sockets.refresh(daemon.sockets.all);
      return { calls: new CallsOverSockets(peers, socket?.port ?? 0), end };
    } catch (error) {
      await end();
      throw error;
    }
  } catch {
    const daemon = newDaemon(flavour, WARM_UP_PORTS.proxy, WARM_UP_PORTS.gateways, batched);
    const calls = new CallsInMemory(daemon.sockets.all[0]);
    daemon.sockets.refresh(daemon.sockets.all);
    return { calls, end: () => daemon.stop() };
  }
}

function newDaemon(flavour: FlavourName, port: number, gateways: readonly number[], batched: boolean): Daemon {
  requestWriter();
  const given = warmUpSettings(flavour, port);
  const { settings } = readSettings({ ...given, limits: { batch_datagrams: batched } });
  // The same kind of log as the daemon's, so that the same code is compiled; nothing is written.
  const log = focusable(nullLogger, 'warn', () => performance.now());
  const daemon = new Daemon({ settings, log, anySocket: true, drainMs: 0 });
  const rows = gateways.map((gateway) => warmUpRow(`sip:127.0.0.1:${gateway}`));
  daemon.engine.partition('default')?.load(rows, { inheritState: false });
  return daemon;
}
