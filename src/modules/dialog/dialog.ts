import { trimmed } from '../../core/characters.js';
import { addrSpecOf } from '../../core/name-addr.js';
import { ownText } from '../../core/own-text.js';
import type { PvarValue } from '../../pvar/context.js';
import type { Call, MessageRun } from '../../script/call.js';
import { edited } from '../../script/outgoing.js';
import type { SipMessage } from '../../sip/message.js';
import type { SipSocket } from '../../sip/transport/transport.js';
import { Numbers } from './numbers.js';

// States of a dialog; the numbers are those of both originals.

/** No reply but 100 was received. */
const UNCONFIRMED = 1;
/** A provisional reply above 100 was received. */
export const EARLY = 2;
/** A 2xx was received, the ACK was not. */
export const CONFIRMED = 3;
/** The ACK was received. */
export const ACKNOWLEDGED = 4;
/** Ended by BYE, failure or timeout. */
export const ENDED = 5;

/** The side of a dialog that sends a request. */
export type Side = 'caller' | 'callee';

/** The side that receives a request sent by this side. */
export function otherSide(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller';
}

/** What messages sent from here have shown one side of the other. */
export interface Shown {
  /** Value of Contact. */
  readonly contact: string;
  /** The SDP; '' for none. */
  readonly sdp: string;
}

/** One end of a dialog, with what is needed to send requests to it. */
export interface Leg {
  /** From or To value, with its tag. */
  address: string;
  tag: string;
  /** URI of its Contact, the request-URI of requests to it. */
  contact: string;
  /** CSeq number of the last request it sent, in its own counting. */
  cseq: number;
  /** Difference between its CSeq numbers and those the other side gets. */
  readonly numbers: Numbers;
  /** Route values from this proxy to it, the nearest first. */
  route: readonly string[];
  /** Socket from which requests to it are sent. */
  socket: SipSocket | undefined;
}

/** A profile that counts a dialog. */
export interface ProfileEntry {
  readonly name: string;
  readonly value: string;
}

/** Maximum number of variables and values of one dialog. */
export const MAX_VALUES = 128;
/** Maximum length of each value. */
export const MAX_CHARACTERS = 4096;

/**
 * URI of From or To, and the display name that was written with it; undefined where it stays as each request has it.
 */
export interface NamedUri {
  readonly uri: string;
  readonly display?: string | undefined;
}

/** A call from its INVITE to its BYE. */
export class Dialog {
  state = UNCONFIRMED;
  readonly caller: Leg;
  readonly callee: Leg;
  /** $dlg_var, $dlg_val. */
  readonly values = new Map<string, PvarValue>();
  readonly profiles: ProfileEntry[] = [];
  flags = 0;
  /** Milliseconds from the answer to its timeout. */
  lifetime: number;
  byeOnTimeout = false;
  /** Whether its lifetime is set by the session timer of its last refresh (sst). */
  timed = false;
  /** When it was answered, in monotonic milliseconds; 0 before. */
  answered = 0;
  /** When it was answered and when it ended, in milliseconds since the epoch; 0 before. */
  answeredAt = 0;
  endedAt = 0;
  /** When it times out, in monotonic milliseconds; 0 before the answer. */
  expires = 0;
  /** Whether its end was announced before it ended. */
  announced = false;
  endReason = '';
  /** The side that sent the current request. */
  direction: Side = 'caller';
  /** CSeq number of the last request from the same side before the current one. */
  lastCseq = 0;
  /** Route that runs at its timeout (dlg_on_timeout, toroute). */
  timeoutRoute: string | undefined = undefined;
  /** Routes that run at its answer and at its end (dlg_on_answer, dlg_on_hangup of OpenSIPS). */
  answerRoute: string | undefined = undefined;
  hangupRoute: string | undefined = undefined;
  /** Sides that get OPTIONS requests inside the dialog. */
  readonly pinged = new Set<Side>();
  /** Sides that get re-INVITE requests of this proxy. */
  readonly reinvited = new Set<Side>();
  /** What each side was last shown of the other; kept if the proxy sends re-INVITE requests. */
  readonly shown: { caller: Shown | undefined; callee: Shown | undefined } = { caller: undefined, callee: undefined };
  /** Whether it ends because its CANCEL has crossed a 2xx. */
  endsOnRace = false;
  stopPings: (() => void) | undefined = undefined;
  /** Whether a transaction follows it; otherwise it ends with the request route. */
  attached = false;
  /**
   * For topology hiding: the values of the callee's answer before it was changed, and the callee's Call-ID if it is a
   * different one.
   */
  hidden:
    | {
        readonly keepUser: boolean;
        /** User of the Contact shown to each side, and the Contact that was shown first, if it stays. */
        readonly users: Readonly<Partial<Record<Side, string>>>;
        readonly fixed: Readonly<Partial<Record<Side, { text: string | undefined }>>>;
        /** Whether the did is the user of the Contact. */
        readonly didAsUser: boolean;
        readonly callId: string | undefined;
        contact: string;
        route: readonly string[];
      }
    | undefined = undefined;
  /** From (of the caller) and To (of the callee) in the INVITE that uac has replaced for the callee. */
  readonly replaced: Partial<Record<Side, { readonly before: NamedUri; readonly after: NamedUri }>> = {};
  /** Functions that are called once, in order, when it has ended. */
  readonly atEnd: ((by: Call) => void)[] = [];
  stopTimer: (() => void) | undefined = undefined;

  constructor(
    readonly entry: number,
    readonly id: number,
    readonly call: Call,
    /** Milliseconds since the epoch. */
    readonly began: number,
    lifetime: number,
    /** URI of the caller's Contact, after the script's changes. */
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

  /** The Call-ID of the dialog. */
  get callId(): string {
    return this.call.message.callId;
  }

  /** The Call-ID that a side uses. */
  callIdOf(side: Side): string {
    return side === 'callee' ? (this.hidden?.callId ?? this.callId) : this.callId;
  }

  /** The value of the did parameter in our Record-Route: "3a.1f". */
  get did(): string {
    return `${this.entry.toString(16)}.${this.id.toString(16)}`;
  }

  /** Whether it was answered by a 2xx and has not ended. */
  get isAnswered(): boolean {
    return this.state === CONFIRMED || this.state === ACKNOWLEDGED;
  }

  /** The end on one side. */
  leg(side: Side): Leg {
    return side === 'caller' ? this.caller : this.callee;
  }

  /** Sets a value; false when there are too many. null deletes the value. */
  setValue(name: string, value: PvarValue): boolean {
    if (value === null) {
      this.values.delete(name);
      return true;
    }
    if (!this.values.has(name) && this.values.size >= MAX_VALUES) return false;
    this.values.set(ownText(name), typeof value === 'string' ? ownText(value.slice(0, MAX_CHARACTERS)) : value);
    return true;
  }
}

/** The URI of the first Contact; '' when there is none. */
export function contactOf(message: SipMessage): string {
  return addrSpecOf(message.header('contact') ?? '');
}

/**
 * The URI of the first Contact of the current request. In OpenSIPS after the script's changes: behind NAT only that one
 * reaches the side.
 */
export function contactAtHand({ message, edits, env }: Pick<MessageRun, 'message' | 'edits' | 'env'>): string {
  const field = message.nextField('contact');
  if (field === undefined || env.dialect !== 'opensips') return contactOf(message);
  const changed = edits.list.some(({ start, end }) => start < field.end && end > field.value);
  return contactOf(changed ? edited(message, edits) : message);
}

/** The values of a Record-Route field, separated by commas outside angle brackets. */
export function splitValues(field: string): string[] {
  const values: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < field.length; i++) {
    const c = field[i];
    if (c === '<') depth++;
    else if (c === '>') depth--;
    else if (c === ',' && depth <= 0) {
      values.push(trimmed(field.slice(start, i)));
      start = i + 1;
    }
  }
  values.push(trimmed(field.slice(start)));
  return values.filter((each) => each !== '');
}
