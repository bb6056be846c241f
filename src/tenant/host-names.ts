import type { Clock } from '../core/clock.js';
import { parseUri, type SipUri } from '../core/uri.js';
import { within } from '../core/within.js';
import { isIpLiteral } from '../engine/compiled-destination.js';
import type { DestinationRow, ResolvedAddress } from '../engine/destination.js';
import type { Resolver } from '../sip/resolve.js';

/** Names resolved at the same time for one partition. */
const NAMES_AT_ONCE = 64;
/** Rows processed in one event loop iteration: about a millisecond. */
const ROWS_PER_ITERATION = 1000;
/** An IPv4 literal, recognised without cutting the URI: what most rows of large tables have. */
const IPV4_HOST = /^sips?:(?:[^@?]*@)?[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:;?]|$)/i;

/** Hosts that are names, by everything of the URI that decides what they resolve to. */
export type NamedHosts = ReadonlyMap<string, SipUri>;

/** What a URI's host resolves to depends on scheme, host, port and parameters (transport, maddr). */
export function hostKey(uri: Pick<SipUri, 'scheme' | 'host' | 'port' | 'params'>): string {
  return `${uri.scheme}:${uri.host}:${uri.port ?? ''}${uri.params}`.toLowerCase();
}

/** The hosts of these rows that are names, each once. Awaits `pause` now and then, so that calls go on meanwhile. */
export async function namedHosts(rows: readonly DestinationRow[], pause: () => Promise<void>): Promise<NamedHosts> {
  const hosts = new Map<string, SipUri>();
  for (let i = 0; i < rows.length; i++) {
    if (i % ROWS_PER_ITERATION === ROWS_PER_ITERATION - 1) await pause();
    const { uri: text } = rows[i] as DestinationRow;
    if (IPV4_HOST.test(text)) continue;
    const uri = parseUri(text);
    if (uri === undefined || uri.host === '' || isIpLiteral(uri.host)) continue;
    hosts.set(hostKey(uri), uri);
  }
  return hosts;
}

/**
 * The addresses of those hosts that have any, by key. Those that do not resolve, or not within `limitMs` milliseconds, are
 * not in it: with a DNS that is down, a thousand names would hold a load up for minutes.
 */
export async function resolveHosts(
  hosts: NamedHosts,
  resolver: Pick<Resolver, 'resolve'>,
  clock: Pick<Clock, 'schedule'>,
  limitMs: number,
): Promise<ReadonlyMap<string, readonly ResolvedAddress[]>> {
  const found = new Map<string, readonly ResolvedAddress[]>();
  const queue = [...hosts];
  let late = false;
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined && !late; next = queue.pop()) {
      const [key, uri] = next;
      const result = await new Promise<readonly ResolvedAddress[] | Error>((resolve) => resolver.resolve(uri, resolve));
      if (!(result instanceof Error) && result.length > 0 && !late) found.set(key, result);
    }
  };
  const workers = Array.from({ length: Math.min(NAMES_AT_ONCE, queue.length) }, work);
  await within(clock, limitMs, Promise.all(workers));
  late = true;
  return found;
}

/** Whether two answers are the same; the order decides which address is tried first, so it counts. */
export function sameAddresses(a: readonly ResolvedAddress[], b: readonly ResolvedAddress[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((each, i) => {
    const other = b[i] as ResolvedAddress;
    return each.address === other.address && each.port === other.port && each.transport === other.transport;
  });
}
