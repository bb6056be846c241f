import type { Position, RouteKind } from '../cfg/ast.js';
import { type Resumption, ScriptRun } from '../cfg/runtime.js';
import type { TransportName } from '../core/uri.js';
import type { DispatchContext } from '../engine/dispatch-context.js';
import { AvpStore } from '../pvar/avp-store.js';
import { PvarScope, type PvarValue } from '../pvar/context.js';
import { VarStore } from '../pvar/var-store.js';
import type { DispatcherCall, DispatcherCallSite } from '../route/dispatcher/call.js';
import { SelectionRecords } from '../route/dispatcher/selection-records.js';
import { Selections } from '../route/dispatcher/selections.js';
import type { ExtraTarget } from '../route/dispatcher/site.js';
import type { MessageSite } from '../route/functions/site.js';
import { RequestScope } from '../route/request-scope.js';
import { noteAddress, type SecureAddresses } from '../route/secure-addresses.js';
import type { FieldSpan, SipMessage } from '../sip/message.js';
import type { ViaMarking } from '../sip/reply.js';
import type { KnownRequest } from '../sip/transaction/user.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { addressEdit } from './address-parts.js';
import { applied, MessageEdits } from './edits.js';
import type { DialogPassage, ScriptEnvironment } from './environment.js';
import { fieldsOf } from './header-fields.js';
import type { Hiding } from './hiding.js';
import { isOurs } from './ours.js';
import { addBranch, type RequestBranch } from './request-branches.js';
import {
  type BranchState,
  type MessageStep,
  type RelayFault,
  sourceOfReplies,
  type TransactionState,
} from './state.js';

/** What variables of a cfg file are evaluated on: the message that a route handles, and the call it belongs to. */
export class CfgScope extends PvarScope {
  call: Call | undefined = undefined;
  /** Whether the request-URI or $du was written since the last t_relay(), so that a failure route has a new target. */
  private uriChanged = true;
  /** $T_reply_code and $T_reply_reason: status of the chosen branch, while the route handles the request. */
  txCode: number | undefined = undefined;
  txReason: string | undefined = undefined;
  /** The defect of the message, in an error route. */
  fault:
    | { readonly class: number; readonly level: number; readonly code: number; readonly reason: string }
    | undefined = undefined;
  /** The route execution under way. */
  run: MessageRun | undefined = undefined;
  /** Number of routes over this message that wait for something asynchronous. */
  private waiting = 0;
  /** The process-wide $var, while waiting routes use a copy. */
  private varsOutside: VarStore;
  /** The $var to use once no route waits any more, if they are different ones. */
  private varsAfter: VarStore | undefined = undefined;

  constructor(
    readonly env: ScriptEnvironment,
    message: SipMessage,
    readonly source: Source | undefined,
    private readonly stack: AvpStore,
  ) {
    super(message);
    if (source !== undefined) {
      this.sourceAddress = source.address;
      this.sourcePort = source.port;
      this.receivedAddress = source.socket.address;
      this.receivedPort = source.socket.port;
      this.protocol = source.socket.transport;
    }
    this.clock = env.clock;
    this.routes = [];
    this.varsOutside = env.vars;
    this.shareVars(env.vars, env.shared);
    this.lookUpStatistic = env.formats.statistic;
  }

  /** The message was not received: variables of its source and of the receiving socket are empty. */
  withoutSource(): void {
    this.sourceAddress = '';
    this.sourcePort = 0;
    this.receivedAddress = '';
    this.receivedPort = 0;
    this.protocol = 'none';
  }

  /**
   * A route begins to wait. Until it ends, it reads and writes a copy of $var: other messages are handled meanwhile,
   * while in the originals a process handles one message at a time.
   */
  holdVars(): void {
    if (this.waiting++ > 0) return;
    this.varsOutside = this.vars;
    this.shareVars(new VarStore(this.vars.entries()));
  }

  /**
   * A route that waited has ended. After the last one, $var takes the values of the copy, so that the next message
   * finds them.
   */
  releaseVars(): void {
    if (--this.waiting > 0) return;
    this.varsOutside.take(this.vars);
    this.shareVars(this.varsAfter ?? this.varsOutside);
    this.varsAfter = undefined;
  }

  /**
   * A scope for what launch() runs beside this route: with the same message, AVPs and $shv. Its request-URI, $du, $rc,
   * parameters and $var begin with the values of this scope and are independent of it.
   */
  beside(): CfgScope {
    const other: CfgScope = Object.assign(Object.create(CfgScope.prototype), this);
    other.waiting = 0;
    other.varsAfter = undefined;
    other.shareVars(new VarStore(this.vars.entries()));
    return other;
  }

  /** The request as it was received, for the time in which one variable is read: without a written URI or $du. */
  asReceived(): CfgScope {
    const received: CfgScope = Object.assign(Object.create(CfgScope.prototype), this);
    received.forgetTarget();
    return received;
  }

  /** Calls `act`, which runs routes, with the $var of another process until these routes end. */
  withVars(vars: VarStore, act: () => void): void {
    if (this.waiting > 0) {
      act();
      return;
    }
    const { vars: before } = this;
    this.shareVars(vars);
    act();
    if (this.waiting > 0) this.varsAfter = before;
    else this.shareVars(before);
  }

  /** Whether the request has a new target since the last t_relay(). */
  get changed(): boolean {
    return this.uriChanged || this.destinationWritten;
  }

  set changed(value: boolean) {
    this.uriChanged = value;
    this.destinationWritten = value;
  }

  override setRequestUri(uri: string): void {
    // As recorded, a reply has no request-URI that could be written.
    if (!this.message.isRequest && this.env.dialect === 'opensips') return;
    this.uriChanged = true;
    super.setRequestUri(uri);
  }

  /** State of a sharing tag: "tag", or "tag/cluster" as OpenSIPS names it. */
  override sharingTag(name: string): 'active' | 'backup' | undefined {
    return this.env.services.sharingTag(name);
  }

  /**
   * Edits a part of From or To. As in the originals, each part is a separate edit of the received field and is applied
   * when the message is sent.
   */
  editAddress(header: 'from' | 'to', part: 'uri' | 'user' | 'domain' | 'display', value: PvarValue): void {
    const { run } = this;
    if (run === undefined) return;
    const { message } = run;
    const [start, end] = header === 'from' ? [message.fromValue, message.fromEnd] : [message.toValue, message.toEnd];
    if (start < 0) return;
    const edit = addressEdit(message.text.slice(start, end), part, value, this.env.dialect === 'kamailio');
    if (edit !== undefined) run.edits.replace(start + edit.start, start + edit.end, edit.text);
  }

  /** The AVPs of the transaction, or those that a reply has (onreply_avp_mode). */
  override get avps(): AvpStore {
    return this.stack;
  }

  get sdp(): string | undefined {
    const { run } = this;
    if (run === undefined || run.edits.empty) return undefined;
    const { message, edits } = run;
    const changes = edits.within(message.bodyStart, message.bodyEnd);
    return changes.length === 0
      ? undefined
      : applied(message.text.slice(0, message.bodyEnd), message.bodyStart, changes);
  }

  editSdp(start: number, end: number, text: string): void {
    const { run } = this;
    if (run === undefined) return;
    const { message, edits } = run;
    const { sdp } = this;
    if (sdp === undefined) {
      edits.replace(message.bodyStart + start, message.bodyStart + end, text);
      return;
    }
    // Offsets in a changed text are not those in the message any more.
    edits.drop((edit) => edit.start >= message.bodyStart && edit.end <= message.bodyEnd);
    edits.replace(message.bodyStart, message.bodyEnd, sdp.slice(0, start) + text + sdp.slice(end));
  }

  /**
   * The scope of $(…<request>) or $(…<reply>): in a failure route the chosen reply, in a reply route the request, else
   * the current message.
   */
  contextOf(which: 'request' | 'reply'): CfgScope | undefined {
    const { run } = this;
    const ofReply = run?.routeKind === 'onreply';
    if (which === 'request') return ofReply ? this.call?.scope : this;
    if (ofReply) return this;
    const failed = run?.routeKind === 'failure' || run?.routeKind === 'branch-failure';
    const branch = failed ? run.branch : undefined;
    const reply = branch?.reply;
    if (run === undefined || branch === undefined || reply === undefined) return undefined;
    const scope = new CfgScope(this.env, reply, sourceOfReplies(branch, run.call.source), this.stack);
    scope.replyCode = reply.status;
    scope.replyReason = reply.reason;
    return scope;
  }
}

/** Names of the routes that t_on_failure() and similar functions have set. */
export interface ArmedRoutes {
  failure: string | undefined;
  branch: string | undefined;
  reply: string | undefined;
  branchFailure: string | undefined;
}

/** Arguments of record_route(). The lines are written when the socket is known from which the request is sent. */
export interface RecordRouting {
  readonly params: string;
  /** Values written without change (record_route_preset); undefined: none. */
  readonly preset: readonly string[] | undefined;
  /** "host:port" in place of the sockets' own (record_route_advertised_address). */
  readonly advertised: string | undefined;
  /** Whether the URI has the scheme sips. */
  readonly sips: boolean;
  /** User of the URI; undefined for that of the request-URI, if there is to be one at all. */
  readonly user: string | undefined;
  /** Whether the preset address is that of record_route_advertised_address() of Kamailio. */
  readonly alone: boolean;
}

/** A request as the engine sees it; its variables are those of the script. */
class CallView extends RequestScope {
  constructor(private readonly call: Call) {
    super(call.message, call.source, call.requestUri, call.env.formats);
  }

  override get pvars(): PvarScope {
    return this.call.scope;
  }
}

/** One request, and everything that its routes share from the request route to the last failure route. */
export class Call implements DispatcherCall {
  readonly scope: CfgScope;
  edits = new MessageEdits();
  /** Message flags, as bits. */
  flags = 0;
  /** Flags of the first branch. */
  branchFlags = 0;
  /** Message flags when the request was relayed, which failure routes see. */
  frozenFlags = 0;
  armed: ArmedRoutes = { failure: undefined, branch: undefined, reply: undefined, branchFailure: undefined };
  /** Branches that the next t_relay() sends in addition to the request-URI. */
  branches: RequestBranch[] = [];
  /** Header lines for replies generated here (append_to_reply). */
  replyLines = '';
  /** The same when the transaction was created: what its later replies have. */
  frozenReplyLines = '';
  /** The added branches of the last t_relay(). */
  takenBranches: RequestBranch[] = [];
  replyBody = '';
  transaction: TransactionState | undefined = undefined;
  recordRouting: RecordRouting[] = [];
  /**
   * Of a record_route() in Kamailio's request route after a t_relay(): for the next t_relay() there, while failure
   * routes do not see it.
   */
  laterRouting: RecordRouting[] | undefined = undefined;
  /** Parameters given to add_rr_param(). */
  rrParams = '';
  sendSocket: SipSocket | undefined = undefined;
  /** Socket of the selected destination. Its transport is used, whatever the URI says. */
  selectedSocket: SipSocket | undefined = undefined;
  /**
   * Request-URIs into which a selection wrote an IP address, so that the text no longer shows that the destination
   * needs TLS.
   */
  secureAddresses: SecureAddresses | undefined = undefined;
  /** What topology_hiding() hides from the other side. */
  hiding: Hiding | undefined = undefined;
  /** Host and port in our Via in place of the socket's (set_advertised_address). */
  advertisedHost: string | undefined = undefined;
  advertisedPort: string | undefined = undefined;
  /** Whether this proxy generated the request. It is sent when the route for local requests has ended. */
  own = false;
  /** Whether replies to the relayed request are not forwarded (t_replicate). */
  replicates = false;
  /** Header lines of the CANCEL requests that a received CANCEL causes; undefined for the usual ones. */
  cancelLines: string | undefined = undefined;
  /** Defect of the request that the error route has not been run for yet; the text is the reason phrase. */
  defect: string | undefined = undefined;
  /** Whether replies are sent to the request's source port even without rport in its Via (force_rport). */
  rport = false;
  /** Whether our Via has rport. */
  localRport = false;
  /**
   * Whether the request goes from callee to caller: the ftag in our Route (the From tag of the first request of the
   * dialog) is not its own From tag.
   */
  upstream = false;
  /** Whether loose_route() found another Route after that of this proxy. */
  nextHopRoute = false;
  /** Parameters of the topmost Route that loose_route() found, which check_route_param() and is_direction() read. */
  routeParams: string | undefined = undefined;
  /** The same, set only when the Route names this proxy: $rr_params. */
  matchedRouteParams: string | undefined = undefined;
  /**
   * For a request inside a dialog: the next hop that loose_route() set, and to which addresses the dialog permits
   * sending there.
   */
  passage: { readonly nextHop: string; readonly along: DialogPassage } | undefined = undefined;
  blacklists: string[] = [];
  /** Timeouts in milliseconds set by t_set_fr(). */
  frTimeout: number | undefined = undefined;
  frInvTimeout: number | undefined = undefined;
  /** Milliseconds left for all branches together, set by t_set_max_lifetime(). */
  lifetime: number | undefined = undefined;
  /** Set by t_set_disable_6xx(). */
  plain6xx = false;
  /** Whether the Reason of the caller's CANCEL is sent on, where the script has decided that. */
  passReason: boolean | undefined = undefined;
  auto100: boolean | undefined = undefined;
  /** Branches that serialize_branches() has taken from `branches` for later attempts, the best first. */
  serial: RequestBranch[] = [];
  /** Path of the contact in the request-URI (RFC 3327): the hops the request is sent through. */
  path = '';
  /** q of the request-URI. */
  q: string | undefined = undefined;
  /** Error code of the last function of tm that failed. */
  failure = 0;
  /**
   * Why the last t_relay() of the request route sent nothing. tm answers with this status; in Kamailio only when the
   * script has ended.
   */
  relayFault: RelayFault | undefined = undefined;
  /** Edits and Record-Route of the first t_relay() of the request route, when it sent nothing. */
  relayed: { readonly edits: MessageEdits; readonly recordRouting: readonly RecordRouting[] } | undefined = undefined;
  /** What changes its messages before they are sent. */
  step: MessageStep | undefined = undefined;
  /** Functions to call once, when the request route has ended. */
  afterRoute: (() => void)[] | undefined = undefined;
  private isRefusalRecorded = false;
  private context: DispatchContext | undefined = undefined;
  private made: Selections | undefined = undefined;
  private scopeOfEngine: RequestScope | undefined = undefined;

  constructor(
    readonly env: ScriptEnvironment,
    public message: SipMessage,
    readonly source: Source,
  ) {
    this.scope = new CfgScope(env, message, source, new AvpStore());
    this.scope.call = this;
    this.scope.records = new SelectionRecords(
      () => {
        const last = this.made?.lastKamailio;
        return last === undefined ? undefined : this.dispatch.of(last);
      },
      () => {
        const parameters = env.modules.module('dispatcher');
        return {
          destinations: parameters.text('xavp_dst', '_dsdst_'),
          context: parameters.text('xavp_ctx', '_dsctx_'),
          destinationMode: parameters.int('xavp_dst_mode', 0),
          contextMode: parameters.int('xavp_ctx_mode', 0),
        };
      },
    );
  }

  /**
   * Records that the caller got a final reply generated here. When a failed t_relay() in kamailio.cfg leads to two, the
   * caller takes the first, which is recorded with the reason of the failure.
   */
  recordRefusal(status: number, reason: string): void {
    if (this.isRefusalRecorded) return;
    this.isRefusalRecorded = true;
    const unsuccessful = this.made?.unsuccessful;
    const { relayFault } = this;
    const fault = relayFault?.reason ?? (unsuccessful === undefined ? reason : 'no destination selected');
    const nextHop = relayFault?.nextHop === undefined ? '' : ` (${relayFault.nextHop})`;
    const why = (fault === reason ? reason : `${reason}; ${fault}`) + nextHop;
    this.env.calls?.refused(this.message, this.source, status, why, unsuccessful);
  }

  /** How received and rport are written into the Via of the request. */
  get marking(): ViaMarking {
    if (this.env.dialect === 'opensips') return this.rport ? 'front-forced' : 'front';
    return this.rport ? 'ends-forced' : 'ends';
  }

  get requestUri(): string {
    return this.scope.requestUri ?? '';
  }

  /** Context for selections of this call; created at the first access. */
  get dispatch(): DispatchContext {
    return (this.context ??= this.env.engine.context());
  }

  /** The request route has ended: calls the functions that wait for that. */
  routeEnded(): void {
    const { afterRoute } = this;
    this.afterRoute = undefined;
    if (afterRoute !== undefined) for (const each of afterRoute) each();
  }

  /** The destinations that dispatcher functions have selected; created at the first access. */
  get selections(): Selections {
    return (this.made ??= new Selections(this));
  }

  /** The scope its variables are evaluated on. */
  get pvars(): CfgScope {
    return this.scope;
  }

  get view(): RequestScope {
    const known = this.scopeOfEngine;
    // `this.message` is another object after a function has rewritten the message.
    if (known?.message === this.message) {
      known.requestUri = this.requestUri;
      return known;
    }
    return (this.scopeOfEngine = new CallView(this));
  }

  get replyCode(): number | undefined {
    return this.scope.txCode;
  }

  sendTo(uri: string): void {
    this.scope.destinationUri = uri;
    this.scope.changed = true;
  }

  sendFrom(socket: string | undefined): void {
    this.sendSocket = socket === undefined ? undefined : this.env.socket(socket);
    this.selectedSocket = this.sendSocket;
  }

  leadsTo(requestUri: string, dialUri: string): void {
    this.secureAddresses = noteAddress(this.secureAddresses, requestUri, dialUri);
  }

  addTarget({ requestUri, destinationUri, sendSocket }: ExtraTarget): boolean {
    return addBranch(this.branches, {
      uri: requestUri,
      destinationUri,
      flags: this.branchFlags,
      socket: sendSocket,
    });
  }

  /** Sets edits and Record-Route to those of an earlier t_relay() of the request route. */
  restore({ edits, recordRouting }: NonNullable<Call['relayed']>): void {
    this.edits = edits;
    this.recordRouting = [...recordRouting];
  }

  /**
   * Keeps flags and edits as they are when the transaction is created: later changes in the request route do not affect
   * its reply and failure routes.
   */
  freeze(): void {
    this.edits = this.edits.copy();
    this.frozenFlags = this.flags;
    this.frozenReplyLines = this.replyLines;
  }
}

/** Where a message is about to be sent. */
export interface SendingTo {
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
  readonly socket: SipSocket;
}

/** One execution of a route over a message: the object that script functions get. */
export class MessageRun extends ScriptRun implements DispatcherCallSite, MessageSite {
  /** What the transaction layer knew about the request when it was received. */
  known: KnownRequest | undefined = undefined;
  /** The current branch in branch, reply and branch-failure routes; the chosen one in a failure route. */
  branch: BranchState | undefined = undefined;
  /** The transaction that this run created, or that the reply belongs to. */
  transaction: TransactionState | undefined = undefined;
  /** Whether the route has waited for something asynchronous; retransmissions may have arrived meanwhile. */
  waited = false;
  /** The operation that async() in this route waits for, and after it the resume route. */
  suspended: Promise<void> | undefined = undefined;
  /** In an onsend route: address and socket the message is sent to and from. */
  sendingTo: SendingTo | undefined = undefined;
  /** Whether a final reply was sent statelessly. */
  answered = false;
  /** The line break at the end of a constant reason in the file, while the reply is sent. */
  reasonEnd = '';
  /** "code reason" given to change_reply_status(). */
  newStatus: string | undefined = undefined;
  /** Name of the route that the message entered. */
  routeName: string | undefined = undefined;
  /** Parameters of an event route. */
  eventParams: ReadonlyMap<string, string | number> | undefined = undefined;

  constructor(
    readonly env: ScriptEnvironment,
    readonly routeKind: RouteKind,
    readonly pvars: CfgScope,
    /** The message that the route handles: a request, or the reply in reply routes. */
    public message: SipMessage,
    readonly source: Source,
    /** Changes to that message. */
    public edits: MessageEdits,
    /** The request this run is about; a reply to no known request has a call of its own. */
    readonly call: Call,
  ) {
    super();
    pvars.run = this;
    this.trace = env.trace;
  }

  /**
   * $rs: in a request route the status the transaction sent last, in a failure route the status of the chosen branch.
   */
  get replyStatus(): number | undefined {
    switch (this.routeKind) {
      case 'request':
        return this.transaction?.lastStatus ?? this.call.transaction?.lastStatus;
      case 'onreply':
        return this.pvars.replyCode ?? this.message.status;
      case 'failure':
        // As recorded, Kamailio has no chosen branch while another one is pending.
        if (this.env.dialect === 'kamailio' && this.transaction?.branches.some(({ pending }) => pending) === true)
          return undefined;
        return this.branch?.status;
      case 'branch-failure':
        return this.branch?.status || this.message.status;
      default:
        return this.branch?.status;
    }
  }

  fields(name: string): Iterable<FieldSpan> {
    return fieldsOf(this.message, this.env.dialect, name);
  }

  override isOwn(host: string, port: number | undefined): boolean {
    return isOurs(this.env, host, port);
  }

  fault(at: Position, message: string): void {
    const { file, line } = at;
    this.env.faults.write(
      'error',
      `${file}:${line}`,
      { file, line, callId: this.message.callId },
      `script: ${message}`,
    );
  }

  override waits(): void {
    this.pvars.holdVars();
  }

  override ends(): void {
    this.pvars.releaseVars();
  }

  override beside(): MessageRun {
    const { env, routeKind, pvars, message, source, edits, call } = this;
    const other = new MessageRun(env, routeKind, pvars.beside(), message, source, edits.copy(), call);
    other.known = this.known;
    other.branch = this.branch;
    other.transaction = this.transaction;
    other.work = this.work;
    return other;
  }

  override suspend(kind: 'async' | 'launch', at: Position, done: number | Promise<number>, resume: Resumption): void {
    this.env.suspend(this, { kind, at, done, resume });
  }

  refused(name: string, reason: string): number {
    this.env.faults.write('warn', name, { route: this.routeKind }, `script function ${name}(): ${reason}`);
    return -1;
  }
}
