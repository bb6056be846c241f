import type { HopFailure, NextHop, RouteOrigin } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { DestinationFigures } from './destination-figures.js';

/** The longest time that is noted, microseconds: 35 minutes. */
const LONGEST = 2 ** 31 - 1;
/** Hops noted for one request; further ones are only counted. */
const MOST_TRIES = 50;

/** What a record needs of its request. */
export interface RecordedRequest extends Pick<SipMessage, 'text' | 'callId' | 'callIdA' | 'callIdB' | 'fromTag'> {
  /** Where the last of request line, From, To and Call-ID ends, its line break included. */
  readonly identityEnd: number;
  /** Where From ends; undefined where that is not known. */
  readonly fromEnd?: number;
}

/** What the records of one process share. */
export interface RecordKeeper {
  /** Monotonic milliseconds. */
  monotonic(): number;
  /** Figures of the destination a hop stands for. */
  figures(hop: NextHop): DestinationFigures | undefined;
  /** The request has its final reply. */
  recordEnded(watch: CallWatch): void;
  /** Writes down what became of it. */
  write(watch: CallWatch): void;
}

/** One hop while the request is under way. Times are microseconds since the request came: whole numbers need no memory of their own. */
export interface CallTry {
  hop: NextHop | undefined;
  figures: DestinationFigures | undefined;
  /** Where it was sent to last; undefined where nothing was sent. */
  target: ResolvedTarget | undefined;
  at: number;
  /** First reply above 100, and the end; -1 for not yet. */
  first: number;
  tryEnd: number;
  /** Final code of this hop; 0 while there is none. */
  tryCode: number;
  /** Whether the code is our own. */
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
 * Follows one request from where it is dispatched to its final reply, which the keeper writes down. Lives as long as the transaction
 * it belongs to; what is reported after the end is not noted. It is the try of its first hop itself: one object a call, and no class
 * above it, whose constructor would cost as much as all the rest.
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
  /** The tries of further hops. */
  others: CallTry[] | undefined = undefined;
  /** Hops beyond those noted. */
  moreTries = 0;
  /** Final code the caller got; 0 while there is none. */
  code = 0;
  /** Microseconds since the request came, -1 for not yet. */
  ringing = -1;
  end = -1;
  wasCancelled = false;
  /** Forwarded without state: nothing of its replies is seen. */
  stateless = false;

  constructor(
    private readonly keeper: RecordKeeper,
    /** The request until it has its final reply. */
    public request: RecordedRequest | undefined,
    readonly invite: boolean,
    readonly source: Source,
    /** Monotonic milliseconds. */
    readonly began: number,
    readonly origin: RouteOrigin | undefined,
    readonly recordRoute: boolean,
  ) {}

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
    // A further address of the same destination is no further call.
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

  passedOver(hop: NextHop, code: number): void {
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

  ended(code: number, hop: NextHop | undefined): void {
    if (this.end >= 0) return;
    const end = this.elapsed();
    this.code = code;
    this.end = end;
    const { others } = this;
    if (this.hop !== undefined) this.settle(this, code, hop, end);
    if (others !== undefined) for (const each of others) this.settle(each, code, hop, end);
    this.keeper.recordEnded(this);
  }

  /** Writes down what became of the request. */
  writeDown(): void {
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

  /** The try that was answered with 2xx; undefined when none was. */
  get winner(): CallTry | undefined {
    const { others } = this;
    if (others !== undefined) {
      const won = others.findLast(({ tryCode }) => tryCode >= 200 && tryCode < 300);
      if (won !== undefined) return won;
    }
    return this.tryCode >= 200 && this.tryCode < 300 ? this : undefined;
  }

  /** A try at the end of the request. */
  private settle(each: CallTry, code: number, hop: NextHop | undefined, end: number): void {
    if (hop !== undefined && each.hop === hop && !each.skipped) this.close(each, code, false, undefined, end);
    else if (each.tryEnd < 0) {
      // Cancelled because another branch ended the request, or because the caller cancelled it.
      each.tryEnd = end;
      each.cause = 'cancelled';
      if (this.invite && each.figures !== undefined) each.figures.inProgress--;
    }
  }

  /** Microseconds since the request came; what no call takes is no longer counted. */
  private elapsed(): number {
    return Math.min(Math.round((this.keeper.monotonic() - this.began) * 1000), LONGEST);
  }

  /** The latest try of a hop that was not skipped. */
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

  /** The try of a hop, begun if it is a new one; undefined when there are too many, and after the end. */
  private open(hop: NextHop): CallTry | undefined {
    if (this.end >= 0) return undefined;
    const known = this.find(hop);
    if (known !== undefined) return known;
    const { others } = this;
    let opened: CallTry = this;
    if (this.hop !== undefined) {
      const last = others === undefined ? this : (others[others.length - 1] as CallTry);
      // Another is tried because the last one failed.
      if (last.figures !== undefined && last.tryCode >= 300 && !last.skipped) last.figures.failovers++;
      if (others !== undefined && others.length + 1 >= MOST_TRIES) {
        this.moreTries++;
        return undefined;
      }
      opened = newTry();
      if (others === undefined) this.others = [opened];
      else others.push(opened);
    }
    opened.hop = hop;
    opened.at = this.elapsed();
    if (hop.destination !== undefined) opened.figures = this.keeper.figures(hop);
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
