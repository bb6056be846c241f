import type { RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver, RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import { LocalWatch } from './local-plan.js';
import { Question } from './question.js';
import { BY_BRAIN, type OpenQuestions } from './questions.js';
import type { ToBrain } from './to-brain.js';

/** Reports to the brain what happens to a worker's requests. */
export class RelayReports implements ProxyObserver {
  constructor(
    private readonly brain: ToBrain,
    private readonly questions: OpenQuestions,
    /** Called when a request that was decided here is forwarded. */
    private readonly begun: () => void,
  ) {}

  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined {
    const { brain } = this;
    if (message.toTag === '' && plan.origin !== undefined && !(plan instanceof Question)) {
      if (brain.isBehind) return undefined;
      const id = brain.nextId();
      this.begun();
      const { recordRoute, origin } = plan;
      const came = brain.described(source, message.text.slice(0, message.identityEnd));
      const { callId, fromTag, method } = message;
      const isInvite = method === 'INVITE';
      brain.addLater(['began', id, brain.now(), ...came, recordRoute, origin, isInvite, callId, fromTag]);
      return new LocalWatch(brain, id);
    }
    if (plan instanceof Question) return this.questions.watch(plan);
    if (message.method !== 'BYE') return undefined;
    const { callId, fromTag } = message;
    return new ByeWatch((code) => brain.addLater(['byeEnded', callId, fromTag, code]));
  }

  /** Requests without a transaction (an ACK in a dialog) are not reported. */
  forwarded(): void {}

  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void {
    const { brain } = this;
    // These are not recorded (see CallLedger.refused).
    if (code < 300 || message.toTag !== '') return;
    if (origin === BY_BRAIN || brain.isBehind) return;
    const came = brain.described(source, message.text.slice(0, message.identityEnd));
    brain.addLater(['refused', ...came, code, reason, origin ?? null]);
  }
}

/** A BYE that is forwarded here. */
class ByeWatch implements RelayWatch {
  constructor(private readonly done: (code: number) => void) {}

  ended(code: number): void {
    this.done(code);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  hopSkipped(): void {}
  cancelled(): void {}
}
