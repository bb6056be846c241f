import { FairShare } from '../core/fair-share.js';
import type { Congestion } from './congestion.js';
import { reasonPhrase } from './reply.js';
import type { AddressSet } from './trusted-sources.js';
import type { WorkShare } from './work-share.js';

/** Refuses a new request: the answer is 503 with this reason and a Retry-After of this many seconds. */
export interface Refusal {
  readonly reason: string;
  readonly retryAfter: number;
}

/** How full the transaction layer is. */
export interface TransactionRoom {
  /** Number of transactions; one that keeps large messages counts as several. */
  readonly load: number;
  readonly max: number;
  /** Whether the number is near its limit, or datagrams arrive too fast. */
  readonly tight: boolean;
  /** Drops the records of some ended transactions early, as far as that is harmless. */
  makeRoom(): void;
}

/** Counters of refusals. */
export interface AdmissionCounters {
  /** Refused because there were too many transactions. */
  readonly overload: { value: number };
  /** Refused because little room was left and this source holds the most transactions. */
  readonly share: { value: number };
}

/** The bounds on new requests; each may be absent. */
export interface AdmissionBounds {
  /**
   * Limits requests per second by source address: `take` returns the seconds until the next request may come, 0 for
   * now.
   */
  readonly limiter?: { take(address: string): number } | undefined;
  /** Refuses the sources that send the most when datagrams arrive too fast. */
  readonly congestion?: Pick<Congestion, 'active' | 'drops' | 'refuses'> | undefined;
  /** Refuses the sources whose requests take the most processor time when there is none left. */
  readonly work?: WorkShare | undefined;
  /** Sources without a limit on their share of the transactions. */
  readonly trusted?: AddressSet | undefined;
}

const BUSY: Refusal = { reason: reasonPhrase(503), retryAfter: 5 };

/**
 * Decides which new requests are handled; all limits on sources and on transactions are checked here. ACKs and messages
 * of known transactions are not checked. The cheapest check comes first: datagrams that arrive too fast, then requests
 * of a source per second, then the time its requests take, then the number of transactions and the share of the source.
 */
export class Admission {
  /** The transactions of each source address; one that keeps large messages counts as several. */
  private readonly shares = new FairShare();

  constructor(
    private readonly counters: AdmissionCounters,
    private readonly bounds: AdmissionBounds = {},
  ) {}

  /** Measures what requests cost; undefined: nothing does. */
  get work(): WorkShare | undefined {
    return this.bounds.work;
  }

  /** Number of sources that hold a transaction. */
  get sources(): number {
    return this.shares.size;
  }

  /** Whether datagrams arrive faster than they are handled. */
  get congested(): boolean {
    return this.bounds.congestion?.active === true;
  }

  /** Whether to drop a message without parsing it, since its source sends far too much. */
  drops(text: string, address: string): boolean {
    const { congestion } = this.bounds;
    return congestion?.active === true && congestion.drops(text, address);
  }

  /** Why a new request of a source is refused; undefined when it is not. Counts refusals. */
  refuses(address: string, inDialog: boolean, room: TransactionRoom): Refusal | undefined {
    const { congestion, limiter } = this.bounds;
    if (congestion?.active === true && !inDialog && congestion.refuses(address)) return BUSY;
    const wait = limiter?.take(address) ?? 0;
    if (wait > 0) return { reason: 'Too Many Requests', retryAfter: wait };
    if (this.bounds.work?.refuses(address) === true) return BUSY;
    return room.load * 2 > room.max && this.isFull(address, inDialog, room) ? BUSY : undefined;
  }

  /** Changes the amount that a source holds; `amount` may be negative. */
  hold(address: string, amount: number): void {
    if (amount > 0) this.shares.add(address, amount);
    else this.shares.remove(address, -amount);
  }

  /** Forgets what all sources hold. */
  clear(): void {
    this.shares.clear();
  }

  /**
   * Whether no room is left, or the source holds more than its share. Requests inside dialogs, which may end calls, get
   * an eighth more.
   */
  private isFull(address: string, inDialog: boolean, room: TransactionRoom): boolean {
    const { counters, shares } = this;
    if (room.tight) room.makeRoom();
    const { load, max } = room;
    if (load >= (inDialog ? max + max / 8 : max)) {
      counters.overload.value++;
      return true;
    }
    const free = max - load;
    const greedy = inDialog ? shares.exceedsLast(address, free, load) : shares.exceeds(address, free);
    if (!greedy || this.bounds.trusted?.has(address) === true) return false;
    counters.share.value++;
    return true;
  }
}
