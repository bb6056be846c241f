import { promises as dns } from 'node:dns';
import type { Clock } from '../core/clock.js';
import { ipFamily } from '../core/ip-address.js';
import { ownText } from '../core/own-text.js';
import { Queue } from '../core/queue.js';
import type { Random } from '../core/random.js';
import { bareHost, defaultPort, type SipUri, type TransportName, uriParam, uriTransport } from '../core/uri.js';
import { within } from '../core/within.js';
import type { DnsSource, NaptrRecord, SrvRecord } from './dns-source.js';
import {
  LargeAnswers,
  MAX_ADDRESSES,
  MAX_SERVICES,
  MAX_TARGETS,
  NameAnswers,
  type ReportMore,
} from './name-answers.js';

/** One transport address that a URI resolves to. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  readonly transport: TransportName;
  /** The host name that has this address; undefined when the URI had an IP literal. */
  readonly name: string | undefined;
}

const systemDns: DnsSource = {
  naptr: (name) => dns.resolveNaptr(name),
  srv: (name) => dns.resolveSrv(name),
  a: (name) => dns.resolve4(name, { ttl: true }),
  aaaa: (name) => dns.resolve6(name, { ttl: true }),
  system: (name) => dns.lookup(name, { all: true }),
};

/**
 * The host that requests to a URI are sent to: maddr if there is one, else the host (RFC 3261 section 19.1.1), without
 * brackets.
 */
function hostOf(uri: SipUri): string {
  return bareHost((uri.params === '' ? '' : uriParam(uri.params, 'maddr')) || uri.host);
}

/** The addresses in the order in which to try them, or why there are none. */
export type Resolution = readonly Address[] | Error;

interface CacheEntry {
  readonly expires: number;
  readonly result: Resolution;
}

/** Seconds for which an answer without a time to live, and an empty answer, are cached. */
const DEFAULT_TTL = 60;
const NEGATIVE_TTL = 15;
const MAX_TTL = 3600;
/** Milliseconds a caller waits for the DNS, unless the constructor sets another limit. */
const LIMIT_MS = 5000;
/** Lookups of the operating system at a time: each blocks one of the few threads that also read files. */
const MAX_SYSTEM_LOOKUPS = 2;
const MAX_ENTRIES = 10_000;
/** A lookup that takes at least this many milliseconds is logged as slow. */
const SLOW_MS = 500;
/** Targets looked up at once, and the maximum number that may not have answered. A late answer is still read. */
const TARGETS_AT_ONCE = 2;
const MAX_SILENT_TARGETS = 8;

const NAPTR_SERVICES: Readonly<Record<string, TransportName>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
  'SIP+D2W': 'ws',
  'SIPS+D2W': 'wss',
};

/**
 * Locates SIP servers (RFC 3263): NAPTR, SRV by priority and weight, A and AAAA. Answers, also empty ones, are cached
 * for their time to live. An IP literal or a cached name is answered within the same call, everything else later.
 */
export class Resolver {
  private readonly cache = new Map<string, CacheEntry>();
  private readonly pending = new Map<string, ((result: Resolution) => void)[]>();
  /** Running lookups of the operating system, and queued ones. */
  private lookups = 0;
  private readonly queued = new Queue<() => void>();
  private readonly largeAnswers = new LargeAnswers();
  /** Names looked up, and lookups that were slow or had no answer. */
  readonly figures = { queries: 0, slow: 0 };

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly dnsSource: DnsSource = systemDns,
    /** Transports of our sockets, in order of preference. */
    private readonly transports: readonly TransportName[] = ['udp', 'tcp', 'tls'],
    private readonly limitMs = LIMIT_MS,
    /** Called with the name of a slow lookup and its milliseconds. */
    private readonly slow?: (name: string, ms: number) => void,
    private readonly more?: ReportMore,
  ) {}

  /** The address of a URI whose host is an IP literal and whose transport is supported; else undefined. */
  literal(uri: SipUri): Address | undefined {
    const host = hostOf(uri);
    const family = ipFamily(host);
    if (family === 0) return undefined;
    const transport = uriTransport(uri);
    if (transport === undefined || transport === 'sctp') return undefined;
    return { address: host, family, port: uri.port ?? defaultPort(transport), transport, name: undefined };
  }

  /**
   * Calls `done` exactly once, with the addresses in the order in which to try them, or with the reason why there are
   * none. Waits for the DNS no longer than the limit; an answer that comes later is cached.
   */
  resolve(uri: SipUri, done: (result: Resolution) => void): void {
    const transport = uriTransport(uri);
    if (transport === undefined || transport === 'sctp') {
      done(new Error(`transport of ${uri.host} is not supported`));
      return;
    }
    const literal = this.literal(uri);
    if (literal !== undefined) {
      done([literal]);
      return;
    }
    const name = hostOf(uri);
    const explicit = uriParam(uri.params, 'transport') !== undefined;
    const key = `${uri.scheme}|${name.toLowerCase()}|${uri.port ?? ''}|${explicit ? transport : ''}`;
    const cached = this.cache.get(key);
    if (cached !== undefined && cached.expires > this.clock.monotonic()) {
      done(cached.result);
      return;
    }
    const waiting = this.pending.get(key);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    const host = ownText(name);
    this.pending.set(key, [done]);
    this.figures.queries++;
    const began = this.clock.monotonic();
    const looked = (): void => {
      const took = this.clock.monotonic() - began;
      if (took < SLOW_MS) return;
      this.figures.slow++;
      this.slow?.(host, took);
    };
    const giveUp = this.clock.schedule(this.limitMs, () => {
      this.finish(key, new Error(`the DNS did not answer for ${host} in time`), NEGATIVE_TTL);
      looked();
    });
    const ends = (result: Resolution, ttl: number): void => {
      if (this.pending.has(key)) looked();
      giveUp();
      this.finish(key, result, ttl);
    };
    this.find(host, uri.port, transport, explicit, uri.scheme === 'sips').then(
      ({ addresses, ttl }) => ends(addresses, ttl),
      (error: Error) => ends(error, NEGATIVE_TTL),
    );
  }

  /**
   * Addresses of a host name from the operating system (hosts file, DNS), within the limit; empty when there are none.
   * Not cached.
   */
  async systemAddresses(host: string): Promise<readonly string[]> {
    const found = (await this.soon(this.system(host), this.limitMs)) ?? [];
    return found.map(({ address }) => address);
  }

  /** SRV records of a name in the order of the DNS answer, within the limit; empty when there are none. Not cached. */
  async srvRecords(name: string): Promise<readonly SrvRecord[]> {
    return (await this.soon(this.dnsSource.srv(name), this.limitMs)) ?? [];
  }

  /** NAPTR records of a name, as `srvRecords`. */
  async naptrRecords(name: string): Promise<readonly NaptrRecord[]> {
    return (await this.soon(this.dnsSource.naptr(name), this.limitMs)) ?? [];
  }

  private finish(key: string, result: Resolution, ttl: number): void {
    if (this.cache.size >= MAX_ENTRIES) this.cache.clear();
    this.cache.set(ownText(key), { expires: this.clock.monotonic() + ttl * 1000, result });
    const waiting = this.pending.get(key) ?? [];
    this.pending.delete(key);
    for (const done of waiting) done(result);
  }

  private async find(
    host: string,
    port: number | undefined,
    transport: TransportName,
    explicit: boolean,
    secure: boolean,
  ): Promise<{ addresses: Address[]; ttl: number }> {
    const answers = new NameAnswers(this.dnsSource, this.more);
    const now = this.clock.monotonic();
    if (this.largeAnswers.refuses(host, now))
      throw new Error(`the DNS answers for ${host} with hundreds of records each time`);
    let found = false;
    try {
      const result = await this.findBy(answers, host, port, transport, explicit, secure);
      found = result.addresses.length > 0;
      return result;
    } finally {
      if (found || answers.anyLarge) this.largeAnswers.note(host, answers.largeCount, this.clock.monotonic());
    }
  }

  private async findBy(
    answers: NameAnswers,
    host: string,
    port: number | undefined,
    transport: TransportName,
    explicit: boolean,
    secure: boolean,
  ): Promise<{ addresses: Address[]; ttl: number }> {
    // A port in the URI: no SRV (RFC 3263 section 4.2).
    if (port !== undefined) return this.hosts(answers, host, port, transport, host);
    let services: { transport: TransportName; name: string }[] = [];
    if (!explicit) services = await this.naptr(answers, host, secure);
    if (services.length === 0) {
      const candidates: readonly TransportName[] = explicit ? [transport] : secure ? ['tls'] : this.transports;
      services = candidates.map((each) => ({ transport: each, name: srvName(each, host, secure) }));
    }
    for (const service of services) {
      if (answers.tooManyLarge) throw new Error(`the DNS answers for ${host} with hundreds of records each time`);
      const records = await answers.srv(service.name).catch(() => []);
      const usable = records.filter((record) => record.name !== '' && record.name !== '.');
      const targets = orderSrv(usable, this.random, MAX_TARGETS);
      const { addresses, ttl } = await this.targets(answers, targets, service.transport, host);
      if (addresses.length > 0) return { addresses: addresses.slice(0, MAX_ADDRESSES), ttl };
    }
    return this.hosts(answers, host, defaultPort(transport), transport, host);
  }

  /** The addresses of targets of SRV records, in their order. Of a name that has large answers the first that has any. */
  private async targets(
    answers: NameAnswers,
    targets: readonly SrvRecord[],
    transport: TransportName,
    name: string,
  ): Promise<{ addresses: Address[]; ttl: number }> {
    const found: ({ addresses: Address[]; ttl: number } | undefined)[] = [];
    // How long to wait for a silent target before the next is looked up: in this way all are looked up while there is
    // time for answers.
    const rounds = Math.ceil(Math.min(targets.length, MAX_SILENT_TARGETS + 1) / TARGETS_AT_ONCE);
    const stepMs = this.limitMs / (targets.length <= TARGETS_AT_ONCE ? 2 : Math.max(4, 3 * rounds));
    let next = 0;
    let silent = 0;
    let over = false;
    const enough = (): boolean =>
      over || answers.tooManyLarge || silent >= MAX_SILENT_TARGETS || (answers.anyLarge && found.some((each) => each));
    const work = async (): Promise<void> => {
      const asked: Promise<void>[] = [];
      while (next < targets.length && !enough()) {
        const at = next++;
        const { name: target, port } = targets[at] as SrvRecord;
        let ended = false;
        const take = (each?: { addresses: Address[]; ttl: number }): void => {
          found[at] = each;
          ended = true;
        };
        // When one lookup has no answer, the others still count.
        const hosts = this.hosts(answers, target, port, transport, name, stepMs / 2).then(take, () => take());
        asked.push(hosts);
        await this.soon(hosts, stepMs);
        if (!ended) silent++;
      }
      await Promise.all(asked);
    };
    const workers = answers.anyLarge ? 1 : TARGETS_AT_ONCE;
    // What has been found by then is used; otherwise the whole lookup would fail later.
    await this.soon(Promise.all(Array.from({ length: workers }, work)), this.limitMs / 2);
    over = true;
    const ttl = Math.min(MAX_TTL, ...Array.from(targets, (_, i) => found[i]?.ttl ?? NEGATIVE_TTL));
    return { addresses: found.flatMap((each) => each?.addresses ?? []), ttl };
  }

  private async naptr(
    answers: NameAnswers,
    host: string,
    secure: boolean,
  ): Promise<{ transport: TransportName; name: string }[]> {
    // Some name servers and firewalls do not support NAPTR and drop the query.
    const records = (await this.soon(answers.naptr(host), this.limitMs / 4)) ?? [];
    const usable = [];
    for (const record of records) {
      const transport = NAPTR_SERVICES[record.service.toUpperCase()];
      if (record.flags.toLowerCase() !== 's' || transport === undefined || !this.transports.includes(transport))
        continue;
      if (secure && transport !== 'tls' && transport !== 'wss') continue;
      usable.push({ transport, name: record.replacement, order: record.order, preference: record.preference });
    }
    usable.sort((x, y) => x.order - y.order || x.preference - y.preference);
    return usable.slice(0, MAX_SERVICES);
  }

  private async hosts(
    answers: NameAnswers,
    host: string,
    port: number,
    transport: TransportName,
    name: string,
    familyMs = this.limitMs / 4,
  ): Promise<{ addresses: Address[]; ttl: number }> {
    const asked = [answers.a(host).catch(() => []), answers.aaaa(host).catch(() => [])] as const;
    // When one family has an address, the wait for the other is short.
    await Promise.race(asked.map(async (each) => ((await each).length > 0 ? undefined : Promise.all(asked))));
    const [v4, v6] = await Promise.all(asked.map((each) => this.soon(each, familyMs)));
    const addresses: Address[] = [];
    let ttl = v4 === undefined || v6 === undefined ? NEGATIVE_TTL : MAX_TTL;
    for (const record of (v4 ?? []).slice(0, MAX_ADDRESSES)) {
      addresses.push({ address: record.address, family: 4, port, transport, name });
      ttl = Math.min(ttl, record.ttl);
    }
    for (const record of (v6 ?? []).slice(0, MAX_ADDRESSES)) {
      addresses.push({ address: record.address, family: 6, port, transport, name });
      ttl = Math.min(ttl, record.ttl);
    }
    if (addresses.length === 0) {
      ttl = DEFAULT_TTL;
      const found = await this.system(host);
      for (const each of found) {
        addresses.push({ address: each.address, family: each.family === 6 ? 6 : 4, port, transport, name });
      }
    }
    if (addresses.length === 0) throw new Error(`host ${host} does not resolve`);
    return { addresses, ttl: Math.max(1, ttl) };
  }

  /** The result of `work`; undefined when it fails or takes longer than `ms`. */
  private soon<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
    return within(
      this.clock,
      ms,
      work.catch(() => undefined),
    );
  }

  /** Addresses of a name from the operating system (hosts file); empty on failure. */
  private async system(host: string): Promise<readonly { address: string; family: number }[]> {
    if (this.lookups >= MAX_SYSTEM_LOOKUPS) await new Promise<void>((resolve) => this.queued.push(resolve));
    else this.lookups++;
    try {
      return await this.dnsSource.system(host);
    } catch {
      return [];
    } finally {
      const next = this.queued.shift();
      if (next === undefined) this.lookups--;
      else next();
    }
  }
}

function srvName(transport: TransportName, host: string, secure: boolean): string {
  switch (transport) {
    case 'tls':
      return `_sips._tcp.${host}`;
    case 'ws':
    case 'wss':
      return `_${secure || transport === 'wss' ? 'sips' : 'sip'}._ws.${host}`;
    default:
      return `_sip._${transport}.${host}`;
  }
}

/**
 * SRV records in the order in which to try them, the first `max` (RFC 2782): by priority, and within a priority at
 * random in proportion to weight.
 */
export function orderSrv(records: readonly SrvRecord[], random: Random, max = Number.POSITIVE_INFINITY): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  // Within a priority, records of weight 0 come first, so that they have a small chance to be drawn.
  const sorted = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  for (let from = 0; from < sorted.length && ordered.length < max; ) {
    const { priority } = sorted[from] as SrvRecord;
    const next = sorted.findIndex((each, i) => i > from && each.priority !== priority);
    const left = sorted.slice(from, next < 0 ? undefined : next);
    from = next < 0 ? sorted.length : next;
    while (left.length > 0 && ordered.length < max) {
      const total = left.reduce((sum, each) => sum + each.weight, 0);
      const draw = total === 0 ? 0 : random.uint32() % (total + 1);
      let sum = 0;
      const chosen = left.findIndex((each) => (sum += each.weight) >= draw);
      ordered.push(...left.splice(Math.max(0, chosen), 1));
    }
  }
  return ordered;
}
