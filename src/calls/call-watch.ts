import type { Destination } from '../engine/destination.js';
import type { HopFailure, NextHop, RouteOrigin } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { DestinationFigures } from './destination-figures.js';

/** The longest time that can be stored, in microseconds: 35 minutes. */
const LONGEST = 2 ** 31 - 1;
/** Attempts noted for one request; further ones are only counted. */
const MAX_TRIES = 50;

/** The parts of a request that its record needs. */
export interface RecordedRequest extends Pick<SipMessage, 'text' | 'callId' | 'callIdA' | 'callIdB' | 'fromTag'> {
  /** Where the last of request line, From, To and Call-ID ends in the text, line break included. */
  readonly identityEnd: number;
  /** Where From ends in the text, if known. */
  readonly fromEnd?: number;
}

/** What all call watches of a process use. */
export interface RecordKeeper {
  /** Monotonic milliseconds. */
  monotonic(): number;
  /** The figures of a destination. */
  figuresOf(destination: Destination): DestinationFigures;
  /** The request got its final reply: keeps it until its record is written. */
  keep(ended: CallWatch): void;
  /** Stores the record. */
  write(watch: CallWatch): void;
}

/**
 * One attempt to send the request to a hop, while the request is in progress. Times are whole microseconds since the
 * request came: V8 stores them without an allocation.
 */
export interface CallTry {
  hop: NextHop | undefined;
  figures: DestinationFigures | undefined;
  /** The address it was last sent to; undefined where nothing was sent. */
  target: ResolvedTarget | undefined;
  at: number;
  /** When the first reply above 100 came, and when the attempt ended; -1: not yet. */
  first: number;
  tryEnd: number;
  /** Final code of this attempt; 0 while there is none. */
  tryCode: number;
  /** Whether the proxy generated the code. */
  local: boolean;
  /** The hop was skipped: nothing was sent to it. */
  skipped: boolean;
  cause: string | undefined;
}

/** A further hop. */
function newTry(): CallTry {
  return {
    hop: undefined,
    figures: undefined,
    target: undefined,
    at: 0,
    first: -1,
    tryEnd: -1,
    tryCode: 0,
    local: false,
    skipped: false,
    cause: undefined,
  };
}

/**
 * Follows one request from its dispatch to its final reply; the keeper then stores it. It lives as long as its
 * transaction, and ignores what is reported after the end. The object itself is the attempt for the first hop, so that
 * most calls need one object only. It extends no class, since the super constructor would cost as much as the rest.
 */
export class CallWatch implements RelayWatch, CallTry {
  hop: NextHop | undefined = undefined;
  figures: DestinationFigures | undefined = undefined;
  target: ResolvedTarget | undefined = undefined;
  at = 0;
  first = -1;
  tryEnd = -1;
  tryCode = 0;
  local = false;
  skipped = false;
  cause: string | undefined = undefined;
  /** The attempts for further hops. */
  others: CallTry[] | undefined = undefined;
  /** How many attempts beyond those noted there were. */
  moreTries = 0;
  /** Final status code sent to the caller; 0 while there is none. */
  code = 0;
  /** Microseconds from the request to its first 18x; -1: none yet. */
  ringing = -1;
  end = -1;
  wasCancelled = false;
  /** Forwarded without state: its replies are not seen. */
  stateless = false;
  /** Bytes of the request. */
  readonly bytes: number;

  constructor(
    private readonly keeper: RecordKeeper,
    /** The request; undefined after its final reply. */
    public request: RecordedRequest | undefined,
    readonly invite: boolean,
    readonly source: Source,
    /** When the request came, in monotonic milliseconds. */
    readonly began: number,
    readonly origin: RouteOrigin | undefined,
    readonly recordRoute: boolean,
  ) {
    this.bytes = request?.text.length ?? 0;
  }

  sent(hop: NextHop, target: ResolvedTarget): void {
    const each = this.open(hop);
    if (each === undefined) return;
    const isFirst = each.target === undefined;
    each.target = target;
    each.tryEnd = -1;
    each.tryCode = 0;
    each.local = false;
    each.cause = undefined;
    const { figures } = each;
    if (figures === undefined) return;
    if (this.invite) figures.inProgress++;
    // A second address of the same destination is not another call.
    if (!isFirst) return;
    if (this.invite) figures.calls++;
    else figures.requests++;
  }

  provisional(hop: NextHop, code: number): void {
    if (this.end >= 0) return;
    const isRinging = code >= 180 && this.ringing < 0;
    const each = this.find(hop);
    const isFirst = each !== undefined && each.first < 0;
    if (!isRinging && !isFirst) return;
    const at = this.elapsed();
    if (isRinging) this.ringing = at;
    if (!isFirst) return;
    each.first = at;
    each.figures?.first.observe((at - each.at) / 1000);
  }

  failed(hop: NextHop, failure: HopFailure): void {
    const each = this.open(hop);
    if (each !== undefined) this.close(each, failure.code, failure.local, failure.cause, this.elapsed());
  }

  hopSkipped(hop: NextHop, code: number): void {
    const each = this.open(hop);
    if (each === undefined) return;
    each.skipped = true;
    each.tryCode = code;
    each.local = true;
    each.tryEnd = each.at;
  }

  cancelled(): void {
    this.wasCancelled = true;
  }

  ended(code: number, hop: NextHop | undefined, lost?: HopFailure): void {
    if (this.end >= 0) return;
    const end = this.elapsed();
    this.code = code;
    this.end = end;
    // Most requests have one attempt, which ends with them. It is closed when the record is written.
    if (hop === undefined || hop !== this.hop || this.tryEnd >= 0 || this.others !== undefined) {
      this.settleAll(code, hop, end, lost);
    }
    this.keeper.keep(this);
  }

  /** Stores the record of the request. */
  writeRecord(): void {
    if (this.hop !== undefined && this.tryEnd < 0) this.close(this, this.code, false, undefined, this.end);
    this.keeper.write(this);
  }

  /** The request was forwarded to a hop without state. */
  forwarded(hop: NextHop, target: ResolvedTarget): void {
    const each = this.open(hop);
    if (each === undefined) return;
    this.stateless = true;
    each.target = target;
    this.end = this.elapsed();
    const { figures } = each;
    if (figures === undefined) return;
    if (this.invite) figures.calls++;
    else figures.requests++;
  }

  /** The attempt that was answered with 2xx; undefined when none was. */
  get winner(): CallTry | undefined {
    const { others } = this;
    if (others !== undefined) {
      const won = others.findLast(({ tryCode }) => tryCode >= 200 && tryCode < 300);
      if (won !== undefined) return won;
    }
    return this.tryCode >= 200 && this.tryCode < 300 ? this : undefined;
  }

  /** Ends all attempts when the request ends. */
  private settleAll(code: number, hop: NextHop | undefined, end: number, lost?: HopFailure): void {
    const { others } = this;
    if (this.hop !== undefined) this.settle(this, code, hop, end, lost);
    if (others !== undefined) for (const each of others) this.settle(each, code, hop, end, lost);
  }

  /** Ends an attempt when the request ends. */
  private settle(each: CallTry, code: number, hop: NextHop | undefined, end: number, lost?: HopFailure): void {
    if (hop !== undefined && each.hop === hop && !each.skipped) this.close(each, code, false, undefined, end);
    else if (each.tryEnd >= 0) return;
    else if (lost !== undefined) this.close(each, lost.code, lost.local, lost.cause, end);
    else {
      // The branch was cancelled, because another one ended the request or because the caller sent CANCEL.
      each.tryEnd = end;
      each.cause = 'cancelled';
      if (this.invite && each.figures !== undefined) each.figures.inProgress--;
    }
  }

  /** Microseconds since the request came, up to LONGEST. */
  private elapsed(): number {
    return Math.min(Math.round((this.keeper.monotonic() - this.began) * 1000), LONGEST);
  }

  /** The latest attempt for this hop that was not skipped. */
  private find(hop: NextHop): CallTry | undefined {
    const { others } = this;
    if (others !== undefined) {
      for (let i = others.length - 1; i >= 0; i--) {
        const each = others[i] as CallTry;
        if (each.hop === hop && !each.skipped) return each;
      }
    }
    return this.hop === hop && !this.skipped ? this : undefined;
  }

  /** The attempt for a hop, created when it is new; undefined when there are too many, or after the end. */
  private open(hop: NextHop): CallTry | undefined {
    if (this.end >= 0) return undefined;
    const known = this.find(hop);
    if (known !== undefined) return known;
    const { others } = this;
    let opened: CallTry = this;
    if (this.hop !== undefined) {
      const last = others === undefined ? this : (others[others.length - 1] as CallTry);
      // This hop is tried because the last one failed.
      if (last.figures !== undefined && last.tryCode >= 300 && !last.skipped) last.figures.failovers++;
      if (others !== undefined && others.length + 1 >= MAX_TRIES) {
        this.moreTries++;
        return undefined;
      }
      opened = newTry();
      if (others === undefined) this.others = [opened];
      else others.push(opened);
    }
    opened.hop = hop;
    opened.at = this.elapsed();
    if (hop.destination !== undefined) opened.figures = this.keeper.figuresOf(hop.destination);
    return opened;
  }

  /** `end`: microseconds since the request came. */
  private close(each: CallTry, code: number, local: boolean, cause: string | undefined, end: number): void {
    const sent = each.target !== undefined && each.tryEnd < 0;
    each.tryEnd = end;
    each.tryCode = code;
    each.local = local;
    each.cause = cause;
    const { figures } = each;
    if (figures === undefined) return;
    const outcome = local ? 0 : Math.floor(code / 100);
    figures.outcomes[outcome] = (figures.outcomes[outcome] ?? 0) + 1;
    const staysInProgress = code >= 200 && code < 300 && this.recordRoute;
    if (this.invite && sent && !staysInProgress) figures.inProgress--;
    if (local) return;
    const took = (end - each.at) / 1000;
    if (each.first < 0) {
      each.first = end;
      figures.first.observe(took);
    }
    figures.final.observe(took);
  }
}
