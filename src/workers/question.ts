import { ipFamily } from '../core/ip-address.js';
import type { AfterFailure, HopFailure, NextHop, RelayPlan, RouteDecision, RoutedRequest } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { FailureDecision, FromWorker, SharedHop, SharedRelay } from './protocol.js';

/** What a question needs from its worker. */
export interface QuestionContext {
  readonly sockets: readonly SipSocket[];
  add(item: FromWorker): void;
  /** The same for an item that the brain need not get at once. */
  addLater(item: FromWorker): void;
  /** The same for the end of the request. */
  addEnd(item: FromWorker): void;
  /** Milliseconds of the brain's clock. */
  now(): number;
}

/** A request about which the brain was asked: it waits for the decision, and is then the plan for forwarding. */
export class Question implements RelayPlan {
  recordRoute = false;
  edits: RelayPlan['edits'] = NO_EDITS;
  noHop: RelayPlan['noHop'] = NO_HOP;
  private following: NextHop | undefined = undefined;
  private decide: ((decision: RouteDecision) => void) | undefined = undefined;
  private judge: ((after: AfterFailure) => void) | undefined = undefined;

  constructor(
    private readonly context: QuestionContext,
    readonly id: number,
    readonly request: RoutedRequest,
    /** The dialogs for which the answer is valid; undefined outside dialogs. */
    readonly dialog: string | undefined,
  ) {}

  /** The decision, when the brain has answered. */
  decision(): Promise<RouteDecision> {
    return new Promise((resolve) => {
      this.decide = resolve;
    });
  }

  /** Whether the brain has not answered yet. */
  get isOpen(): boolean {
    return this.decide !== undefined;
  }

  /** The brain has answered. */
  decided(decision: RouteDecision): void {
    this.decide?.(decision);
    this.decide = undefined;
  }

  /** The brain decided to forward the request to this hop. */
  relay({ recordRoute, edits, noHop, hop }: SharedRelay): void {
    this.recordRoute = recordRoute;
    this.edits = edits;
    this.noHop = noHop;
    this.following = this.hopOf(hop);
    this.decided({ kind: 'relay', plan: this });
  }

  /** The brain decided what to do after a failure. */
  verdict(verdict: FailureDecision): void {
    const { judge } = this;
    this.judge = undefined;
    if (verdict === null) judge?.(false);
    else if ('code' in verdict) judge?.(verdict);
    else {
      this.following = this.hopOf(verdict);
      judge?.(true);
    }
  }

  next(): NextHop | undefined {
    const hop = this.following;
    this.following = undefined;
    return hop;
  }

  failed(_hop: NextHop, { code, local, cause }: HopFailure): Promise<AfterFailure> {
    this.context.add(['next', this.id, code, local, cause ?? null]);
    return new Promise((resolve) => {
      this.judge = resolve;
    });
  }

  private hopOf(hop: SharedHop): NextHop {
    const { uri, requestUri, address, port, socket, tags, edits, maxForwards } = hop;
    const family = ipFamily(address) === 6 ? 6 : 4;
    return {
      uri,
      requestUri,
      address: { address, port, family, transport: 'udp' },
      socket: this.context.sockets[socket],
      dialogTags: tags,
      edits,
      maxForwards,
    };
  }
}

/** Reports to the brain what happens to a request. */
export class QuestionWatch implements RelayWatch {
  constructor(
    private readonly context: QuestionContext,
    private readonly id: number,
    private readonly done: () => void,
  ) {}

  /** The brain noted this when it returned the hop. */
  sent(): void {}

  provisional(_hop: NextHop, code: number): void {
    this.context.addLater(['provisional', this.id, this.context.now(), code]);
  }

  failed(_hop: NextHop, { code, local, cause }: HopFailure): void {
    this.context.addLater(['failed', this.id, this.context.now(), code, local, cause ?? null]);
  }

  /** The brain skipped unusable destinations before it returned the hop. */
  hopSkipped(): void {}

  cancelled(): void {
    this.context.addLater(['cancelled', this.id]);
  }

  ended(code: number, hop: NextHop | undefined): void {
    this.context.addEnd(['ended', this.id, this.context.now(), code, hop !== undefined]);
    this.done();
  }
}

const NO_EDITS: RelayPlan['edits'] = [];
const NO_HOP: RelayPlan['noHop'] = { code: 503, reason: 'Service Unavailable' };
