import type { TextChunk, TextStore } from '../core/text-store.js';
import type { HopFailure, NextHop, RouteOrigin } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { HungUp } from './call-entry-types.js';
import type { DestinationFigures } from './destination-figures.js';

/** Longest text of a request that is kept whole; of a longer one the head is, up to this many bytes. */
const KEPT_BYTES = 4096;
/** Tries of a request that was sent nowhere. */
const NONE: readonly CallTry[] = [];
/** Hops noted for one request; further ones are only counted. */
const MOST_TRIES = 50;

/** What a record needs of its request. */
export type RecordedRequest = Pick<SipMessage, 'text' | 'callId' | 'fromTag' | 'headersEnd'>;

/** What the records of one process share. */
export interface RecordKeeper {
  /** Monotonic milliseconds. */
  monotonic(): number;
  /** Figures of the destination a hop stands for. */
  figures(hop: NextHop): DestinationFigures | undefined;
  /** The request has its final reply. */
  recordEnded(record: CallRecord): void;
}

/** One hop that a request was sent to, or was to be sent to. Times are milliseconds since the request came. */
export class CallTry {
  address = '';
  port = 0;
  transport = '';
  first = -1;
  end = -1;
  /** Final code of this hop; 0 while there is none. */
  code = 0;
  /** Whether the code is our own. */
  local = false;
  cause: string | undefined = undefined;
  /** The hop was skipped: nothing was sent to it. */
  passedOver = false;

  constructor(
    /** The hop while it is waited for. */
    public hop: NextHop | undefined,
    readonly uri: string,
    readonly partition: string | undefined,
    readonly set: number,
    public at: number,
    public figures: DestinationFigures | undefined,
  ) {}
}

/**
 * What became of one request. Made when it is dispatched, in the ring when it has its final reply. Numbers and references
 * only: text is cut out of the request when somebody asks.
 */
export class CallRecord implements RelayWatch {
  /** Grows with each change of a record that is listed; 0 before. */
  changed = 0;
  tries: readonly CallTry[] = NONE;
  /** Hops beyond those noted. */
  moreTries = 0;
  /** Final code the caller got; 0 while there is none. */
  code = 0;
  /** Why, for replies of our own: the reason phrase of a refusal. */
  reason = '';
  /** Milliseconds since the request came, -1 for not yet. */
  ringing = -1;
  end = -1;
  wasCancelled = false;
  /** Forwarded without state: nothing of its replies is seen. */
  stateless = false;
  /** An answered call whose end will be seen. */
  inDialog = false;
  /** Milliseconds from the 2xx to the BYE. */
  duration = -1;
  hungUp: HungUp | undefined = undefined;
  /** Of an answered call: the keys of its Call-ID and of the caller's tag. */
  dialogKey = 0;
  callerKey = 0;
  /** The request while it is not in a ring, and then where it is. */
  private own: string;
  private chunk: TextChunk | undefined = undefined;
  private textAt = 0;
  private generation = 0;
  textLength: number;

  constructor(
    private readonly keeper: RecordKeeper | undefined,
    /** The request until it has its final reply. */
    public message: RecordedRequest | undefined,
    readonly invite: boolean,
    readonly source: Pick<Source, 'address' | 'port'>,
    readonly transport: string,
    /** Milliseconds since the epoch. */
    readonly time: number,
    readonly began: number,
    readonly origin: RouteOrigin | undefined,
    readonly recordRoute: boolean,
  ) {
    this.own = message?.text ?? '';
    this.textLength = this.own.length;
  }

  /** Its text is gone: the record has left its ring, and its memory is used for others. */
  get isGone(): boolean {
    return this.chunk !== undefined && this.chunk.generation !== this.generation;
  }

  /** The request as it came; empty when it is gone. */
  get text(): string {
    const { chunk, textAt } = this;
    if (chunk === undefined) return this.own;
    return this.isGone ? '' : chunk.bytes.toString('latin1', textAt, textAt + this.textLength);
  }

  sent(hop: NextHop, target: ResolvedTarget): void {
    const each = this.open(hop);
    if (each === undefined) return;
    const isFirst = each.port === 0;
    each.address = target.address;
    each.port = target.port;
    each.transport = target.socket.transport;
    each.end = -1;
    each.code = 0;
    each.local = false;
    each.cause = undefined;
    const { figures } = each;
    if (figures === undefined) return;
    if (this.invite) figures.inProgress++;
    // A further address of the same destination is no further call.
    if (!isFirst) return;
    if (this.invite) figures.calls++;
    else figures.requests++;
  }

  provisional(hop: NextHop, code: number): void {
    const at = this.elapsed();
    if (code >= 180 && this.ringing < 0) this.ringing = at;
    const each = this.find(hop);
    if (each === undefined || each.first >= 0) return;
    each.first = at;
    each.figures?.first.observe(at - each.at);
  }

  failed(hop: NextHop, failure: HopFailure): void {
    const each = this.open(hop);
    if (each !== undefined) this.close(each, failure.code, failure.local, failure.cause, this.elapsed());
  }

  passedOver(hop: NextHop, code: number): void {
    const each = this.open(hop);
    if (each === undefined) return;
    each.passedOver = true;
    each.code = code;
    each.local = true;
    each.end = each.at;
    each.hop = undefined;
  }

  cancelled(): void {
    this.wasCancelled = true;
  }

  ended(code: number, hop: NextHop | undefined): void {
    if (this.end >= 0) return;
    const end = this.elapsed();
    this.code = code;
    this.end = end;
    const { tries } = this;
    for (let i = 0; i < tries.length; i++) {
      const each = tries[i] as CallTry;
      if (hop !== undefined && each.hop === hop) this.close(each, code, false, undefined, end);
      else if (each.end < 0) {
        // Cancelled because another branch ended the request, or because the caller cancelled it.
        each.end = end;
        each.cause = 'cancelled';
        if (this.invite && each.figures !== undefined) each.figures.inProgress--;
      }
      each.hop = undefined;
    }
    this.keeper?.recordEnded(this);
  }

  /** The request was forwarded to a hop without state. */
  forwarded(hop: NextHop, { address, port, socket }: ResolvedTarget): void {
    const each = this.open(hop);
    if (each === undefined) return;
    this.stateless = true;
    each.address = address;
    each.port = port;
    each.transport = socket.transport;
    each.hop = undefined;
    this.end = this.elapsed();
    const { figures } = each;
    if (figures === undefined) return;
    if (this.invite) figures.calls++;
    else figures.requests++;
  }

  /** The try that was answered with 2xx; undefined when none was. */
  get winner(): CallTry | undefined {
    const { tries } = this;
    for (let i = tries.length - 1; i >= 0; i--) {
      const { code } = tries[i] as CallTry;
      if (code >= 200 && code < 300) return tries[i];
    }
    return undefined;
  }

  /** Releases what is no longer needed. A large request is cut to a copy of its head: a substring retains the whole. */
  settle(): void {
    const { message } = this;
    this.message = undefined;
    if (this.textLength <= KEPT_BYTES) return;
    const head = this.own.slice(0, Math.min(message?.headersEnd ?? KEPT_BYTES, KEPT_BYTES));
    this.own = Buffer.from(head, 'latin1').toString('latin1');
    this.textLength = this.own.length;
  }

  /** The record enters a ring: its text goes there. */
  keepIn(texts: TextStore): void {
    const chunk = texts.put(this.own);
    this.chunk = chunk;
    this.generation = chunk.generation;
    this.textAt = chunk.used - this.textLength;
    this.own = '';
  }

  /** The record leaves its ring. One that is still wanted takes its text with it: the end of its call is to come. */
  leave(texts: TextStore, isWanted: boolean): void {
    const { chunk } = this;
    if (chunk === undefined) return;
    if (isWanted) {
      this.own = this.text;
      this.chunk = undefined;
    }
    texts.release(chunk);
  }

  /** A call that was answered has ended, now or at another monotonic time. */
  hangUp(by: HungUp, at: number | undefined = this.keeper?.monotonic()): void {
    this.inDialog = false;
    this.hungUp = by;
    if (by !== 'unknown') this.duration = Math.max(0, (at ?? this.began) - this.began - this.end);
    const figures = this.winner?.figures;
    if (figures !== undefined) figures.inProgress--;
  }

  private elapsed(): number {
    return this.keeper === undefined ? 0 : this.keeper.monotonic() - this.began;
  }

  private find(hop: NextHop): CallTry | undefined {
    const { tries } = this;
    for (let i = tries.length - 1; i >= 0; i--) {
      if ((tries[i] as CallTry).hop === hop) return tries[i];
    }
    return undefined;
  }

  /** The try of a hop, begun if it is a new one; undefined when there are too many. */
  private open(hop: NextHop): CallTry | undefined {
    const known = this.find(hop);
    if (known !== undefined) return known;
    const { tries } = this;
    const last = tries.length === 0 ? undefined : tries[tries.length - 1];
    // Another is tried because the last one failed.
    if (last?.figures !== undefined && last.code >= 300 && !last.passedOver) last.figures.failovers++;
    if (tries.length >= MOST_TRIES) {
      this.moreTries++;
      return undefined;
    }
    const { destination } = hop;
    const opened = new CallTry(
      hop,
      destination?.row.uri ?? hop.requestUri ?? hop.uri,
      destination?.partition,
      destination?.setId ?? -1,
      this.elapsed(),
      destination === undefined ? undefined : this.keeper?.figures(hop),
    );
    if (tries === NONE) this.tries = [opened];
    else (tries as CallTry[]).push(opened);
    return opened;
  }

  /** `end`: milliseconds since the request came. */
  private close(each: CallTry, code: number, local: boolean, cause: string | undefined, end: number): void {
    const sent = each.port > 0 && each.end < 0;
    each.end = end;
    each.code = code;
    each.local = local;
    each.cause = cause;
    const { figures } = each;
    if (figures === undefined) return;
    const outcome = local ? 0 : Math.floor(code / 100);
    figures.outcomes[outcome] = (figures.outcomes[outcome] ?? 0) + 1;
    const staysInProgress = code >= 200 && code < 300 && this.recordRoute;
    if (this.invite && sent && !staysInProgress) figures.inProgress--;
    if (local) return;
    if (each.first < 0) {
      each.first = each.end;
      figures.first.observe(each.end - each.at);
    }
    figures.final.observe(each.end - each.at);
  }
}
