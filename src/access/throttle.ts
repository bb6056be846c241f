import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.js';

/** Wrong attempts of a source before it is delayed. */
const FREE_TRIES = 3;
/** Milliseconds of the first delay; each further wrong attempt doubles it. And the longest delay. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;
/** Milliseconds after which one wrong attempt is forgotten. */
const FORGET = 120_000;
const MAX_SOURCES = 10_000;

interface Source {
  failures: number;
  /** Clock.monotonic() of the last wrong attempt. */
  last: number;
  /** Attempts before this time are refused without a check. */
  until: number;
}

/**
 * Delays sources that send wrong secrets. IPv6 sources are counted by /64, since one host can use all addresses of it.
 */
export class Throttle {
  private readonly sources = new Map<string, Source>();

  constructor(private readonly clock: Clock) {}

  /** Milliseconds until an attempt of this source will be checked; 0: it is checked now. */
  wait(address: string): number {
    const source = this.sources.get(sourceOf(address));
    return source === undefined ? 0 : Math.max(0, Math.ceil(source.until - this.clock.monotonic()));
  }

  /** Counts a wrong attempt of a source. */
  failed(address: string): void {
    const key = sourceOf(address);
    const now = this.clock.monotonic();
    const known = this.sources.get(key);
    // The map is kept in the order of the last wrong attempt; the oldest entry is removed first.
    this.sources.delete(key);
    if (known === undefined && this.sources.size >= MAX_SOURCES) {
      const [oldest] = this.sources.keys();
      if (oldest !== undefined) this.sources.delete(oldest);
    }
    const forgotten = known === undefined ? 0 : Math.floor((now - known.last) / FORGET);
    const failures = Math.max(0, (known?.failures ?? 0) - forgotten) + 1;
    const beyond = failures - FREE_TRIES;
    const delay = beyond <= 0 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(beyond - 1, 10));
    this.sources.set(key, { failures, last: now, until: now + delay });
  }
}

function sourceOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=[0-9.]{7,15}$)/i, '');
  if (!isIPv6(bare)) return bare;
  const [left = '', right = ''] = bare.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === '' ? [] : right.split(':');
  const zeros = bare.includes('::') ? new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0') : [];
  return [...before, ...zeros, ...after].slice(0, 4).join(':').toLowerCase();
}
