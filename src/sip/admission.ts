import type { Congestion } from './congestion.js';
import { FairShare } from './fair-share.js';
import { reasonPhrase } from './reply.js';
import type { AddressSet } from './trusted-sources.js';

/** Why a new request is not worked on: it is answered with 503, this reason, and Retry-After of so many seconds. */
export interface Refusal {
  readonly reason: string;
  readonly retryAfter: number;
}

/** The room there is for transactions, as the transaction layer has it. */
export interface TransactionRoom {
  /** Transactions, large ones counted as several. */
  readonly load: number;
  readonly most: number;
  /** Whether hardly room is left, for whatever reason. */
  readonly tight: boolean;
  /** Forgets what ended transactions are kept for, as far as that is harmless. */
  makeRoom(): void;
}

/** Counters of refusals. */
export interface AdmissionCounters {
  /** No room was left. */
  readonly overload: { value: number };
  /** The source holds the most transactions when there is hardly room for more. */
  readonly share: { value: number };
}

/** Which new requests are worked on. */
export interface AdmissionBounds {
  /** Bounds new requests by source address: seconds until the next may come, 0 for now. */
  readonly limiter?: { take(address: string): number } | undefined;
  /** Refuses the sources that send the most when datagrams arrive too fast. */
  readonly congestion?: Pick<Congestion, 'active' | 'drops' | 'refuses'> | undefined;
  /** Sources that may hold as many transactions as there is room for. */
  readonly trusted?: AddressSet | undefined;
}

const BUSY: Refusal = { reason: reasonPhrase(503), retryAfter: 5 };

/**
 * Which new requests are worked on: all bounds on sources and on transactions are asked here. ACK and what
 * belongs to a known transaction are not asked about. Order, the cheapest first: datagrams that arrive too fast, requests
 * of a source per second, room for transactions and its fair share.
 */
export class Admission {
  /** Transactions by source address, large ones counted as several. */
  private readonly shares = new FairShare();

  constructor(
    private readonly counters: AdmissionCounters,
    private readonly bounds: AdmissionBounds = {},
  ) {}

  /** Sources that hold a transaction. */
  get sources(): number {
    return this.shares.size;
  }

  /** Whether datagrams arrive faster than they are handled. */
  get congested(): boolean {
    return this.bounds.congestion?.active === true;
  }

  /** Whether to drop a message unread: its source sends far too much. */
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
    return room.load * 2 > room.most && this.isFull(address, inDialog, room) ? BUSY : undefined;
  }

  /** A source holds more, or with a negative amount less. */
  hold(address: string, amount: number): void {
    if (amount > 0) this.shares.add(address, amount);
    else this.shares.remove(address, -amount);
  }

  /** Nobody holds anything. */
  clear(): void {
    this.shares.clear();
  }

  /** No room is left, or the source holds more than its share. Requests inside dialogs, which end calls, have an eighth more. */
  private isFull(address: string, inDialog: boolean, room: TransactionRoom): boolean {
    const { counters, shares } = this;
    if (room.tight) room.makeRoom();
    const { load, most } = room;
    if (load >= (inDialog ? most + most / 8 : most)) {
      counters.overload.value++;
      return true;
    }
    const free = most - load;
    const greedy = inDialog ? shares.exceedsLast(address, free, load) : shares.exceeds(address, free);
    if (!greedy || this.bounds.trusted?.has(address) === true) return false;
    counters.share.value++;
    return true;
  }
}
