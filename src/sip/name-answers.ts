import { AgedMap } from '../core/aged-map.js';
import type { Logger } from '../core/logger.js';
import { ownText } from '../core/own-text.js';
import type { DnsSource, NaptrRecord, SrvRecord } from './dns-source.js';

/** Kinds of DNS records that are asked for. */
type RecordKind = 'NAPTR' | 'SRV' | 'A' | 'AAAA';

/** Called with a name that has more records of a kind than are looked at, their number, and how many are. */
export type ReportMore = (name: string, kind: RecordKind, records: number, taken: number) => void;

/** Writes such names into a log, which bounds the number of lines. */
export function logMore(log: Logger): ReportMore {
  return (name, kind, records, taken) =>
    log.warn({ host: name, kind, records, taken }, 'a name has more DNS records than are used');
}

/** Targets of one name's SRV records that are looked up. */
export const MAX_TARGETS = 16;
/** Services of one name's NAPTR records that are looked up, one after another. */
export const MAX_SERVICES = 8;
/**
 * Addresses used of one name and family. The owner of the name could return thousands, and each might be tried and
 * waited for.
 */
export const MAX_ADDRESSES = 32;

const TAKEN: Readonly<Record<RecordKind, number>> = {
  NAPTR: MAX_SERVICES,
  SRV: MAX_TARGETS,
  A: MAX_ADDRESSES,
  AAAA: MAX_ADDRESSES,
};

/** Records from which on an answer is large: it did not come in a datagram, and reading it takes milliseconds. */
const LARGE = 256;
/**
 * Number of large answers for one name after which no further question about it is asked. Both families of its
 * addresses are requested at once.
 */
const MAX_LARGE = 3;

/** Number of large answers in a minute after which names of their domain are not looked up. */
const MAX_LARGE_OF_DOMAIN = 4;
const DOMAIN_MS = 60_000;
const MAX_DOMAINS = 1000;
/**
 * How long a name that had ordinary answers is looked up regardless of its domain, and how many such names are known.
 */
const ORDINARY_MS = 3_600_000;
const MAX_ORDINARY = 10_000;

/**
 * Domains whose names have large answers. The owner of a domain can give such an answer for any number of names in it;
 * after a few in a minute none of them is looked up, so that their cost is limited however many calls name them. Names
 * that had ordinary answers before, such as those of destinations, are still looked up, since others may have names in
 * the same domain.
 */
export class LargeAnswers {
  private readonly domains = new AgedMap<{ answers: number }>(DOMAIN_MS, MAX_DOMAINS, Number.POSITIVE_INFINITY);
  private readonly ordinary = new AgedMap<true>(ORDINARY_MS, MAX_ORDINARY, Number.POSITIVE_INFINITY);

  /** Whether this name is not looked up at present because of the answers for other names of its domain. */
  refuses(name: string, now: number): boolean {
    if ((this.domains.get(domainOf(name), now)?.answers ?? 0) < MAX_LARGE_OF_DOMAIN) return false;
    return this.ordinary.get(name.toLowerCase(), now) === undefined;
  }

  /** Counts the answers for a name whose addresses were found; `answers` of them were large. */
  note(name: string, answers: number, now: number): void {
    const lower = ownText(name.toLowerCase());
    if (answers === 0) {
      this.ordinary.set(lower, true, 1, now);
      return;
    }
    this.ordinary.delete(lower);
    const domain = domainOf(lower);
    const known = this.domains.get(domain, now);
    if (known === undefined) this.domains.set(domain, { answers }, 1, now);
    else known.answers += answers;
  }
}

/**
 * The domain that one owner answers for, as far as the name shows: the last two labels, or three where the last two are
 * short as in `co.uk` and `com.au`, under which names belong to different owners.
 */
function domainOf(name: string): string {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  const beforeTop = dotBefore(name, end);
  const beforeSecond = dotBefore(name, beforeTop);
  const hasOwners = end - beforeTop - 1 === 2 && beforeTop - beforeSecond - 1 <= 3;
  return name.slice((hasOwners ? dotBefore(name, beforeSecond) : beforeSecond) + 1, end).toLowerCase();
}

/** The position of the last dot before a position; -1 without one. */
function dotBefore(name: string, end: number): number {
  return end <= 0 ? -1 : name.lastIndexOf('.', end - 1);
}

/**
 * The answers of the DNS about one name that is looked up. Answers of thousands of records take 10 to 30 ms each to
 * read, and whoever answers for a name that a peer chose can give one to every question: fifty of them took 0.8 s of
 * CPU for one request.
 */
export class NameAnswers {
  private large = 0;

  constructor(
    private readonly source: DnsSource,
    /** Addresses of a name from the operating system; empty on failure. */
    readonly system: DnsSource['system'],
    private readonly more: ReportMore | undefined,
  ) {}

  /** Whether one of the answers was large: then what has been found is enough. */
  get anyLarge(): boolean {
    return this.large > 0;
  }

  /** Number of large answers. */
  get largeCount(): number {
    return this.large;
  }

  /** Whether nothing further is to be asked. */
  get tooManyLarge(): boolean {
    return this.large >= MAX_LARGE;
  }

  /** NAPTR records of a name. Rejects when there is none, as the others do. */
  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.looked('NAPTR', name, this.source.naptr(name));
  }

  /** SRV records of a name. */
  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.looked('SRV', name, this.source.srv(name));
  }

  /** IPv4 addresses of a name. */
  a(name: string): ReturnType<DnsSource['a']> {
    return this.looked('A', name, this.source.a(name));
  }

  /** IPv6 addresses of a name. */
  aaaa(name: string): ReturnType<DnsSource['aaaa']> {
    return this.looked('AAAA', name, this.source.aaaa(name));
  }

  private async looked<T>(kind: RecordKind, name: string, answer: Promise<readonly T[]>): Promise<readonly T[]> {
    const records = await answer;
    if (records.length >= LARGE) this.large++;
    if (records.length > TAKEN[kind]) this.more?.(name, kind, records.length, TAKEN[kind]);
    return records;
  }
}
