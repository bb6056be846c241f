import type { Congestion } from '../sip/congestion.js';
import type { SourceRateLimiter } from '../sip/rate-limit.js';
import type { ConnectionCounts, SipSocket } from '../sip/transport/transport.js';
import type { UnfinishedBytes } from '../sip/transport/unfinished.js';
import type { Metrics } from '../stats/metrics.js';

/**
 * Registers metrics of the SIP sockets, which are measured when they are requested:
 *
 *   switchyard_sip_connections                by socket and direction: open TCP, TLS and WebSocket connections
 *   switchyard_sip_connections_refused_total  by socket: connections refused because there were too many
 *   switchyard_sip_limited_total              requests refused because their source sent too many
 *   switchyard_sip_limited_sources            source addresses whose rate the limiter keeps
 *   switchyard_sip_congestion                 1 while datagrams arrive faster than they are handled
 *   switchyard_sip_congestion_refused_total   requests refused for that, by action: refused (503) or dropped (not parsed)
 *   switchyard_sip_unfinished_bytes           bytes of incomplete messages on connections
 */
export function registerSipGauges(
  metrics: Metrics,
  sockets: readonly SipSocket[],
  limits: () => Pick<SourceRateLimiter, 'refused' | 'size'>,
  congestion: Congestion,
  unfinished: UnfinishedBytes,
): void {
  const each = function* (read: (counts: ConnectionCounts) => readonly (readonly [Record<string, string>, number])[]) {
    for (const { transport, description: socket, counts } of sockets) {
      if (counts === undefined) continue;
      for (const [labels, value] of read(counts)) yield [{ transport, socket, ...labels }, value] as const;
    }
  };
  metrics.gauge({
    name: 'switchyard_sip_connections',
    help: 'Open connections by socket and who made them',
    collect: () =>
      each(({ inbound, outbound }) => [
        [{ direction: 'in' }, inbound],
        [{ direction: 'out' }, outbound],
      ]),
  });
  metrics.gauge({
    name: 'switchyard_sip_connections_refused_total',
    help: 'Connections refused because there were too many',
    type: 'counter',
    collect: () => each(({ refused }) => [[{}, refused]]),
  });
  metrics.gauge({
    name: 'switchyard_sip_limited_total',
    help: 'Requests refused because their source sent too many',
    type: 'counter',
    collect: () => [[{}, limits().refused]],
  });
  metrics.gauge({
    name: 'switchyard_sip_limited_sources',
    help: 'Source addresses that the rate limit keeps',
    collect: () => [[{}, limits().size]],
  });
  metrics.gauge({
    name: 'switchyard_sip_congestion',
    help: 'Whether datagrams arrive faster than they are processed, so that requests of the busiest sources are refused',
    collect: () => [[{}, congestion.active ? 1 : 0]],
  });
  metrics.gauge({
    name: 'switchyard_sip_congestion_refused_total',
    help: 'Requests refused because datagrams arrived faster than they were processed: with 503, or unread',
    type: 'counter',
    collect: () => [
      [{ action: 'refused' }, congestion.refused],
      [{ action: 'dropped' }, congestion.dropped],
    ],
  });
  metrics.gauge({
    name: 'switchyard_sip_unfinished_bytes',
    help: 'Bytes of incomplete messages received over connections',
    collect: () => [[{}, unfinished.size]],
  });
}
