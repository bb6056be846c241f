import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Followed, LocalReply, NextHop, RoutedRequest } from '../../proxy/decision.js';
import type { PvarScope } from '../../pvar/context.js';
import { reasonPhrase } from '../../sip/reply.js';
import { type Dialled, dialled } from '../dialled.js';
import type { DispatcherCall } from '../dispatcher/call.js';
import { SelectionRecords } from '../dispatcher/selection-records.js';
import { Selections } from '../dispatcher/selections.js';
import type { ExtraTarget } from '../dispatcher/site.js';
import { RequestScope } from '../request-scope.js';
import { type LooseRoute, looseRoute } from '../rules/dialog.js';
import { literalAddress } from '../rules/literal-address.js';
import { Redirects } from '../rules/redirects.js';
import { noteAddress, type SecureAddresses } from '../secure-addresses.js';
import type { RouteScriptEnvironment } from './environment.js';
import { HeaderEdits } from './header-edits.js';
import type { LoadedScript } from './route-table.js';
import { type ScriptBranch, ScriptBranches } from './script-branches.js';

/** Names of the routes that t_on_failure() and similar functions have set. */
export interface ArmedRouteNames {
  failure: string | undefined;
  branch: string | undefined;
  reply: string | undefined;
}

/**
 * Maximum number of hops that one request may be relayed to, in all its failure routes; ends a script that relays in a
 * loop.
 */
const MAX_HOPS = 256;

/** Everything that one request and its routes share, from the request route to the last reply. */
export class ScriptCall implements DispatcherCall {
  readonly scope: RequestScope;
  readonly pvars: PvarScope;
  readonly dispatch: DispatchContext;
  readonly selections: Selections = new Selections(this);
  readonly armed: ArmedRouteNames = { failure: undefined, branch: undefined, reply: undefined };
  /** Black lists set by use_blacklist. */
  readonly blacklists: string[] = [];
  /** Hops that t_relay has chosen and that have not been tried yet; all of them are tried in parallel. */
  readonly hops: NextHop[] = [];
  /** Branches that the next t_relay sends to in addition. */
  readonly branches = new ScriptBranches();
  headers: HeaderEdits;
  recordRoute = false;
  /** Max-Forwards for a request without one. */
  maxForwards: number | undefined;
  reply: LocalReply | undefined;
  /** Header lines for replies generated here. */
  replyHeaders = '';
  stateless = false;
  /** The redirections that a failure route follows. */
  followed: Followed | undefined;
  cancelled = false;
  private redirections: Redirects | undefined;
  private relays = 0;
  private loose: LooseRoute | undefined;
  /** $du at the first failure. */
  private firstNextHop: { readonly uri: string | undefined } | undefined;
  /** The branch for which a branch route runs. */
  private branch: ScriptBranch | undefined;
  /**
   * Request-URIs into which a selection wrote an IP address, so that the text no longer shows that the destination
   * needs TLS.
   */
  private secureAddresses: SecureAddresses | undefined = undefined;

  constructor(
    readonly env: RouteScriptEnvironment,
    readonly script: LoadedScript,
    readonly request: RoutedRequest,
  ) {
    const { message, source, requestUri } = request;
    this.scope = new RequestScope(message, source, requestUri, env.formats);
    this.pvars = this.scope.pvars;
    this.pvars.clock = env.clock;
    this.pvars.branches = this.branches;
    this.pvars.records = new SelectionRecords(() => {
      const last = this.selections.lastKamailio;
      return last === undefined ? undefined : this.dispatch.of(last);
    });
    this.dispatch = env.engine.context();
    this.headers = new HeaderEdits(message);
  }

  /** The Call-ID of the request. */
  get callId(): string {
    return this.request.message.callId;
  }

  /** Removes our Route values. False when the request does not follow a route recorded here. */
  looseRoute(): boolean {
    if (this.loose !== undefined) return true;
    const loose = looseRoute(this.request, this.env.sockets);
    if (loose === undefined) return false;
    const { dialogs } = this.env;
    if (
      dialogs !== undefined &&
      this.request.message.toTag !== '' &&
      dialogs.mayPass(this.request, loose) === undefined
    ) {
      return false;
    }
    this.loose = loose;
    this.headers.include(loose.edits);
    const { hop } = loose;
    if (hop.requestUri !== undefined) this.pvars.setRequestUri(hop.requestUri);
    if (hop.uri !== this.scope.requestUri) this.pvars.destinationUri = hop.uri;
    if (hop.socket !== undefined) this.pvars.sendSocket = hop.socket.description;
    return true;
  }

  get view(): RequestScope {
    return this.scope;
  }

  get requestUri(): string {
    return this.scope.requestUri;
  }

  get replyCode(): number | undefined {
    return this.pvars.replyCode;
  }

  sendTo(uri: string): void {
    this.pvars.destinationUri = uri;
  }

  sendFrom(socket: string | undefined): void {
    this.pvars.sendSocket = socket;
  }

  leadsTo(requestUri: string, dialUri: string): void {
    this.secureAddresses = noteAddress(this.secureAddresses, requestUri, dialUri);
  }

  addTarget(target: ExtraTarget): boolean {
    return this.branches.add({ ...target, q: '' }) === undefined;
  }

  /** The request has its final status: its call stops counting as load, or counts until its dialog ends. */
  ended(code: number): void {
    this.selections.ended(code, this.cancelled);
  }

  /** Targets in the redirections of this request; URIs tried before are left out. */
  get redirects(): Redirects {
    return (this.redirections ??= new Redirects(this.request.requestUri, [this.scope.requestUri], MAX_HOPS));
  }

  /** Makes a URI of a redirection the target. */
  redirectTo(uri: string): void {
    const { pvars } = this;
    pvars.setRequestUri(uri);
    pvars.destinationUri = undefined;
    this.selections.abandon();
  }

  /**
   * $du at the start of a failure route: the value the request route left, where the flavour keeps it; otherwise
   * undefined.
   */
  get nextHopOfRequest(): string | undefined {
    const keeps = this.selections.used.some(({ flavour }) => flavour.keepsNextHop);
    if (!keeps) return undefined;
    this.firstNextHop ??= { uri: this.pvars.destinationUri };
    return this.firstNextHop.uri;
  }

  /** The next destination of the last selection, as a next hop. */
  following(): NextHop | undefined {
    return this.selections.following() ? this.nextHop() : undefined;
  }

  /** Whether the target (in $du or the request-URI) is a SIP URI, and fewer than MAX_HOPS hops were tried. */
  get relayable(): boolean {
    return /^sips?:/i.test(this.target) && this.relays < MAX_HOPS;
  }

  /** The next hop for the current $du or request-URI, with the header edits made so far. */
  nextHop(): NextHop {
    this.relays++;
    const { pvars, env, target: uri } = this;
    const requestUri = this.scope.requestUri;
    const destination = this.destination;
    let socket = pvars.sendSocket === undefined ? undefined : env.sockets.named(pvars.sendSocket);
    if (pvars.sendSocket !== undefined && socket === undefined) {
      const message = `no socket "${pvars.sendSocket}" to send from: another one is used`;
      env.faults.write('warn', 'socket', { callId: this.callId }, message);
      socket = undefined;
    }
    const flow = this.loose?.hop.uri === uri ? this.loose.hop.flow : undefined;
    const known = destination === undefined ? undefined : literalAddress(destination);
    let to: Dialled = { uri, address: known };
    if (destination !== undefined) to = dialled(to, uri, socket);
    const secure = pvars.destinationUri === undefined ? this.secureAddresses?.instead(to.uri) : undefined;
    if (secure !== undefined) to = dialled(to, `sip:_;transport=${secure}`, undefined);
    return {
      uri: to.uri,
      requestUri: requestUri === this.request.message.requestUri ? undefined : requestUri,
      address: to.address,
      socket,
      destination,
      edits: this.headers.list,
      maxForwards: this.maxForwards,
      ...(flow === undefined ? {} : { flow }),
    };
  }

  /** Calls `run` with $du, the request-URI and $fs set to those of a branch. */
  on<T>(branch: ScriptBranch, run: () => T): T {
    const { pvars, scope } = this;
    const { destinationUri, sendSocket } = pvars;
    const { requestUri } = scope;
    pvars.destinationUri = branch.destinationUri;
    pvars.sendSocket = branch.sendSocket;
    if (branch.requestUri !== requestUri) pvars.setRequestUri(branch.requestUri);
    this.branch = branch;
    try {
      return run();
    } finally {
      this.branch = undefined;
      pvars.destinationUri = destinationUri;
      pvars.sendSocket = sendSocket;
      if (scope.requestUri !== requestUri) pvars.setRequestUri(requestUri);
    }
  }

  /** The destination that the current $du or request-URI stands for; undefined when no selection wrote it. */
  get destination(): Destination | undefined {
    const { pvars, branch, target } = this;
    if (branch !== undefined) {
      return target === (branch.destinationUri ?? branch.requestUri) ? branch.destination : undefined;
    }
    return this.selections.destinationOf(target, pvars.destinationUri !== undefined);
  }

  /** Sets the reply to the request, unless it has one or was relayed. */
  answer(code: number, reason: string): boolean {
    if (this.reply !== undefined || this.hops.length > 0 || this.stateless) return false;
    this.reply = { code, reason: reason === '' ? reasonPhrase(code) : reason, headers: this.replyHeaders };
    return true;
  }

  private get target(): string {
    return this.pvars.destinationUri ?? this.scope.requestUri;
  }
}
