import type { RouteDecision, RoutedRequest } from '../proxy/decision.js';
import type { KnownDialogs } from './known-dialogs.js';
import type { FailureDecision, SharedRelay } from './protocol.js';
import { Question, QuestionWatch } from './question.js';
import type { SipCounters } from './tallies.js';
import type { ToBrain } from './to-brain.js';

/** The origin of a request that was answered by the brain's decision. */
export const BY_BRAIN = { rule: 'brain' } as const;

/** The requests about which the brain was asked, until they end. */
export class OpenQuestions {
  private readonly open = new Map<number, Question>();

  constructor(
    private readonly brain: ToBrain,
    private readonly dialogs: KnownDialogs,
    private readonly counters: SipCounters,
  ) {}

  /** Asks the brain; `dialog`: the dialogs for which the answer is valid. */
  ask(request: RoutedRequest, dialog: string | undefined): Promise<RouteDecision> {
    const { brain, counters } = this;
    const id = brain.nextId();
    const question = new Question(brain, id, request, dialog);
    this.open.set(id, question);
    const { message, source } = request;
    // The brain counts the requests it is asked about.
    counters.layer.requestsReceived.value--;
    counters.proxy.requests.value--;
    if (message.method === 'INVITE') counters.proxy.invites.value--;
    brain.add(['ask', id, ...brain.described(source, message.text)]);
    return question.decision();
  }

  /** Returns the watch for a request that is forwarded by an answer. */
  watch({ id }: Question): QuestionWatch {
    return new QuestionWatch(this.brain, id, () => this.open.delete(id));
  }

  /** The brain decided to forward a request. */
  relay(id: number, relay: SharedRelay): void {
    this.answered(id, (question) => {
      const { dialog } = question;
      const { tags, address, port } = relay.hop;
      if (dialog?.startsWith(`${tags} ${address} ${port} `)) this.dialogs.add(dialog);
      question.relay(relay);
    });
  }

  /** The brain decided how to answer a request. */
  reply(id: number, code: number, reason: string, headers: string | null): void {
    this.answered(id, (question) => {
      this.open.delete(id);
      question.decided({ kind: 'reply', code, reason, ...(headers === null ? {} : { headers }), origin: BY_BRAIN });
    });
  }

  /** The brain decided what to do after a failure. */
  verdict(id: number, verdict: FailureDecision): void {
    this.open.get(id)?.verdict(verdict);
  }

  /** The brain handles a request itself. */
  leave(id: number): void {
    const question = this.open.get(id);
    if (question === undefined) return;
    this.open.delete(id);
    const { request } = question;
    const gaveUp = request.transaction().request === undefined;
    question.decided({ kind: 'drop' });
    if (gaveUp) this.brain.add(['cancel', ...this.brain.described(request.source, request.message.text)]);
  }

  /** Uses an answer; it is too late if the caller has had a reply meanwhile. */
  private answered(id: number, use: (question: Question) => void): void {
    const question = this.open.get(id);
    if (question === undefined) return;
    if (question.request.transaction().request !== undefined) {
      use(question);
      return;
    }
    this.open.delete(id);
    question.decided({ kind: 'drop' });
    this.brain.add(['cancelled', id]);
    this.brain.add(['ended', id, this.brain.now(), 487, false]);
  }
}
