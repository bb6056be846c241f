import { randomInt } from 'node:crypto';
import { Generations } from '../core/generations.js';
import { Mixer } from '../core/mix.js';
import type { SipMessage } from '../sip/message.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { KnownRequest, MessageObserver, TransactionUser } from '../sip/transaction/user.js';
import type { Source } from '../sip/transport/transport.js';

/** Runs the script of a configuration file. */
export type GatedScript = TransactionUser & MessageObserver;

/** What to do with messages that the script of this process must not see. */
export interface ScriptGateOptions {
  /** Passes a message to the process it belongs to; false: it belongs here. */
  handsOn(message: SipMessage, source: Source, isRequest: boolean): boolean;
  /** undefined: everything that belongs here is run here. */
  readonly leaving?: LeavingOptions;
}

/** How a worker leaves requests to the brain. */
export interface LeavingOptions {
  /** Whether new requests may be run here. */
  runs(): boolean;
  /**
   * Whether a call is kept here: then a request inside it is always run here, since no other process knows its dialog.
   */
  keeps(callId: string): boolean;
  /** Passes a request to the brain. */
  pass(request: SipMessage, source: Source): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/**
 * Once the brain got a request of a call, all its requests are passed to the brain for at least so many milliseconds.
 */
const PASSED_MS = 300_000;
/** Least number of such calls remembered; beyond that the oldest are dropped. */
const MAX_PASSED = 200_000;
const SEEDS = 2 ** 32;

/**
 * Gives messages to a script that several processes run: only the process to which a message belongs runs it. While
 * this process may not run requests, the brain does. If the brain got one request of a call, it gets all of them, since
 * only it knows the transaction for retransmissions, CANCEL and ACK.
 */
export class ScriptGate implements TransactionUser, MessageObserver {
  /** Hashes of Call-IDs, since a substring would keep the whole message in memory. */
  private readonly passed = new Generations<number, true>(MAX_PASSED);
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

  /** Passes a request to the brain if it must; returns whether it did. */
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
    // Restarts the period; otherwise the next generation could begin at once and drop what was just noted.
    if (this.passed.set(key, true)) this.began = now;
  }
}
