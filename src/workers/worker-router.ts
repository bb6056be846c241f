import type { AckRoute, RouteDecision, RoutedRequest, Router } from '../proxy/decision.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyOptions } from '../proxy/proxy.js';
import type { Sender } from '../proxy/sender.js';
import { type LooseRoute, looseRoute } from '../route/rules/dialog.js';
import type { Passage } from '../route/rules/dialog-gate.js';
import { DialogPlan } from '../route/rules/rule-plan.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import { fitsDatagram } from './datagram-only.js';
import type { KnownDialogs } from './known-dialogs.js';

/** What the router of a worker needs. */
export interface WorkerRouterOptions {
  readonly sockets: LocalSockets;
  readonly tokens: DialogTokens;
  readonly dialogs: KnownDialogs;
  readonly proxy: ProxyOptions;
  readonly sender: () => Sender;
  /** Decides a request outside dialogs, if that is possible here. */
  decide(request: RoutedRequest): RouteDecision | undefined;
  /** Decides a request inside a dialog, if that is possible here. */
  passage(request: RoutedRequest, loose: LooseRoute): Passage | undefined;
  /** Asks the brain; `dialog`: the dialogs for which the answer is valid. */
  ask(request: RoutedRequest, dialog: string | undefined): Promise<RouteDecision>;
  /** Whether the brain may be asked about a request of so many characters: a flood of large ones is not passed on. */
  mayAsk(characters: number): boolean;
  /** Passes a message to the brain, without waiting for an answer. */
  pass(request: RoutedRequest): void;
  /** Whether the brain must be asked even about requests of known dialogs. */
  asksAlways(): boolean;
  /** A dialog has ended: its call does not count as load any more. */
  callEnded(callId: string): void;
}

/** A dialog of ours to which a request belongs. */
interface Known {
  readonly loose: LooseRoute;
  readonly tags: string;
  /** The data on which the brain's decision about it depends. */
  readonly dialog: string;
}

/**
 * Routes with this process's copy of rules and tables, else by asking the brain. A request in a dialog of ours that the
 * brain has recently let pass follows its Route.
 */
export class WorkerRouter implements Router {
  readonly decidesSoon = true;

  constructor(private readonly options: WorkerRouterOptions) {}

  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision> {
    const decided = this.options.decide(request);
    if (decided !== undefined) return decided;
    const known = this.known(request);
    const passage = known && this.passage(request, known);
    const { message } = request;
    if (passage === undefined || known === undefined) {
      // Only participants of our calls know the token, so the limit is not for them.
      const mayAsk = this.options.mayAsk(message.text.length) || this.isOurs(request);
      return mayAsk ? this.options.ask(request, known?.dialog) : TOO_MANY;
    }
    if (message.method === 'BYE') this.options.callEnded(message.callId);
    return { kind: 'relay', plan: new DialogPlan(known.loose, message.method === 'INVITE', passage, IN_DIALOG) };
  }

  routeAck(request: RoutedRequest): AckRoute | undefined {
    const known = this.known(request);
    if (known !== undefined && this.allows(request, known)) return known.loose;
    this.options.pass(request);
    return undefined;
  }

  private passage(request: RoutedRequest, known: Known): Passage | undefined {
    const { options } = this;
    if (options.asksAlways()) return undefined;
    if (options.dialogs.has(known.dialog)) return { tags: known.tags, allowed: () => true };
    return options.passage(request, known.loose);
  }

  private allows(request: RoutedRequest, { dialog, loose }: Known): boolean {
    return this.options.dialogs.has(dialog) || this.options.passage(request, loose) !== undefined;
  }

  /** Whether a request belongs to a dialog that began here. */
  private isOurs(request: RoutedRequest): boolean {
    const { message, strictRoute } = request;
    if (message.toTag === '' || strictRoute !== undefined) return false;
    const [first, second] = looseRoute(request, this.options.sockets)?.ours ?? [];
    return first !== undefined && this.options.tokens.recorded(message.callId, first, second) !== undefined;
  }

  /** The dialog of ours to which a request belongs, if it can be forwarded from here. */
  private known(request: RoutedRequest): Known | undefined {
    const { message, source, strictRoute } = request;
    if (message.toTag === '' || strictRoute !== undefined) return undefined;
    const { sockets, tokens, sender, proxy } = this.options;
    const loose = looseRoute(request, sockets);
    const [first, second] = loose?.ours ?? [];
    if (loose === undefined || first === undefined || loose.hop.flow !== undefined) return undefined;
    const recorded = tokens.recorded(message.callId, first, second);
    if (recorded === undefined) return undefined;
    const address = sender().locate(loose.hop, message);
    if (address === undefined || typeof address === 'number' || address.transport !== 'udp') return undefined;
    const socket = sender().socketTo(loose.hop, address, source);
    if (socket?.transport !== 'udp' || !fitsDatagram(message, proxy, sockets)) return undefined;
    const { tags } = recorded;
    return { loose, tags, dialog: `${tags} ${address.address} ${address.port} ${source.address}` };
  }
}

const TOO_MANY: RouteDecision = {
  kind: 'reply',
  code: 503,
  reason: 'Service Unavailable',
  headers: 'Retry-After: 5\r\n',
  origin: { rule: 'large requests' },
};

const IN_DIALOG = { rule: 'dialog' } as const;
