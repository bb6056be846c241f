import { promises as dns } from 'node:dns';
import type { Clock } from '../core/clock.js';
import { FairQueue } from '../core/fair-queue.js';
import { sourceKey } from '../core/fair-share.js';
import { ipFamily } from '../core/ip-address.js';
import { ownText } from '../core/own-text.js';
import { PeerShare } from '../core/peer-share.js';
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
import { NameCache } from './name-cache.js';
import type { PeerTables } from './peer-tables.js';

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

/** Whom a lookup is for: the address of a peer; undefined: nobody else, as for destinations. */
type Asker = string | undefined;

/** Decides whether a peer gets another lookup. */
export type LookupRoom = Pick<PeerTables, 'admits'>;

/** Addresses of a name, and the seconds for which they hold. */
interface Found {
  readonly addresses: Address[];
  readonly ttl: number;
}

/** A transport, and the name that has its SRV records. */
interface Service {
  readonly transport: TransportName;
  readonly name: string;
}

/** What is looked up, and for whom. */
interface Sought {
  readonly host: string;
  readonly port: number | undefined;
  readonly transport: TransportName;
  /** Whether the URI names the transport. */
  readonly explicit: boolean;
  readonly secure: boolean;
  readonly asker: Asker;
}

/** Part of the limit in which SRV records must come. */
const SRV_PART = 0.4;
/** Seconds for which an answer without a time to live, and an empty answer, are cached. */
const DEFAULT_TTL = 60;
const NEGATIVE_TTL = 15;
const MAX_TTL = 3600;
/** Milliseconds after their expiry, or their last use, for which addresses serve while the DNS does not answer. */
const FORMER_MS = 3_600_000;
/** Milliseconds a caller waits for the DNS, unless the constructor sets another limit. */
const LIMIT_MS = 5000;
/** Lookups of the operating system at a time: each blocks one of the few threads that also read files. */
const MAX_SYSTEM_LOOKUPS = 2;
const MAX_ENTRIES = 10_000;
/** Lookups for peers at a time. Each stays until the last question about its name has an answer or is given up. */
const MAX_LOOKUPS = 1000;
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
  private readonly cache = new NameCache<Resolution>(MAX_ENTRIES);
  private readonly pending = new Map<string, ((result: Resolution) => void)[]>();
  /** Running lookups, by the peer for whose request they are. */
  private readonly running = new PeerShare();
  /** Running lookups of the operating system, and queued ones. */
  private lookups = 0;
  private readonly queued = new FairQueue<() => void>();
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
    /** Absent: lookups for peers are not limited. */
    private readonly room?: LookupRoom,
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
   * none. Waits for the DNS no longer than the limit; an answer that comes later is cached. `asker`: the peer whose
   * request needs it.
   */
  resolve(uri: SipUri, done: (result: Resolution) => void, asker?: Asker): void {
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
    const cached = this.cache.get(key, this.clock.monotonic());
    if (cached !== undefined) {
      done(cached);
      return;
    }
    const waiting = this.pending.get(key);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    const host = ownText(name);
    if (!this.admits(asker)) {
      done(new Error(`${host} is not looked up: too many lookups are under way`));
      return;
    }
    this.running.add(asker);
    this.pending.set(key, [done]);
    this.figures.queries++;
    const began = this.clock.monotonic();
    const looked = (): void => {
      const took = this.clock.monotonic() - began;
      if (took < SLOW_MS) return;
      this.figures.slow++;
      this.slow?.(host, took);
    };
    let isLate = false;
    const giveUp = this.clock.schedule(this.limitMs, () => {
      isLate = true;
      // While the DNS is silent, former addresses are better than none (RFC 8767).
      const former = this.cache.former(key, this.clock.monotonic(), FORMER_MS);
      const result = former instanceof Error ? undefined : former;
      this.finish(key, result ?? new Error(`the DNS did not answer for ${host} in time`), NEGATIVE_TTL);
      looked();
    });
    const ends = (result: Resolution, ttl: number): void => {
      this.running.remove(asker);
      // The DNS was silent: that has been said already, and its former addresses are still better than none.
      if (isLate && result instanceof Error) return;
      if (this.pending.has(key)) looked();
      giveUp();
      this.finish(key, result, ttl);
    };
    this.find({ host, port: uri.port, transport, explicit, secure: uri.scheme === 'sips', asker }).then(
      ({ addresses, ttl }) => ends(addresses, ttl),
      (error: Error) => ends(error, NEGATIVE_TTL),
    );
  }

  /**
   * Addresses of a host name from the operating system (hosts file, DNS), within the limit; empty when there are none.
   * Not cached.
   */
  async systemAddresses(host: string, asker?: Asker): Promise<readonly string[]> {
    const found = await this.asked(asker, () => this.system(host, asker));
    return found.map(({ address }) => address);
  }

  /** SRV records of a name in the order of the DNS answer, within the limit; empty when there are none. Not cached. */
  srvRecords(name: string, asker?: Asker): Promise<readonly SrvRecord[]> {
    return this.asked(asker, () => this.dnsSource.srv(name));
  }

  /** NAPTR records of a name, as `srvRecords`. */
  naptrRecords(name: string, asker?: Asker): Promise<readonly NaptrRecord[]> {
    return this.asked(asker, () => this.dnsSource.naptr(name));
  }

  /** The answer to a question for a peer, within the limit; empty when there is none, or it may not ask. */
  private async asked<T>(asker: Asker, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    if (!this.admits(asker)) return [];
    this.running.add(asker);
    const answer = ask().finally(() => this.running.remove(asker));
    return (await this.soon(answer, this.limitMs)) ?? [];
  }

  private admits(asker: Asker): boolean {
    return asker === undefined || this.room?.admits('lookups', this.running, MAX_LOOKUPS, asker) !== false;
  }

  private finish(key: string, result: Resolution, ttl: number): void {
    const now = this.clock.monotonic();
    this.cache.set(ownText(key), result, now + ttl * 1000, now);
    const waiting = this.pending.get(key) ?? [];
    this.pending.delete(key);
    for (const done of waiting) done(result);
  }

  private async find(sought: Sought): Promise<Found> {
    const { host } = sought;
    const answers = new NameAnswers(this.dnsSource, (name) => this.system(name, sought.asker), this.more);
    const now = this.clock.monotonic();
    if (this.largeAnswers.refuses(host, now))
      throw new Error(`the DNS answers for ${host} with hundreds of records each time`);
    let found = false;
    try {
      const result = await this.findBy(answers, sought);
      found = result.addresses.length > 0;
      return result;
    } finally {
      if (found || answers.anyLarge) this.largeAnswers.note(host, answers.largeCount, this.clock.monotonic());
    }
  }

  private async findBy(answers: NameAnswers, sought: Sought): Promise<Found> {
    const { host, port, transport, explicit, secure } = sought;
    // A port in the URI: no SRV (RFC 3263 section 4.2).
    if (port !== undefined) return this.hosts(answers, host, port, transport, host);
    let services: Service[] = [];
    if (!explicit) services = await this.naptr(answers, host, secure);
    if (services.length === 0) {
      const candidates: readonly TransportName[] = explicit ? [transport] : secure ? ['tls'] : this.transports;
      services = candidates.map((each) => ({ transport: each, name: srvName(each, host, secure) }));
    }
    const { found, silent } = await this.services(answers, services, host);
    const { addresses, ttl } = found ?? (await this.hosts(answers, host, defaultPort(transport), transport, host));
    // When the preferred SRV records come after all, they are to be used soon.
    return { addresses, ttl: silent ? Math.min(ttl, NEGATIVE_TTL) : ttl };
  }

  /**
   * The addresses of the first service that has SRV records, if any. A name server that does not answer for one service
   * delays the others for a short time only, and all of them together no longer than leaves time for plain addresses.
   */
  private async services(
    answers: NameAnswers,
    services: readonly Service[],
    host: string,
  ): Promise<{ readonly found: Found | undefined; readonly silent: boolean }> {
    const began = this.clock.monotonic();
    const rest = (): number => this.limitMs * SRV_PART - (this.clock.monotonic() - began);
    const open: { readonly service: Service; readonly answer: Promise<void>; records?: readonly SrvRecord[] }[] = [];
    /**
     * In the order of preference, those that have answered: an earlier one may have done so while a later one was
     * asked.
     */
    const look = async (): Promise<{ readonly found: Found; readonly silent: boolean } | undefined> => {
      for (let i = 0; i < open.length; ) {
        const { service, records } = open[i] as (typeof open)[number];
        if (records === undefined) i++;
        else {
          open.splice(i, 1);
          const found = await this.ofService(answers, service, records, host);
          if (found !== undefined) return { found, silent: i > 0 };
        }
      }
      return undefined;
    };
    for (const service of services) {
      if (answers.tooManyLarge) throw new Error(`the DNS answers for ${host} with hundreds of records each time`);
      const records = answers.srv(service.name).catch(() => []);
      const one: (typeof open)[number] = { service, answer: records.then((each) => void (one.records = each)) };
      const step = open.length + 1 < services.length ? this.limitMs / 8 : rest();
      open.push(one);
      await this.soon(one.answer, Math.min(step, rest()));
      const found = await look();
      if (found !== undefined) return found;
      if (rest() <= 0) break;
    }
    for (const { answer } of [...open]) {
      await this.soon(answer, Math.max(0, rest()));
      const found = await look();
      if (found !== undefined) return found;
    }
    return { found: undefined, silent: open.length > 0 };
  }

  private async ofService(
    answers: NameAnswers,
    { transport }: Service,
    records: readonly SrvRecord[],
    host: string,
  ): Promise<Found | undefined> {
    const usable = records.filter((record) => record.name !== '' && record.name !== '.');
    const targets = orderSrv(usable, this.random, MAX_TARGETS);
    const { addresses, ttl } = await this.targets(answers, targets, transport, host);
    return addresses.length === 0 ? undefined : { addresses: addresses.slice(0, MAX_ADDRESSES), ttl };
  }

  /**
   * The addresses of targets of SRV records, in their order. Of a name that has large answers the first that has any.
   */
  private async targets(
    answers: NameAnswers,
    targets: readonly SrvRecord[],
    transport: TransportName,
    name: string,
  ): Promise<Found> {
    const found: (Found | undefined)[] = [];
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
        const take = (each?: Found): void => {
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

  private async naptr(answers: NameAnswers, host: string, secure: boolean): Promise<Service[]> {
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
  ): Promise<Found> {
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
      const found = await answers.system(host);
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
  private async system(host: string, asker: Asker): Promise<readonly { address: string; family: number }[]> {
    if (this.lookups >= MAX_SYSTEM_LOOKUPS)
      await new Promise<void>((resolve) => this.queued.push(sourceKey(asker ?? ''), resolve));
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
