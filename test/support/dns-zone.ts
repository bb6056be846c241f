import assert from 'node:assert/strict';
import type { Random } from '../../src/core/random.js';
import { parseUri } from '../../src/core/uri.js';
import type { DnsSource, NaptrRecord, SrvRecord } from '../../src/sip/dns-source.js';
import { type Address, type Resolution, Resolver } from '../../src/sip/resolve.js';
import { FakeClock } from './fake-clock.js';
import { countingRandom } from './sip-recorder.js';

export interface Zone {
  naptr?: Record<string, NaptrRecord[]>;
  srv?: Record<string, SrvRecord[]>;
  a?: Record<string, { address: string; ttl: number }[]>;
  aaaa?: Record<string, { address: string; ttl: number }[]>;
  system?: Record<string, { address: string; family: number }[]>;
}

/** A DNS with fixed tables that records queries. */
export function fakeDns(zone: Zone): DnsSource & { asked: string[] } {
  const asked: string[] = [];
  const answer = async <T>(kind: string, table: Record<string, T[]> | undefined, name: string): Promise<T[]> => {
    asked.push(`${kind} ${name}`);
    const found = table?.[name];
    if (found === undefined) throw new Error('ENOTFOUND');
    return found;
  };
  return {
    asked,
    naptr: (name) => answer('NAPTR', zone.naptr, name),
    srv: (name) => answer('SRV', zone.srv, name),
    a: (name) => answer('A', zone.a, name),
    aaaa: (name) => answer('AAAA', zone.aaaa, name),
    system: (name) => answer('system', zone.system, name),
  };
}

export function resolverOf(zone: Zone, random: Random = countingRandom()) {
  const dns = fakeDns(zone);
  const clock = new FakeClock();
  const resolver = new Resolver(clock, random, dns);
  const ask = (uri: string): Promise<Resolution> =>
    new Promise((resolve) => resolver.resolve(parseUri(uri) ?? assert.fail(uri), resolve));
  return { dns, clock, resolver, ask };
}

export const record = (name: string, priority: number, weight: number): SrvRecord => ({
  name,
  port: 5060,
  priority,
  weight,
});

export function shown(result: Resolution): string[] {
  assert.ok(!(result instanceof Error), String(result));
  return result.map((each: Address) => `${each.transport} ${each.address} ${each.port}`);
}

export const naptr = (service: string, replacement: string, order: number, preference = 0): NaptrRecord => ({
  flags: 's',
  service,
  replacement,
  order,
  preference,
});
