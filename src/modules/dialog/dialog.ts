import { addrSpecOf } from '../../core/name-addr.js';
import { ownText } from '../../core/own-text.js';
import type { PvarValue } from '../../pvar/context.js';
import type { Call, MessageRun } from '../../script/call.js';
import { edited } from '../../script/outgoing.js';
import type { SipMessage } from '../../sip/message.js';
import type { SipSocket } from '../../sip/transport/transport.js';
import { Numbers } from './numbers.js';

// States of a dialog by the numbers both originals give them.

/** No reply has come but 100. */
export const UNCONFIRMED = 1;
/** A provisional reply other than 100 has come. */
export const EARLY = 2;
/** A 2xx has come, the ACK has not. */
export const CONFIRMED = 3;
/** The ACK has come. */
export const ACKNOWLEDGED = 4;
/** Ended by BYE, failure or time. */
export const ENDED = 5;

/** Who a request of a dialog comes from. */
export type Side = 'caller' | 'callee';

/** The side that a request of this one goes to. */
export function otherSide(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller';
}

/** What a side knows of the other: as our messages have shown it. */
export interface Shown {
  /** Value of Contact. */
  readonly contact: string;
  /** The SDP; '' for none. */
  readonly sdp: string;
}

/** One end of a dialog, as requests of our own to it need it. */
export interface Leg {
  /** From or To value with its tag. */
  address: string;
  tag: string;
  /** URI of its Contact: the request-URI of requests to it. */
  contact: string;
  /** Number of the last request it sent, as it counts. */
  cseq: number;
  /** What its numbers differ by from those the other side is to see. */
  readonly numbers: Numbers;
  /** Route values from this proxy to it, the nearest first. */
  route: readonly string[];
  /** Socket requests to it leave by. */
  socket: SipSocket | undefined;
}

/** A profile a dialog counts in. */
export interface ProfileEntry {
  readonly name: string;
  readonly value: string;
}

/** Variables and values one dialog may hold, and the characters of each. */
export const MOST_VALUES = 128;
/** Characters kept of one value. */
export const MOST_CHARACTERS = 4096;

/** A call as this proxy sees it from its INVITE to its BYE. */
export class Dialog {
  state = UNCONFIRMED;
  readonly caller: Leg;
  readonly callee: Leg;
  /** $dlg_var, $dlg_val. */
  readonly values = new Map<string, PvarValue>();
  readonly profiles: ProfileEntry[] = [];
  flags = 0;
  /** Milliseconds from the answer to its end by timeout. */
  lifetime: number;
  byeOnTimeout = false;
  /** Its lifetime is that of the session timer of its last refresh (sst). */
  timed = false;
  /** Monotonic milliseconds of the answer; 0 before. */
  answered = 0;
  /** By the wall clock, milliseconds since the epoch; 0 before. */
  answeredAt = 0;
  endedAt = 0;
  /** Monotonic milliseconds at which it ends by timeout; 0 before the answer. */
  expires = 0;
  endReason = '';
  /** Which way the request at hand goes. */
  direction: Side = 'caller';
  /** Number of the request before the one at hand that came the same way. */
  lastCseq = 0;
  /** Route run when it ends by timeout (dlg_on_timeout, toroute). */
  timeoutRoute: string | undefined = undefined;
  /** Routes run when it is answered, and when it has ended (dlg_on_answer, dlg_on_hangup of OpenSIPS). */
  answerRoute: string | undefined = undefined;
  hangupRoute: string | undefined = undefined;
  /** Sides that OPTIONS within the dialog go to. */
  readonly pinged = new Set<Side>();
  /** Sides that a re-INVITE of ours goes to. */
  readonly reinvited = new Set<Side>();
  /** What each side was shown of the other last; kept where re-INVITE requests of ours need it. */
  readonly shown: { caller: Shown | undefined; callee: Shown | undefined } = { caller: undefined, callee: undefined };
  /** Ends when its CANCEL has met a 2xx. */
  endsOnRace = false;
  stopPings: (() => void) | undefined = undefined;
  /** Whether a transaction follows it; without one it ends with the request route. */
  attached = false;
  /** Each side is hidden from the other: what the callee's answer said before it was changed, and the Call-ID it knows if that is another. */
  hidden:
    | {
        readonly keepUser: boolean;
        /** The user of the Contact that each side is shown, and what it was shown first where that stays. */
        readonly users: Readonly<Partial<Record<Side, string>>>;
        readonly fixed: Readonly<Partial<Record<Side, { text: string | undefined }>>>;
        /** The did is the user of the Contact. */
        readonly didAsUser: boolean;
        readonly callId: string | undefined;
        contact: string;
        route: readonly string[];
      }
    | undefined = undefined;
  /** Called once when it has ended, in order. */
  readonly atEnd: (() => void)[] = [];
  stopTimer: (() => void) | undefined = undefined;

  constructor(
    readonly entry: number,
    readonly id: number,
    readonly call: Call,
    /** Milliseconds since the epoch. */
    readonly began: number,
    lifetime: number,
    /** URI of the Contact of the caller, as the script has left it. */
    contact: string,
  ) {
    const { message, source } = call;
    this.lifetime = lifetime;
    this.caller = {
      address: message.from,
      tag: message.fromTag,
      contact,
      cseq: message.cseqNumber,
      numbers: new Numbers(),
      route: message.headers('record-route').flatMap(splitValues),
      socket: source.socket,
    };
    this.callee = {
      address: message.to,
      tag: '',
      contact: '',
      cseq: 0,
      numbers: new Numbers(),
      route: [],
      socket: undefined,
    };
  }

  /** Its Call-ID. */
  get callId(): string {
    return this.call.message.callId;
  }

  /** The Call-ID a side knows. */
  callIdOf(side: Side): string {
    return side === 'callee' ? (this.hidden?.callId ?? this.callId) : this.callId;
  }

  /** "3a.1f", what the did parameter of our Record-Route says. */
  get did(): string {
    return `${this.entry.toString(16)}.${this.id.toString(16)}`;
  }

  /** It was answered by a 2xx and has not ended. */
  get isAnswered(): boolean {
    return this.state === CONFIRMED || this.state === ACKNOWLEDGED;
  }

  /** What is known of one side. */
  leg(side: Side): Leg {
    return side === 'caller' ? this.caller : this.callee;
  }

  /** False when it holds as many values as it may. */
  setValue(name: string, value: PvarValue): boolean {
    if (value === null) {
      this.values.delete(name);
      return true;
    }
    if (!this.values.has(name) && this.values.size >= MOST_VALUES) return false;
    this.values.set(ownText(name), typeof value === 'string' ? ownText(value.slice(0, MOST_CHARACTERS)) : value);
    return true;
  }
}

/** The URI of the first Contact; '' when there is none. */
export function contactOf(message: SipMessage): string {
  return addrSpecOf(message.header('contact') ?? '');
}

/**
 * The URI of the first Contact of the request at hand. In OpenSIPS as the script has changed it: behind NAT only that reaches the side.
 */
export function contactAtHand({ message, edits, env }: Pick<MessageRun, 'message' | 'edits' | 'env'>): string {
  const field = message.nextField('contact');
  if (field === undefined || env.dialect !== 'opensips') return contactOf(message);
  const changed = edits.list.some(({ start, end }) => start < field.end && end > field.value);
  return contactOf(changed ? edited(message, edits) : message);
}

/** Values of one Record-Route field: commas outside angle brackets separate them. */
export function splitValues(field: string): string[] {
  const values: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < field.length; i++) {
    const c = field[i];
    if (c === '<') depth++;
    else if (c === '>') depth--;
    else if (c === ',' && depth <= 0) {
      values.push(field.slice(start, i).trim());
      start = i + 1;
    }
  }
  values.push(field.slice(start).trim());
  return values.filter((each) => each !== '');
}
