import type { Clock } from '../core/clock.js';
import { parseUri, type SipUri } from '../core/uri.js';
import { within } from '../core/within.js';
import { isIpLiteral } from '../engine/compiled-destination.js';
import type { DestinationRow, ResolvedAddress } from '../engine/destination.js';
import type { Resolver } from '../sip/resolve.js';

/** Names of one partition that are resolved at the same time. */
const NAMES_AT_ONCE = 64;
/** Rows handled in one event loop iteration: about a millisecond. */
const ROWS_PER_ITERATION = 1000;
/**
 * A URI whose host is an IPv4 address. Tested first, since most rows of large tables have one, and faster than parsing.
 */
const IPV4_HOST = /^sips?:(?:[^@?]*@)?[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:;?]|$)/i;

/** Host names by `hostKey`, each with one of its URIs. */
export type NamedHosts = ReadonlyMap<string, SipUri>;

/** The parts of a URI that decide what its host resolves to: scheme, host, port and parameters (transport, maddr). */
export function hostKey(uri: Pick<SipUri, 'scheme' | 'host' | 'port' | 'params'>): string {
  return `${uri.scheme}:${uri.host}:${uri.port ?? ''}${uri.params}`.toLowerCase();
}

/** The host names of these rows, each once. Awaits `pause` now and then, so that calls are handled meanwhile. */
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
 * Resolves host names; returns the addresses by key. A name is left out if it does not resolve within `limitMs`
 * milliseconds: without this limit, a thousand names would delay a load by minutes while the DNS is down.
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

/** Whether two answers are the same. The order counts, since it decides which address is tried first. */
export function sameAddresses(a: readonly ResolvedAddress[], b: readonly ResolvedAddress[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((each, i) => {
    const other = b[i] as ResolvedAddress;
    return each.address === other.address && each.port === other.port && each.transport === other.transport;
  });
}
