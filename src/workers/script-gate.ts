import type { SipMessage } from '../sip/message.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { KnownRequest, MessageObserver, TransactionUser } from '../sip/transaction/user.js';
import type { Source } from '../sip/transport/transport.js';

/** What runs the script of a configuration file. */
export type ScriptCore = TransactionUser & MessageObserver;

/** What a process does with messages that its script is not to see. */
export interface ScriptGateOptions {
  /** Hands a message to the process that it belongs to; false: it belongs here. */
  handsOn(message: SipMessage, source: Source, isRequest: boolean): boolean;
  /** Whether a new request from a source may be run here. */
  runs(source: string): boolean;
  /** Leaves a request to the brain. */
  pass(request: SipMessage, source: Source): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Milliseconds for which all of a call goes to the brain, at least, once one of its requests has. */
const PASSED_MS = 300_000;

/**
 * Stands before a script that several processes run: a message is seen by the script of the process it belongs to alone, and while
 * this process may not run requests, the brain does. A call of which it got one request is its own from then on: only it knows the
 * transaction that copies, a CANCEL and the ACK of a failure belong to.
 */
export class ScriptGate implements TransactionUser, MessageObserver {
  private newer = new Set<string>();
  private older = new Set<string>();
  private began = 0;

  constructor(
    private readonly core: ScriptCore,
    private readonly options: ScriptGateOptions,
  ) {}

  onMessage(request: SipMessage, source: Source, known: KnownRequest): void {
    const { options, core } = this;
    if (known.kind === 'new') {
      if (options.handsOn(request, source, true)) return;
      if (this.isPassed(request.callId) || !options.runs(source.address)) {
        this.note(request.callId);
        options.pass(request, source);
        return;
      }
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

  private isPassed(callId: string): boolean {
    return this.newer.has(callId) || this.older.has(callId);
  }

  private note(callId: string): void {
    const now = this.options.now();
    if (now - this.began > PASSED_MS) {
      this.older = this.newer;
      this.newer = new Set();
      this.began = now;
    }
    this.newer.add(callId);
  }
}
