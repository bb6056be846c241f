import type { Engine } from '../engine/engine.js';
import { destinationsOf } from '../engine/set.js';
import type { Statistic, StatisticsSource } from '../management/mi/dependencies.js';
import type { ProxyCounters } from '../proxy/proxy.js';
import { PEER_TABLES, type PeerTableCounters, type PeerTableName } from '../sip/peer-tables.js';
import type { LayerCounters } from '../sip/transaction/counters.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import { Counter, type Metrics } from '../stats/metrics.js';
import type { StartTime } from './start-time.js';

/** Counters for the hot path, also read by metrics and MI. */
export interface DaemonCounters {
  readonly layer: LayerCounters;
  readonly proxy: ProxyCounters;
  /**
   * Requests in dialogs that did not begin here: `passed` were forwarded by their Route, `refused` were left to the
   * rules.
   */
  readonly foreign: { readonly passed: { value: number }; readonly refused: { value: number } };
  /** Requests refused an entry in the tables that peers fill. */
  readonly tables: PeerTableCounters;
  /** With several workers: datagrams that another process received than the one they belong to. */
  readonly misdirected: { readonly passed: { value: number }; readonly dropped: { value: number } };
}

/** Registers the SIP counters under their Prometheus names. */
export function createCounters(metrics: Metrics): DaemonCounters {
  const messages = metrics.counter('switchyard_sip_messages_total', 'SIP messages by direction and kind');
  const dropped = metrics.counter('switchyard_sip_dropped_total', 'Datagrams and messages dropped without a reply');
  const bad = metrics.counter('switchyard_sip_bad_requests_total', 'Malformed requests answered with 400');
  const overload = metrics.counter(
    'switchyard_sip_overload_total',
    'Requests refused with 503 for too many transactions',
  );
  const share = metrics.counter(
    'switchyard_sip_share_refused_total',
    'Requests refused with 503 because their source had too many transactions',
  );
  const retransmitted = metrics.counter('switchyard_sip_retransmissions_total', 'Retransmitted requests');
  const forged = metrics.counter(
    'switchyard_sip_forged_replies_total',
    'Replies dropped because they do not match the request of their branch',
  );
  const elsewhere = metrics.counter(
    'switchyard_sip_replies_from_elsewhere_total',
    'Replies received over UDP from another address than the request was sent to',
  );
  const calls = metrics.counter('switchyard_calls_total', 'INVITE requests received');
  const requests = metrics.counter('switchyard_requests_total', 'Requests processed, except ACK');
  const replies = metrics.counter('switchyard_replies_total', 'Final replies sent to callers, by class');
  const failovers = metrics.counter('switchyard_failovers_total', 'Requests that failed over to a further destination');
  const cancels = metrics.counter('switchyard_cancels_total', 'CANCEL requests for calls in progress');
  const stray = metrics.counter('switchyard_sip_stray_replies_total', 'Replies that match no transaction');
  const stateless = metrics.counter('switchyard_stateless_total', 'Requests relayed statelessly');
  const foreign = metrics.counter(
    'switchyard_foreign_dialogs_total',
    'Requests inside dialogs that did not begin here: relayed by their Route, or left to the rules',
  );
  const misdirected = metrics.counter(
    'switchyard_worker_misdirected_total',
    'Datagrams received by the wrong process: passed on, or dropped when there were too many',
  );
  const tables = metrics.counter(
    'switchyard_peer_table_refused_total',
    'Requests refused an entry in a nearly full table that peers fill, by table',
  );
  return {
    tables: Object.fromEntries(PEER_TABLES.map((table) => [table, tables.with({ table })])) as Record<
      PeerTableName,
      Counter
    >,
    misdirected: {
      passed: misdirected.with({ result: 'handed_on' }),
      dropped: misdirected.with({ result: 'dropped' }),
    },
    foreign: { passed: foreign.with({ result: 'relayed' }), refused: foreign.with({ result: 'rules' }) },
    layer: {
      requestsReceived: messages.with({ direction: 'in', kind: 'request' }),
      repliesReceived: messages.with({ direction: 'in', kind: 'reply' }),
      requestsSent: messages.with({ direction: 'out', kind: 'request' }),
      repliesSent: messages.with({ direction: 'out', kind: 'reply' }),
      dropped: dropped.with(),
      badRequests: bad.with(),
      overload: overload.with(),
      share: share.with(),
      retransmissions: retransmitted.with(),
      forgedReplies: forged.with(),
      repliesFromElsewhere: elsewhere.with(),
    },
    proxy: {
      invites: calls.with(),
      requests: requests.with(),
      failovers: failovers.with(),
      cancels: cancels.with(),
      strayReplies: stray.with(),
      stateless: stateless.with(),
      replies: [new Counter(''), ...[1, 2, 3, 4, 5, 6].map((each) => replies.with({ class: `${each}xx` }))],
    },
  };
}

/** The counters as MI statistics, under OpenSIPS' names where it has them. */
export class DaemonStatistics implements StatisticsSource {
  private readonly table: readonly Statistic[];
  private readonly byName = new Map<string, Statistic>();

  constructor(
    counters: DaemonCounters,
    layer: TransactionLayer,
    engine: Engine,
    started: StartTime,
    /** Statistics other than of SIP messages: memory, load, DNS. */
    ofProcess: readonly Statistic[] = [],
    /** The current statistics of the cfg script and its modules. */
    private readonly ofScript: () => readonly Statistic[] = () => [],
  ) {
    const { layer: sip, proxy } = counters;
    const zero = { value: 0 };
    const counted = (group: string, name: string, counter: { value: number }): Statistic => ({
      group,
      name,
      value: () => counter.value,
      reset: () => {
        counter.value = 0;
      },
    });
    const measured = (group: string, name: string, value: () => number): Statistic => ({ group, name, value });
    const destinations = (state: string): Statistic => {
      const valueIn = (sees: (partition: string) => boolean): number => {
        let count = 0;
        for (const { name, snapshot } of engine.partitions) {
          if (!sees(name)) continue;
          for (const { health } of destinationsOf(snapshot)) if (health.state === state) count++;
        }
        return count;
      };
      return { ...measured('dispatcher', `${state}_destinations`, () => valueIn(() => true)), valueIn };
    };
    this.table = [
      counted('core', 'rcv_requests', sip.requestsReceived),
      counted('core', 'rcv_replies', sip.repliesReceived),
      counted('core', 'fwd_requests', sip.requestsSent),
      counted('core', 'fwd_replies', sip.repliesSent),
      counted('core', 'drop_requests', sip.dropped),
      counted('core', 'drop_replies', proxy.strayReplies),
      counted('core', 'err_requests', sip.badRequests),
      counted('core', 'err_replies', zero),
      counted('core', 'bad_URIs_rcvd', zero),
      counted('core', 'bad_msg_hdr', sip.badRequests),
      counted('core', 'slow_messages', zero),
      { ...measured('core', 'timestamp', () => started.seconds), valueIn: () => started.seconds },
      counted('tm', 'received_requests', proxy.requests),
      counted('tm', 'UAS_transactions', proxy.requests),
      ...[2, 3, 4, 5, 6].map((each) => counted('tm', `${each}xx_transactions`, proxy.replies[each] ?? zero)),
      measured('tm', 'inuse_transactions', () => layer.serverCount),
      counted('sl', '4xx_replies', sip.badRequests),
      measured('sl', '5xx_replies', () => sip.overload.value + sip.share.value),
      counted('dispatcher', 'failovers', proxy.failovers),
      counted('dispatcher', 'cancels', proxy.cancels),
      destinations('active'),
      destinations('inactive'),
      destinations('probing'),
      ...ofProcess,
    ];
    for (const each of this.table) this.byName.set(each.name, each);
  }

  list(): Iterable<Statistic> {
    const more = this.ofScript();
    if (more.length === 0) return this.table;
    const groups = new Map<string, Statistic[]>();
    for (const each of [...this.table, ...more]) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
    return [...groups.values()].flat();
  }

  /** For $stat(name). */
  lookup(name: string): number | undefined {
    return this.byName.get(name.slice(name.indexOf(':') + 1))?.value();
  }
}
