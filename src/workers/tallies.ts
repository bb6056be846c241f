import type { ProxyCounters } from '../proxy/proxy.js';
import { PEER_TABLES, type PeerTableCounters, type PeerTableName } from '../sip/peer-tables.js';
import type { LayerCounters, Tally } from '../sip/transaction/counters.js';

/** The SIP counters of a process. */
export interface SipCounters {
  readonly layer: LayerCounters;
  readonly proxy: ProxyCounters;
  /** Requests in dialogs that began elsewhere. */
  readonly foreign: { readonly passed: Tally; readonly refused: Tally };
  /** Requests refused an entry in the tables that peers fill. */
  readonly tables: PeerTableCounters;
  /** Datagrams that came to the wrong process: passed on, or dropped because there were too many. */
  readonly misdirected: { readonly passed: Tally; readonly dropped: Tally };
}

/** Counters of a worker, all zero. */
export function newCounters(): SipCounters {
  const tally = (): Tally => ({ value: 0 });
  return {
    layer: {
      requestsReceived: tally(),
      repliesReceived: tally(),
      requestsSent: tally(),
      repliesSent: tally(),
      dropped: tally(),
      badRequests: tally(),
      overload: tally(),
      share: tally(),
      retransmissions: tally(),
      forgedReplies: tally(),
      repliesFromElsewhere: tally(),
    },
    proxy: {
      invites: tally(),
      requests: tally(),
      failovers: tally(),
      cancels: tally(),
      strayReplies: tally(),
      stateless: tally(),
      replies: [0, 1, 2, 3, 4, 5, 6].map(tally),
    },
    foreign: { passed: tally(), refused: tally() },
    tables: Object.fromEntries(PEER_TABLES.map((name) => [name, tally()])) as Record<PeerTableName, Tally>,
    misdirected: { passed: tally(), dropped: tally() },
  };
}

const ZERO = newCounters();
const LAYER_NAMES = Object.keys(ZERO.layer) as (keyof LayerCounters)[];
const PROXY_NAMES = Object.keys(ZERO.proxy) as (keyof ProxyCounters)[];

/** All counters in an order that both processes share. */
export function tallies({ layer, proxy, foreign, misdirected, tables }: SipCounters): readonly Tally[] {
  return [
    ...LAYER_NAMES.map((name) => layer[name]),
    ...PROXY_NAMES.flatMap<Tally>((name) => proxy[name]),
    foreign.passed,
    foreign.refused,
    misdirected.passed,
    misdirected.dropped,
    ...PEER_TABLES.map((name) => tables[name]),
  ];
}
