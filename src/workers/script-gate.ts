import { randomInt } from 'node:crypto';
import { Generations } from '../core/generations.js';
import { Mixer } from '../core/mix.js';
import type { SipMessage } from '../sip/message.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { KnownRequest, MessageObserver, TransactionUser } from '../sip/transaction/user.js';
import type { Source } from '../sip/transport/transport.js';

/** What runs the script of a configuration file. */
export type GatedScript = TransactionUser & MessageObserver;

/** What a process does with messages that its script is not to see. */
export interface ScriptGateOptions {
  /** Hands a message to the process that it belongs to; false: it belongs here. */
  handsOn(message: SipMessage, source: Source, isRequest: boolean): boolean;
  /** undefined: what belongs here is run here. */
  readonly leaving?: LeavingOptions;
}

/** How a worker leaves requests to the brain. */
export interface LeavingOptions {
  /** Whether new requests may be run here. */
  runs(): boolean;
  /** Whether a call is kept here: a request within it is run here, whatever else holds, as no other process knows its dialog. */
  keeps(callId: string): boolean;
  /** Leaves a request to the brain. */
  pass(request: SipMessage, source: Source): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Milliseconds for which all of a call goes to the brain, at least, once one of its requests has. */
const PASSED_MS = 300_000;
/** Calls of which this is remembered at least: with more in that time the oldest are forgotten. */
const MOST_PASSED = 200_000;
const SEEDS = 2 ** 32;

/**
 * Stands before a script that several processes run: a message is seen by the script of the process it belongs to alone, and while
 * this process may not run requests, the brain does. A call of which it got one request is its own from then on: only it knows the
 * transaction that copies, a CANCEL and the ACK of a failure belong to.
 */
export class ScriptGate implements TransactionUser, MessageObserver {
  /** Keys of the Call-IDs: a part of a message would keep all of it. */
  private readonly passed = new Generations<number, true>(MOST_PASSED);
  private readonly mixer = new Mixer(randomInt(SEEDS), randomInt(SEEDS));
  private began = 0;

  constructor(
    private readonly core: GatedScript,
    private readonly options: ScriptGateOptions,
  ) {}

  onMessage(request: SipMessage, source: Source, known: KnownRequest): void {
    const { options, core } = this;
    if (known.kind === 'new') {
      if (options.handsOn(request, source, true)) return;
      if (options.leaving !== undefined && this.leaves(request, source, options.leaving)) return;
    }
    core.onMessage(request, source, known);
  }

  onReply(reply: SipMessage, source: Source): SipMessage | undefined {
    return this.options.handsOn(reply, source, false) ? undefined : this.core.onReply(reply, source);
  }

  onDefect(request: SipMessage, source: Source): boolean {
    return this.core.onDefect(request, source);
  }

  onRequest(request: SipMessage, source: Source): void {
    this.core.onRequest(request, source);
  }

  onAck(request: SipMessage, source: Source): void {
    this.core.onAck(request, source);
  }

  onCancel(server: InviteServer | undefined): void {
    this.core.onCancel(server);
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    this.core.onFurtherSuccess(reply, pass);
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    this.core.onStrayReply(reply, source);
  }

  /** Leaves a request to the brain where it is to be; whether it has. */
  private leaves(request: SipMessage, source: Source, { runs, keeps, pass, now }: LeavingOptions): boolean {
    if (request.toTag !== '' && keeps(request.callId)) return false;
    const key = this.mixer.key(request.callId);
    if (!this.passed.has(key) && runs()) return false;
    this.note(key, now());
    pass(request, source);
    return true;
  }

  private note(key: number, now: number): void {
    if (now - this.began > PASSED_MS) {
      this.passed.begin();
      this.began = now;
    }
    // Else the next one could begin at once, and what was noted a moment ago be forgotten.
    if (this.passed.set(key, true)) this.began = now;
  }
}
