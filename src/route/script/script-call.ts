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

/** The routes a script asked to be called. */
export interface ArmedRouteNames {
  failure: string | undefined;
  branch: string | undefined;
  reply: string | undefined;
}

/** Hops one request may be relayed to, over all its failure routes: this ends a script that relays in a loop. */
const MOST_HOPS = 256;

/** All that one request and its routes have in common, from the request route to the last reply. */
export class ScriptCall implements DispatcherCall {
  readonly scope: RequestScope;
  readonly pvars: PvarScope;
  readonly dispatch: DispatchContext;
  readonly selections: Selections = new Selections(this);
  readonly armed: ArmedRouteNames = { failure: undefined, branch: undefined, reply: undefined };
  /** Lists of use_blacklist. */
  readonly blacklists: string[] = [];
  /** Hops t_relay chose that have not been tried: they will be, all at once. */
  readonly hops: NextHop[] = [];
  /** What the next t_relay sends to besides. */
  readonly branches = new ScriptBranches();
  headers: HeaderEdits;
  recordRoute = false;
  /** Max-Forwards for a request without one. */
  maxForwards: number | undefined;
  reply: LocalReply | undefined;
  /** Lines for the replies of our own. */
  replyHeaders = '';
  stateless = false;
  /** What a failure route did with the redirections it was called about. */
  followed: Followed | undefined;
  cancelled = false;
  private redirections: Redirects | undefined;
  private relays = 0;
  private loose: LooseRoute | undefined;
  /** $du when the first failure came. */
  private firstNextHop: { readonly uri: string | undefined } | undefined;
  /** The branch that a branch route is run for. */
  private branch: ScriptBranch | undefined;
  /** Of selections that wrote an address into the request-URI, whose text does not show that only TLS leads there. */
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

  /** Takes our Route values out. False when the request does not come along a route we recorded. */
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

  /** The request has its final code: its call counts as load no longer, or until its dialog ends. */
  ended(code: number): void {
    this.selections.ended(code, this.cancelled);
  }

  /** Where redirections of this request lead; the URIs tried so far do not count. */
  get redirects(): Redirects {
    return (this.redirections ??= new Redirects(this.request.requestUri, [this.scope.requestUri], MOST_HOPS));
  }

  /** Makes a URI that a redirection named the target. */
  redirectTo(uri: string): void {
    const { pvars } = this;
    pvars.setRequestUri(uri);
    pvars.destinationUri = undefined;
    this.selections.abandon();
  }

  /** $du as failure routes begin with it: what the request route left where the flavour keeps it, else nothing. */
  get nextHopOfRequest(): string | undefined {
    const keeps = this.selections.used.some(({ flavour }) => flavour.keepsNextHop);
    if (!keeps) return undefined;
    this.firstNextHop ??= { uri: this.pvars.destinationUri };
    return this.firstNextHop.uri;
  }

  /** The next destination of the selection made last, as a next hop. */
  following(): NextHop | undefined {
    return this.selections.following() ? this.nextHop() : undefined;
  }

  /** Whether the target $du or the request-URI names can be relayed to, and MOST_HOPS is not reached. */
  get relayable(): boolean {
    return /^sips?:/i.test(this.target) && this.relays < MOST_HOPS;
  }

  /** The next hop that $du, or the request-URI, names at present, with the header edits made so far. */
  nextHop(): NextHop {
    this.relays++;
    const { pvars, env, target: uri } = this;
    const requestUri = this.scope.requestUri;
    const destination = this.destination;
    let socket = pvars.sendSocket === undefined ? undefined : env.sockets.named(pvars.sendSocket);
    if (pvars.sendSocket !== undefined && socket === undefined) {
      const message = `no socket "${pvars.sendSocket}" to send from: another one is chosen`;
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

  /** Calls `run` with a branch in place of what $du, the request-URI and $fs say. */
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

  /** The destination that $du or the request-URI stands for as it is; undefined for one that no selection put there. */
  get destination(): Destination | undefined {
    const { pvars, branch, target } = this;
    if (branch !== undefined) {
      return target === (branch.destinationUri ?? branch.requestUri) ? branch.destination : undefined;
    }
    return this.selections.destinationOf(target, pvars.destinationUri !== undefined);
  }

  /** Answers here, unless that was done or the request was relayed. */
  answer(code: number, reason: string): boolean {
    if (this.reply !== undefined || this.hops.length > 0 || this.stateless) return false;
    this.reply = { code, reason: reason === '' ? reasonPhrase(code) : reason, headers: this.replyHeaders };
    return true;
  }

  private get target(): string {
    return this.pvars.destinationUri ?? this.scope.requestUri;
  }
}
