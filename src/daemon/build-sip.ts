import type { Settings } from '../config/settings.js';
import { AddressBlocks } from '../core/address-blocks.js';
import type { Clock } from '../core/clock.js';
import { HeldClock } from '../core/held-clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import { Admission } from '../sip/admission.js';
import { Congestion } from '../sip/congestion.js';
import { LocalSockets } from '../sip/local-sockets.js';
import { logMore } from '../sip/name-answers.js';
import { Originator } from '../sip/originate.js';
import { PeerTables } from '../sip/peer-tables.js';
import { SourceRateLimiter } from '../sip/rate-limit.js';
import { Resolver } from '../sip/resolve.js';
import { TransactionLayer } from '../sip/transaction/layer.js';
import type { PeerProcesses } from '../sip/transaction/peers.js';
import { createSipSocket, inOpeningOrder, sharePorts } from '../sip/transport/create.js';
import { DatagramQueue } from '../sip/transport/datagram-queue.js';
import { TapPoint } from '../sip/transport/tap.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { UnfinishedBytes } from '../sip/transport/unfinished.js';
import { UnopenedSocket } from '../sip/transport/unopened.js';
import { type AddressSet, TrustedSources } from '../sip/trusted-sources.js';
import { WorkShare } from '../sip/work-share.js';
import type { Metrics } from '../stats/metrics.js';
import { congestionLog } from './congestion-log.js';
import { registerSipGauges } from './sip-metrics.js';
import { certificatesFor, connectionBounds, layerOptions, rateLimit } from './sip-options.js';
import { createCounters, type DaemonCounters } from './statistics.js';
import { systemCalls } from './system-calls.js';
import { VERSION } from './version.js';
import type { WorkerHooks } from './worker-hooks.js';

/** What the SIP part needs. */
export interface SipEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called with the name of a slow lookup and its milliseconds. */
  readonly slowLookup?: ((name: string, ms: number) => void) | undefined;
  /** Receives messages instead of the sockets. */
  readonly unsent?: ((text: string, address: string, port: number) => void) | undefined;
  /** Set if other processes serve the UDP sockets too. */
  readonly hooks?: Pick<WorkerHooks, keyof PeerProcesses | 'limits' | 'opening' | 'tapped'> | undefined;
}

/** The parts of the daemon for SIP, below the proxy. */
export interface SipParts {
  /** The clock for messages: it stands still while those of one event loop iteration are handled. */
  readonly clock: Clock;
  readonly counters: DaemonCounters;
  /** Who gets an entry in the tables that peers fill. */
  readonly peers: PeerTables;
  readonly layer: TransactionLayer;
  /** Where messages can be observed as they are received and sent. */
  readonly tapPoint: TapPoint;
  /** The listening sockets in the order of the settings. */
  readonly transports: readonly SipSocket[];
  readonly sockets: LocalSockets;
  readonly resolver: Resolver;
  readonly originator: Originator;
  /** Sources without limits. */
  readonly trusted: AddressSet;
  /** Opens all listening sockets. Rejects when one cannot be opened. */
  open(): Promise<void>;
  /** Applies the limits that may change at run time. */
  configure(settings: Settings): void;
}

/** Builds sockets, transactions, admission and the resolver. Nothing is opened. */
export function buildSip(
  settings: Settings,
  { clock, random, log, metrics, unsent, hooks, slowLookup }: SipEnvironment,
): SipParts {
  const counters = createCounters(metrics);
  const trusted = new TrustedSources(new AddressBlocks(settings.limits.trustedSources));
  const now = () => clock.monotonic();
  const limiter = new SourceRateLimiter(rateLimit(settings), now, trusted);
  const congestion = new Congestion(now, congestionLog(log, clock), trusted);
  const unfinished = new UnfinishedBytes(undefined, trusted);
  // Workers are made later, and limit sources together with this process.
  const limits = hooks === undefined ? limiter : { take: (source: string) => hooks.limits.take(source) };
  const peers = new PeerTables(counters.tables, trusted, log);
  const work = new WorkShare(peers, trusted);
  const admission = new Admission(counters.layer, { limiter: limits, congestion, work, trusted });
  const held = new HeldClock(clock);
  const layer = new TransactionLayer(layerOptions(settings), held, random, counters.layer, log, admission, hooks);
  const bounds = connectionBounds(settings, unfinished);
  const queue = new DatagramQueue({
    gatherMs: settings.limits.gatherMs,
    paceMs: settings.limits.paceMs,
    clock: held,
    handled: (datagrams, full) => congestion.handled(datagrams, full),
  });
  const tapPoint = new TapPoint(layer, (isTapped) => hooks?.tapped(isTapped));
  const libc = settings.limits.batchDatagrams ? systemCalls(log) : undefined;
  const transports = settings.listen.map((each, index) =>
    unsent === undefined
      ? createSipSocket(each, tapPoint, certificatesFor(settings.tls, each), bounds, queue, libc, hooks?.opening(index))
      : new UnopenedSocket(each, unsent),
  );
  const sockets = new LocalSockets(
    transports,
    settings.listen.map((each) => each.name),
    settings.aliases,
  );
  sharePorts(transports);
  tapPoint.watch(transports);
  const resolver = new Resolver(
    clock,
    random,
    undefined,
    sockets.transports,
    undefined,
    slowLookup,
    logMore(log),
    peers,
  );
  const originator = new Originator(layer, sockets, resolver, random, `switchyard/${VERSION}`);
  registerSipGauges(metrics, transports, () => hooks?.limits ?? limiter, congestion, unfinished);
  return {
    clock: held,
    counters,
    peers,
    layer,
    tapPoint,
    transports,
    sockets,
    resolver,
    originator,
    trusted,
    configure(wanted) {
      limiter.configure(rateLimit(wanted));
      trusted.replace(new AddressBlocks(wanted.limits.trustedSources));
    },
    async open() {
      for (const socket of inOpeningOrder(transports)) await socket.open();
      sockets.refresh(transports);
    },
  };
}
