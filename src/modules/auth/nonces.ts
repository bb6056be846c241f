import { createHmac, timingSafeEqual } from 'node:crypto';
import { AgedMap } from '../../core/aged-map.js';
import type { Clock } from '../../core/clock.js';
import { ownText } from '../../core/own-text.js';
import type { Random } from '../../core/random.js';

/** Whether a nonce may be answered: "bad" was never made here, "stale" was but holds no longer, "used" may not be answered again. */
export type NonceVerdict = 'good' | 'bad' | 'stale' | 'used';

/** What the parameters of auth say about nonces. */
export interface NonceOptions {
  /** Seconds a nonce holds. */
  readonly lifetime: number;
  /** Counts of a nonce must rise. */
  readonly counts: boolean;
  /** A nonce is answered once. */
  readonly once: boolean;
  /** Nonces of which that is kept at once. */
  readonly most: number;
  /** undefined: one is drawn. */
  readonly secret: string | undefined;
}

/** Bytes: when it was made, a number of its own; what shows that it was made here; what shows for which message. */
const HEAD = 8;
const SEAL = 12;
const BOUND = 8;
/** A count above this needs another nonce, as in the original. */
const MOST_COUNT = 255;

/**
 * Nonces of digest challenges (RFC 7616 section 3.3). They carry the time when they were made and an HMAC-SHA-256, so that nothing is kept
 * of those that nobody answers.
 */
export class Nonces {
  /** What shows that a nonce was made here. */
  readonly secret: string;
  private serial = 0;
  /** The last count by nonce. */
  private readonly counted: AgedMap<number>;
  /** Nonces that were answered without a count. */
  private readonly spent: AgedMap<true>;

  constructor(
    private readonly options: NonceOptions,
    random: Pick<Random, 'token'>,
    private readonly clock: Pick<Clock, 'now' | 'monotonic'>,
  ) {
    this.secret = options.secret ?? random.token(32);
    this.counted = new AgedMap(options.lifetime * 1000, options.most, Number.POSITIVE_INFINITY);
    this.spent = new AgedMap(options.lifetime * 1000, options.most, Number.POSITIVE_INFINITY);
  }

  /** A nonce for a message; `bound` is what of the message must be the same in the answer, '' for nothing. */
  make(bound: string): string {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32BE(Math.floor(this.clock.now() / 1000) >>> 0, 0);
    head.writeUInt32BE(this.next(), 4);
    return Buffer.concat([head, this.seal(head), ...this.binding(head, bound)]).toString('base64url');
  }

  /** Whether a nonce was made here, for such a message, and holds still. */
  check(nonce: string, bound: string): NonceVerdict {
    if (nonce.length > 64 || !/^[\w-]+$/.test(nonce)) return 'bad';
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== HEAD + SEAL && bytes.length !== HEAD + SEAL + BOUND) return 'bad';
    const head = bytes.subarray(0, HEAD);
    const seal = this.seal(head);
    if (!timingSafeEqual(bytes.subarray(HEAD, HEAD + SEAL), seal)) return 'bad';
    const age = Math.floor(this.clock.now() / 1000) - head.readUInt32BE(0);
    // The clock may have been set back a little.
    if (age < -MOST_DRIFT || age > this.options.lifetime) return 'stale';
    const [binding] = this.binding(head, bound);
    const given = bytes.subarray(HEAD + SEAL);
    if (binding === undefined) return given.length === 0 ? 'good' : 'stale';
    return given.length === binding.length && timingSafeEqual(given, binding) ? 'good' : 'stale';
  }

  /** A right answer to a nonce has come; `count` is its nc, undefined without one. Says whether it may count. */
  use(nonce: string, count: number | undefined): NonceVerdict {
    const { counts, once } = this.options;
    const now = this.clock.monotonic();
    if (counts && count !== undefined) {
      if (count > MOST_COUNT || count <= (this.counted.get(nonce, now) ?? 0)) return 'stale';
      this.counted.set(ownText(nonce), count, 0, now);
    } else if (once) {
      if (this.spent.get(nonce, now) !== undefined) return 'used';
      this.spent.set(ownText(nonce), true, 0, now);
    }
    return 'good';
  }

  private next(): number {
    this.serial = (this.serial + 1) >>> 0;
    return this.serial;
  }

  private seal(head: Buffer): Buffer {
    return createHmac('sha256', this.secret).update('nonce').update(head).digest().subarray(0, SEAL);
  }

  private binding(head: Buffer, bound: string): Buffer[] {
    if (bound === '') return [];
    return [
      createHmac('sha256', this.secret)
        .update('bound')
        .update(head)
        .update(bound, 'latin1')
        .digest()
        .subarray(0, BOUND),
    ];
  }
}

/** Seconds by which a nonce may seem to be of the future (nonce_auth_max_drift). */
const MOST_DRIFT = 3;
