import { trimmed } from '../../core/characters.js';
import type { Logger } from '../../core/logger.js';
import { parseUri } from '../../core/uri.js';
import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Engine } from '../../engine/engine.js';
import { branchTargets } from '../../engine/kamailio/branches.js';
import type { Partition } from '../../engine/partition.js';
import {
  type AckRoute,
  type NextHop,
  plainHop,
  type RouteDecision,
  type RoutedRequest,
  type RouteOrigin,
  type Router,
} from '../../proxy/decision.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { SipMessage } from '../../sip/message.js';
import { reasonPhrase, type TextEdit } from '../../sip/reply.js';
import type { Source } from '../../sip/transport/transport.js';
import { dialled } from '../dialled.js';
import { sendingSocket } from '../dispatcher/sending-socket.js';
import type { SelectionTally } from '../dispatcher/site.js';
import { type DispatcherFormats, RequestScope } from '../request-scope.js';
import type { CompiledChanges } from './destination-changes.js';
import { foreignRoute, type LooseRoute, looseRoute } from './dialog.js';
import type { DialogGate } from './dialog-gate.js';
import { type Explanation, explain } from './explain.js';
import { literalAddress } from './literal-address.js';
import { hasPassedHere, Redirects } from './redirects.js';
import type { CompiledRule, ReadySelection } from './rule.js';
import { type BlacklistCheck, DialogPlan, type RedirectsOf, RulePlan, UriPlan } from './rule-plan.js';
import { withoutTrace } from './without-trace.js';

/** Input of a RulesRouter. */
export interface RulesRouterOptions {
  readonly engine: Engine;
  readonly sockets: LocalSockets;
  readonly rules: readonly CompiledRule[];
  readonly formats: DispatcherFormats;
  readonly blocked: BlacklistCheck;
  readonly tally: SelectionTally;
  readonly log: Logger;
  readonly dialogs: Pick<DialogGate, 'mayPass' | 'explain'>;
  /** Called at the end of each dialog that passes through: its call stops counting as load. */
  readonly callEnded?: (callId: string) => void;
}

/** Routes by the configured rules: the first that matches wins. */
export class RulesRouter implements Router {
  constructor(private readonly options: RulesRouterOptions) {}

  route(request: RoutedRequest): RouteDecision {
    const { message } = request;
    let loose: LooseRoute | undefined;
    if (message.routeLine >= 0 || message.toTag !== '') {
      loose = looseRoute(request, this.options.sockets);
      if (message.toTag !== '') {
        // Inside a dialog the route recorded at its start decides; no new selection is made.
        if (loose === undefined) return { kind: 'reply', code: 404, reason: 'Not here', origin: IN_DIALOG };
        const passage = this.options.dialogs.mayPass(request, loose);
        if (passage !== undefined) {
          if (message.method === 'BYE') this.options.callEnded?.(message.callId);
          return {
            kind: 'relay',
            plan: new DialogPlan(loose, message.method === 'INVITE', passage, IN_DIALOG),
          };
        }
        // The request does not prove that it belongs to a dialog: the rules decide as for any request.
      }
    }
    const scope = new RequestScope(message, request.source, request.requestUri, this.options.formats);
    const rule = this.match(scope);
    if (rule === undefined) return this.unmatched(request);
    return this.decide(rule, request, scope, loose);
  }

  /** The decision of a rule that matches; `loose`: the hop by the request's Route. */
  decide(
    rule: CompiledRule,
    request: RoutedRequest,
    scope: RequestScope,
    loose: LooseRoute | undefined,
  ): RouteDecision {
    const { message } = request;
    // A rule without a condition on the method does not apply to an OPTIONS for the proxy itself.
    if (message.method === 'OPTIONS' && !rule.rule.match.has('$rm') && this.isForProxy(request))
      return this.unmatched(request);
    if (rule.rule.relay === 'reply') {
      const { code, reason } = rule.rule.reject;
      return { kind: 'reply', code, reason, origin: rule.origin(undefined) };
    }
    const edits = loose?.edits ?? NO_EDITS;
    const unknownCancel = message.method === 'CANCEL';
    if (unknownCancel && rule.rule.select !== undefined && rule.rule.relay !== 'stateless') {
      return this.unknownCancel(rule, scope, edits);
    }
    if (rule.rule.select === undefined) {
      const { hop, edits } = loose ?? foreignRoute(request) ?? { hop: plainHop(request.requestUri), edits: NO_EDITS };
      // A CANCEL for an unknown INVITE is forwarded statelessly (RFC 3261 section 16.10).
      if (unknownCancel) return { kind: 'stateless', hop, recordRoute: false, edits };
      if (rule.rule.relay === 'stateless') {
        const origin = rule.origin(undefined);
        return { kind: 'stateless', hop, recordRoute: rule.rule.recordRoute, edits, origin };
      }
      const redirects = this.redirectsOf(rule, request);
      return { kind: 'relay', plan: new UriPlan(hop, rule.rule.recordRoute, edits, redirects, rule.origin(undefined)) };
    }
    const found = this.select(rule, scope);
    if ('kind' in found) return found;
    const { selection, context } = found;
    const { partition } = selection;
    this.options.tally.selected(partition.name);
    switch (rule.rule.relay) {
      case 'redirect':
        // Redirected and stateless requests: the end of the call is not seen, so it does not count as load.
        context.of(partition)?.call?.end();
        return this.redirect(rule, selection, context, scope);
      case 'stateless': {
        context.of(partition)?.call?.end();
        const hop = this.hop(rule, selection, context, scope);
        const origin = rule.origin(selection);
        return { kind: 'stateless', hop, recordRoute: rule.rule.recordRoute, edits, origin };
      }
      case 'stateful': {
        const first = this.firstHops(rule, selection, context, scope);
        const { engine, blocked } = this.options;
        const next = () =>
          context.next(partition) === undefined ? undefined : this.hop(rule, selection, context, scope);
        const call = context.of(partition)?.call;
        const redirects = this.redirectsOf(rule, request, first);
        const origin = rule.origin(selection);
        const plan = new RulePlan(rule, first, next, edits, engine.states, blocked, call, redirects, origin);
        return { kind: 'relay', plan };
      }
    }
  }

  routeAck(request: RoutedRequest): AckRoute | undefined {
    const { message } = request;
    const loose = looseRoute(request, this.options.sockets);
    if (loose !== undefined && this.options.dialogs.mayPass(request, loose) !== undefined) {
      return { hop: loose.hop, edits: loose.edits, inDialog: true };
    }
    // An ACK for a failure that was forwarded without state goes where its INVITE went.
    const scope = new RequestScope(message, request.source, request.requestUri, this.options.formats);
    const rule = this.match(scope);
    if (rule?.rule.relay !== 'stateless') return undefined;
    const decision = this.route(new WithoutTag(request));
    return decision.kind === 'stateless' ? { hop: decision.hop, edits: decision.edits } : undefined;
  }

  /** Says where a request is sent, and why; changes nothing. */
  explain(
    message: SipMessage,
    source: Source | undefined,
    sees: ((partition: string) => boolean) | undefined,
  ): Explanation {
    const scope = new RequestScope(message, source, message.requestUri, this.options.formats);
    return explain(scope, source, { ...this.options, sees });
  }

  /**
   * Forwards a CANCEL for an unknown INVITE statelessly (RFC 3261 section 16.10) to where a call would be sent now.
   * With an algorithm that hashes the call this is the gateway of its INVITE. The CANCEL is not counted as a call, and
   * does not change later selections.
   */
  private unknownCancel(rule: CompiledRule, scope: RequestScope, edits: readonly TextEdit[]): RouteDecision {
    for (const select of rule.rule.relay === 'redirect' ? [] : [rule.selection, ...rule.fallbacks]) {
      const selection = select(scope);
      if (typeof selection === 'string') continue;
      const hop = withoutTrace(selection, () => {
        const context = this.options.engine.context();
        const isSelected = selected(rule, selection, context, scope);
        context.of(selection.partition)?.call?.end();
        return isSelected ? this.hop(rule, selection, context, scope) : undefined;
      });
      if (hop !== undefined) return { kind: 'stateless', hop, recordRoute: false, edits };
    }
    return { kind: 'reply', code: 481, reason: reasonPhrase(481) };
  }

  /**
   * Makes the selection of a rule; when it finds nothing, the further ones in order. Returns a reply when none finds a
   * destination.
   */
  private select(
    rule: CompiledRule,
    scope: RequestScope,
  ): { readonly selection: ReadySelection; readonly context: DispatchContext } | RouteDecision {
    for (let i = -1; ; i++) {
      const fallback = i < 0 ? undefined : rule.fallbacks[i];
      const isLast = i + 1 >= rule.fallbacks.length;
      const selection = fallback === undefined ? rule.selection(scope) : fallback(scope);
      if (typeof selection === 'string') {
        if (isLast) return this.refuse(rule, scope, selection, undefined);
        continue;
      }
      const context = this.options.engine.context();
      const { partition } = selection;
      if (selected(rule, selection, context, scope)) return { selection, context };
      context.of(partition)?.call?.end();
      this.options.tally.failed(partition.name);
      if (isLast) return this.refuse(rule, scope, context.failure ?? 'nothing selected', selection);
    }
  }

  private match(scope: RequestScope): CompiledRule | undefined {
    const { rules } = this.options;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as CompiledRule;
      if (rule.matches(scope)) return rule;
    }
    return undefined;
  }

  private unmatched(request: RoutedRequest): RouteDecision {
    // An OPTIONS for the proxy itself is a peer's keep-alive (RFC 3261 section 11).
    if (request.message.method === 'OPTIONS' && this.isForProxy(request)) {
      return ownOptions(request.message);
    }
    return { kind: 'reply', code: 404, reason: reasonPhrase(404), origin: NO_RULE };
  }

  private isForProxy({ requestUri }: RoutedRequest): boolean {
    const uri = parseUri(requestUri);
    return uri !== undefined && uri.user === '' && this.options.sockets.isOurs(uri);
  }

  private refuse(
    rule: CompiledRule,
    scope: RequestScope,
    why: string,
    selection: ReadySelection | undefined,
  ): RouteDecision {
    if (this.options.log.isLevelEnabled('debug')) {
      this.options.log.debug({ rule: rule.rule.pointer, callId: scope.callId, reason: why }, 'selection failed');
    }
    const { code, reason } = rule.rule.reject;
    return { kind: 'reply', code, reason, origin: rule.origin(selection, why) };
  }

  /** A function that starts following the redirections of a request; undefined when its rule does not follow them. */
  private redirectsOf(rule: CompiledRule, request: RoutedRequest, first: readonly NextHop[] = []): RedirectsOf {
    const { follow, max } = rule.rule.redirects;
    if (!follow) return undefined;
    return () => {
      if (hasPassedHere(request.message, this.options.sockets)) return undefined;
      const tried = first.map((hop) => hop.requestUri).filter((uri) => uri !== undefined);
      return new Redirects(request.requestUri, tried, max);
    };
  }

  /** The current destination, and those tried in parallel with it (Kamailio's algorithm 12). */
  private firstHops(
    rule: CompiledRule,
    selection: ReadySelection,
    context: DispatchContext,
    scope: RequestScope,
  ): readonly NextHop[] {
    const first = this.hop(rule, selection, context, scope);
    const lists = context.of(selection.partition);
    if (lists?.branches === undefined) return [first];
    const branches = branchTargets(lists, scope.requestUri, rule.rule.select?.fn === 'domain' ? 'domain' : 'dst');
    const { partition } = selection;
    return [first, ...branches.map((each) => this.hopTo(rule, scope, partition, each.destination, each.requestUri))];
  }

  /** The current destination as a next hop. */
  private hop(rule: CompiledRule, selection: ReadySelection, context: DispatchContext, scope: RequestScope): NextHop {
    const { partition } = selection;
    const rewritten = rule.rule.select?.fn === 'domain';
    return this.hopTo(
      rule,
      scope,
      partition,
      context.current(partition) as Destination,
      rewritten ? context.rewriteRequestUri(partition, scope.requestUri) : undefined,
    );
  }

  private hopTo(
    rule: CompiledRule,
    scope: RequestScope,
    partition: Partition,
    destination: Destination,
    requestUri: string | undefined,
  ): NextHop {
    const { changes } = rule;
    const socket = sendingSocket(destination, partition.flavour, this.options.sockets);
    const to = { uri: destination.dialUri, address: literalAddress(destination) };
    const { uri, address } = dialled(to, requestUri, socket);
    return {
      uri,
      requestUri: changes === undefined ? requestUri : changedUri(changes, scope, destination, requestUri),
      address,
      socket,
      flow: undefined,
      destination,
      dialogTags: undefined,
      edits: changes?.edits(scope.message, destination),
      maxForwards: undefined,
    };
  }

  /** A 302 with all candidates in order (RFC 3261 section 8.3; q values: section 20.10). */
  private redirect(
    rule: CompiledRule,
    selection: ReadySelection,
    context: DispatchContext,
    scope: RequestScope,
  ): RouteDecision {
    const { partition } = selection;
    const contacts: string[] = [];
    let destination = context.current(partition);
    const limit = Math.min(rule.rule.failover.max ?? MAX_CONTACTS, MAX_CONTACTS);
    while (destination !== undefined && contacts.length < limit) {
      const uri = partition.flavour.requestUris().rewrite(scope.requestUri, destination);
      if (uri !== undefined) contacts.push(rule.changes?.requestUri(uri, destination) ?? uri);
      destination = context.next(partition);
    }
    const step = 1 / (contacts.length + 1);
    const headers = contacts.map((uri, i) => `Contact: <${uri}>;q=${(1 - i * step).toFixed(3)}\r\n`).join('');
    return { kind: 'reply', code: 302, reason: reasonPhrase(302), headers };
  }
}

/** The reply to an OPTIONS for the proxy itself (RFC 3261 section 11.2). The proxy supports the extension Path only. */
function ownOptions(message: RoutedRequest['message']): RouteDecision {
  const required = message.headers('require').flatMap((value) => value.split(','));
  const unknown = required.map((tag) => trimmed(tag)).filter((tag) => tag !== '' && tag.toLowerCase() !== 'path');
  if (unknown.length > 0) {
    return { kind: 'reply', code: 420, reason: reasonPhrase(420), headers: `Unsupported: ${unknown.join(', ')}\r\n` };
  }
  return { kind: 'reply', code: 200, reason: 'OK', headers: `Accept: */*\r\nAllow: ${METHODS}\r\nSupported: path\r\n` };
}

/** Value of Allow: all methods that RFCs define are relayed. */
const METHODS =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH';

/** The request-URI for a hop; undefined leaves the received one as it is, byte for byte. */
function changedUri(
  changes: CompiledChanges,
  scope: RequestScope,
  destination: Destination,
  rewritten: string | undefined,
): string | undefined {
  const before = rewritten ?? scope.requestUri;
  const after = changes.requestUri(before, destination);
  return after === before ? rewritten : after;
}

const NO_EDITS = [] as const;
const IN_DIALOG: RouteOrigin = { rule: 'dialog' };
const NO_RULE: RouteOrigin = { rule: '', failure: 'no rule matched' };
/** Maximum number of Contacts in a redirection: the reply must fit a datagram. */
const MAX_CONTACTS = 20;

/** The request as if it began a dialog: without its To tag. */
class WithoutTag implements RoutedRequest {
  readonly message: RoutedRequest['message'];
  readonly source: RoutedRequest['source'];
  readonly requestUri: string;

  constructor(private readonly request: RoutedRequest) {
    this.message = Object.create(request.message, { toTag: { value: '' } }) as RoutedRequest['message'];
    this.source = request.source;
    this.requestUri = request.requestUri;
  }

  transaction() {
    return this.request.transaction();
  }
}

/** Makes a selection; returns whether it found a destination. */
function selected(
  rule: CompiledRule,
  { partition, routes, targets }: ReadySelection,
  context: DispatchContext,
  scope: RequestScope,
): boolean {
  const rewritten = rule.rule.select?.fn === 'domain' ? 'request-uri' : undefined;
  const verdict =
    routes === undefined
      ? context.select(partition, targets, scope)
      : context.selectRoutes(partition, routes, scope, rewritten);
  return verdict === 'selected';
}
