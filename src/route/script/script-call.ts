import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import { branchTargets } from '../../engine/kamailio/branches.js';
import { MOST_BRANCHES } from '../../engine/kamailio/choose.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import type { Partition } from '../../engine/partition.js';
import type { Followed, LocalReply, NextHop, RoutedRequest } from '../../proxy/decision.js';
import type { PvarScope } from '../../pvar/context.js';
import { reasonPhrase } from '../../sip/reply.js';
import { dialled } from '../dialled.js';
import { RequestScope } from '../request-scope.js';
import { type LooseRoute, looseRoute } from '../rules/dialog.js';
import { literalAddress } from '../rules/literal-address.js';
import { Redirects } from '../rules/redirects.js';
import { sendingSocket } from '../sending-socket.js';
import type { ScriptEnvironment } from './environment.js';
import { HeaderEdits } from './header-edits.js';
import type { LoadedScript } from './load.js';
import { type ScriptBranch, ScriptBranches } from './script-branches.js';
import { SelectionRecords } from './selection-records.js';

/** The routes a script asked to be called. */
export interface ArmedRoutes {
  failure: string | undefined;
  branch: string | undefined;
  reply: string | undefined;
}

/** What was selected last: what goes into $du or the request-URI. */
interface Selected {
  readonly partition: Partition;
  readonly mode: 'dst' | 'domain';
  readonly uri: string;
}

/** Hops one request may be relayed to, over all its failure routes: this ends a script that relays in a loop. */
const MOST_HOPS = 256;

/** All that one request and its routes have in common, from the request route to the last reply. */
export class ScriptCall {
  readonly scope: RequestScope;
  readonly pvars: PvarScope;
  readonly dispatch: DispatchContext;
  readonly armed: ArmedRoutes = { failure: undefined, branch: undefined, reply: undefined };
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
  private selected: Selected | undefined;
  /** $fs was set by a selection, not by the script. */
  private socketSelected = false;
  /** $du when the first failure came. */
  private firstNextHop: { readonly uri: string | undefined } | undefined;
  private registered: Partition[] | undefined;
  /** The branch at work. */
  private branch: ScriptBranch | undefined;

  constructor(
    readonly env: ScriptEnvironment,
    readonly script: LoadedScript,
    readonly request: RoutedRequest,
  ) {
    const { message, source, requestUri } = request;
    this.scope = new RequestScope(message, source, requestUri, env.formats);
    this.pvars = this.scope.pvars;
    this.pvars.clock = env.clock;
    this.pvars.branches = this.branches;
    this.pvars.records = new SelectionRecords(() => {
      const last = this.registered?.findLast((each) => kamailioOf(each) !== undefined);
      return last === undefined ? undefined : this.dispatch.of(last);
    });
    this.dispatch = env.engine.context();
    this.headers = new HeaderEdits(message);
  }

  get callId(): string {
    return this.request.message.callId;
  }

  /** Takes our Route values out. False when the request does not come along a route we recorded. */
  looseRoute(): boolean {
    if (this.loose !== undefined) return true;
    const loose = looseRoute(this.request, this.env.sockets);
    if (loose === undefined) return false;
    this.loose = loose;
    this.headers.include(loose.edits);
    const { hop } = loose;
    if (hop.requestUri !== undefined) this.pvars.setRequestUri(hop.requestUri);
    if (hop.uri !== this.scope.requestUri) this.pvars.destinationUri = hop.uri;
    if (hop.socket !== undefined) this.pvars.sendSocket = hop.socket.description;
    return true;
  }

  /**
   * Writes the destination in use of a partition into $du or the request-URI. False when that cannot be rewritten.
   * `isSelection`: it was selected now, not taken from a list.
   */
  use(partition: Partition, mode: 'dst' | 'domain', isSelection = false): boolean {
    const destination = this.dispatch.current(partition);
    if (destination === undefined) return false;
    const { pvars } = this;
    this.registerAvps(partition);
    let uri: string | undefined = destination.dialUri;
    if (mode === 'dst') pvars.destinationUri = uri;
    else {
      uri = this.dispatch.rewriteRequestUri(partition, this.scope.requestUri);
      if (uri === undefined) return false;
      pvars.setRequestUri(uri);
    }
    this.selected = { partition, mode, uri };
    const socket =
      kamailioOf(partition) === undefined
        ? (this.dispatch.of(partition)?.socket ?? '')
        : (sendingSocket(destination, partition.flavour, this.env.sockets)?.description ?? '');
    const keepsSocket = isSelection && partition.flavour.leavesOlderSelection;
    if (socket !== '' || (this.socketSelected && !keepsSocket)) {
      pvars.sendSocket = socket === '' ? undefined : socket;
      this.socketSelected = socket !== '';
    }
    const attrs = this.env.scriptAttrsAvp(partition.name);
    if (attrs !== undefined) pvars.avps.replace(attrs, [destination.health.scriptAttrs ?? '']);
    return true;
  }

  /** Shows the list of a selection that is not used yet. */
  keep(partition: Partition): void {
    this.registerAvps(partition);
  }

  /** Adds the parallel targets of a selection as branches; with mode list its first as well. False when not all fit. */
  addParallel(partition: Partition, mode: 'dst' | 'domain' | 'list'): boolean {
    const lists = this.dispatch.of(partition);
    if (lists?.branches === undefined || lists.current === undefined) return true;
    const { requestUri } = this.scope;
    const ofFirst = lists.branches[0]?.setId === lists.current.setId || lists.branches.length === 0;
    const all = mode === 'list' && ofFirst ? [lists.current, ...lists.branches] : lists.branches;
    let fit = all.length <= MOST_BRANCHES;
    for (const { destination, requestUri: uri, byNextHop } of branchTargets(
      lists,
      requestUri,
      mode === 'domain' ? 'domain' : 'dst',
      all,
    )) {
      const problem = this.branches.add({
        requestUri: uri ?? requestUri,
        destinationUri: byNextHop ? destination.dialUri : undefined,
        sendSocket: sendingSocket(destination, partition.flavour, this.env.sockets)?.description,
        q: '',
        destination,
      });
      if (problem !== undefined) fit = false;
    }
    return fit;
  }

  /** The request came to its end: by default its call counts no longer, or for as long as its dialog lasts. */
  ended(code: number): void {
    for (const partition of this.registered ?? []) {
      const call = this.dispatch.of(partition)?.call;
      // In a strict partition the script sees to that (ds_load_update, ds_load_unset); but a CANCEL it does not see.
      if (call === undefined || (partition.options.compat === 'strict' && !this.cancelled)) continue;
      if (code >= 200 && code < 300) call.confirm();
      else call.end();
    }
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
    if (this.socketSelected) pvars.sendSocket = undefined;
    this.socketSelected = false;
    this.selected = undefined;
  }

  /** $du as failure routes begin with it: what the request route left where the flavour keeps it, else nothing. */
  get nextHopOfRequest(): string | undefined {
    const keeps = this.registered?.some(({ flavour }) => flavour.keepsNextHop) === true;
    if (!keeps) return undefined;
    this.firstNextHop ??= { uri: this.pvars.destinationUri };
    return this.firstNextHop.uri;
  }

  /** Goes on to the next destination of a partition, or of the one selected in last. */
  next(partition: Partition, mode: 'dst' | 'domain'): boolean {
    this.registerAvps(partition);
    return this.dispatch.next(partition) !== undefined && this.use(partition, mode);
  }

  /** The next destination of the selection made last, as a next hop. */
  following(): NextHop | undefined {
    const { selected } = this;
    return selected !== undefined && this.next(selected.partition, selected.mode) ? this.nextHop() : undefined;
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
    const to = destination === undefined ? { uri, address: known } : dialled({ uri, address: known }, uri, socket);
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
    const { pvars, selected, branch, target } = this;
    if (branch !== undefined) {
      return target === (branch.destinationUri ?? branch.requestUri) ? branch.destination : undefined;
    }
    return selected?.uri === target && (selected.mode === 'dst') === (pvars.destinationUri !== undefined)
      ? this.dispatch.current(selected.partition)
      : undefined;
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

  /** From the first touch on, a partition's AVPs show its failover lists; what a script wrote before goes into them. */
  private registerAvps(partition: Partition): void {
    const known = this.registered;
    if (known?.[known.length - 1] === partition) return;
    const fresh = known?.includes(partition) !== true;
    this.registered = [...(known ?? []).filter((each) => each !== partition), partition];
    const { avps } = this.pvars;
    const used = this.dispatch.current(partition) !== undefined;
    for (const avp of this.dispatch.open(partition).avps()) {
      const before = fresh && !used ? avps.all(avp.name) : [];
      avps.registerVirtual(avp.name, avp);
      if (before.length > 0) avp.set(before);
    }
  }
}
