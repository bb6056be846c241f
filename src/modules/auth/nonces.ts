import { createHmac, timingSafeEqual } from 'node:crypto';
import { AgedMap } from '../../core/aged-map.js';
import type { Clock } from '../../core/clock.js';
import { ownText } from '../../core/own-text.js';
import type { Random } from '../../core/random.js';

/** Result of checking a nonce: "bad" was not made here, "stale" has expired, "used" may not be used again. */
export type NonceVerdict = 'good' | 'bad' | 'stale' | 'used';

/** The parameters of auth about nonces. */
export interface NonceOptions {
  /** Seconds that a nonce is valid. */
  readonly lifetime: number;
  /** Whether the nonce count (nc) must increase. */
  readonly counts: boolean;
  /** Whether each nonce may be used once only. */
  readonly once: boolean;
  /** Maximum number of nonces whose use is remembered. */
  readonly max: number;
  /** undefined: a random secret is made. */
  readonly secret: string | undefined;
}

/**
 * Lengths in bytes of the parts of a nonce: its time and a serial number, the proof that it was made here, the proof of
 * the message it is for.
 */
const HEAD = 8;
const SEAL = 12;
const BOUND = 8;
/** As in the original, a higher nonce count needs a new nonce. */
const MAX_COUNT = 255;

/**
 * Makes and checks nonces of digest challenges (RFC 7616 section 3.3). A nonce contains the time it was made and an
 * HMAC-SHA-256, so that nothing is stored for nonces that are never used.
 */
export class Nonces {
  /** Key of the HMAC. */
  readonly secret: string;
  private serial = 0;
  /** The last nonce count by nonce. */
  private readonly counted: AgedMap<number>;
  /** Nonces that were used without a nonce count. */
  private readonly spent: AgedMap<true>;

  constructor(
    private readonly options: NonceOptions,
    random: Pick<Random, 'token'>,
    private readonly clock: Pick<Clock, 'now' | 'monotonic'>,
  ) {
    this.secret = options.secret ?? random.token(32);
    this.counted = new AgedMap(options.lifetime * 1000, options.max, Number.POSITIVE_INFINITY);
    this.spent = new AgedMap(options.lifetime * 1000, options.max, Number.POSITIVE_INFINITY);
  }

  /**
   * Makes a nonce for a message; `bound` has the parts of the message that must be the same in the answer, '' for none.
   */
  make(bound: string): string {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32BE(Math.floor(this.clock.now() / 1000) >>> 0, 0);
    head.writeUInt32BE(this.next(), 4);
    return Buffer.concat([head, this.seal(head), ...this.binding(head, bound)]).toString('base64url');
  }

  /** Checks that a nonce was made here, for a message with the same `bound`, and is still valid. */
  check(nonce: string, bound: string): NonceVerdict {
    if (nonce.length > 64 || !/^[\w-]+$/.test(nonce)) return 'bad';
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== HEAD + SEAL && bytes.length !== HEAD + SEAL + BOUND) return 'bad';
    const head = bytes.subarray(0, HEAD);
    const seal = this.seal(head);
    if (!timingSafeEqual(bytes.subarray(HEAD, HEAD + SEAL), seal)) return 'bad';
    const age = Math.floor(this.clock.now() / 1000) - head.readUInt32BE(0);
    // The clock may have been set back a little.
    if (age < -MAX_DRIFT || age > this.options.lifetime) return 'stale';
    const [binding] = this.binding(head, bound);
    const given = bytes.subarray(HEAD + SEAL);
    if (binding === undefined) return given.length === 0 ? 'good' : 'stale';
    return given.length === binding.length && timingSafeEqual(given, binding) ? 'good' : 'stale';
  }

  /**
   * Notes that credentials with this nonce were right; `count` is its nc, undefined without one. Returns whether the
   * nonce could be used.
   */
  use(nonce: string, count: number | undefined): NonceVerdict {
    const { counts, once } = this.options;
    const now = this.clock.monotonic();
    if (counts && count !== undefined) {
      if (count > MAX_COUNT || count <= (this.counted.get(nonce, now) ?? 0)) return 'stale';
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

/** Seconds that the time in a nonce may be ahead of the clock (nonce_auth_max_drift). */
const MAX_DRIFT = 3;
