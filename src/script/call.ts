import type { Position, RouteKind } from '../cfg/ast.js';
import { type CompiledRoute, ScriptRun } from '../cfg/runtime.js';
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
import { addressSpan } from './address-parts.js';
import { MessageEdits } from './edits.js';
import type { DialogPassage, ScriptEnvironment } from './environment.js';
import { fieldsOf } from './header-fields.js';
import type { Hiding } from './hiding.js';
import { isOurs } from './ours.js';
import { addBranch, type RequestBranch } from './request-branches.js';
import { type BranchState, type RelayFault, sourceOfReplies, type TransactionState } from './state.js';

/** What variables of a configuration file look at: the message of a run, and the call it belongs to. */
export class CfgScope extends PvarScope {
  call: Call | undefined = undefined;
  /** The request-URI or $du was written since the last relaying: a failure route has a new target. */
  private uriChanged = true;
  /** $T_reply_code and $T_reply_reason of the branch that was chosen; the message at hand is the request. */
  txCode: number | undefined = undefined;
  txReason: string | undefined = undefined;
  /** What is wrong with the message an error route is called for. */
  fault:
    | { readonly class: number; readonly level: number; readonly code: number; readonly reason: string }
    | undefined = undefined;
  /** The run at work. */
  run: MessageRun | undefined = undefined;
  /** Routes over this message that wait. */
  private waiting = 0;
  /** What $var is outside of them. */
  private varsOutside: VarStore;

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

  /**
   * A route waits: until it has ended it reads and writes a copy of $var, since other messages run meanwhile. In the originals a process
   * handles one message at a time.
   */
  holdVars(): void {
    if (this.waiting++ > 0) return;
    this.varsOutside = this.vars;
    this.shareVars(new VarStore(this.vars.entries()));
  }

  /** A route that waited has ended; after the last one the next message finds in $var what it left. */
  releaseVars(): void {
    if (--this.waiting > 0) return;
    this.varsOutside.take(this.vars);
    this.shareVars(this.varsOutside);
  }

  /** Whether a failure route has a new target. */
  get changed(): boolean {
    return this.uriChanged || this.destinationWritten;
  }

  set changed(value: boolean) {
    this.uriChanged = value;
    this.destinationWritten = value;
  }

  override setRequestUri(uri: string): void {
    // As recorded, a reply has no request-URI to be written.
    if (!this.message.isRequest && this.env.dialect === 'opensips') return;
    this.uriChanged = true;
    super.setRequestUri(uri);
  }

  /** "tag", or "tag/cluster" as OpenSIPS names it. */
  override sharingTag(name: string): 'active' | 'backup' | undefined {
    return this.env.services.sharingTag(name);
  }

  /** As the original does it: each part is an edit of its own of the field that came, applied when the message leaves. */
  editAddress(header: 'from' | 'to', part: 'uri' | 'user' | 'domain' | 'display', value: PvarValue): void {
    const { run } = this;
    if (run === undefined) return;
    const { message } = run;
    const [start, end] = header === 'from' ? [message.fromValue, message.fromEnd] : [message.toValue, message.toEnd];
    if (start < 0) return;
    const span = addressSpan(message.text.slice(start, end), part);
    if (span === undefined) return;
    const text = value === null ? '' : String(value).replace(/[\r\n]/g, ' ');
    run.edits.replace(start + span.start, start + span.end, span.blank && text !== '' ? `${text} ` : text);
  }

  /** The AVPs of the transaction, or those a reply sees (onreply_avp_mode). */
  override get avps(): AvpStore {
    return this.stack;
  }

  editBody(start: number, end: number, text: string): void {
    const { run } = this;
    if (run === undefined) return;
    const from = run.message.bodyStart;
    run.edits.replace(from + start, from + end, text);
  }

  /** Of a failure route the reply that was chosen, of a reply route the request; else the message at hand. */
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

/** Names of the routes a script asked to be called. */
export interface ArmedRoutes {
  failure: string | undefined;
  branch: string | undefined;
  reply: string | undefined;
  branchFailure: string | undefined;
}

/** What record_route() is to write; finished when it is known by which socket the request leaves. */
export interface RecordRouting {
  readonly params: string;
  /** Written unchanged: record_route_preset. */
  readonly preset: readonly string[] | undefined;
  /** "host:port" instead of the sockets' own (record_route_advertised_address). */
  readonly advertised: string | undefined;
}

/** A request as the engine looks at it: the variables are those of the script. */
class CallView extends RequestScope {
  constructor(private readonly call: Call) {
    super(call.message, call.source, call.requestUri, call.env.formats);
  }

  override get pvars(): PvarScope {
    return this.call.scope;
  }
}

/** One request with all that its routes share, from the request route to the last failure route. */
export class Call implements DispatcherCall {
  readonly scope: CfgScope;
  edits = new MessageEdits();
  /** Message flags, as bits. */
  flags = 0;
  /** Flags of the first branch. */
  branchFlags = 0;
  /** Message flags as they were when the request was relayed: what failure routes see. */
  frozenFlags = 0;
  armed: ArmedRoutes = { failure: undefined, branch: undefined, reply: undefined, branchFailure: undefined };
  /** Branches the next t_relay() sends to besides. */
  branches: RequestBranch[] = [];
  /** Lines for replies of our own. */
  replyLines = '';
  replyBody = '';
  transaction: TransactionState | undefined = undefined;
  recordRouting: RecordRouting[] = [];
  /** Parameters of add_rr_param(). */
  rrParams = '';
  sendSocket: SipSocket | undefined = undefined;
  /** The socket that the destination of a selection names: its transport counts, whatever the URI says. */
  selectedSocket: SipSocket | undefined = undefined;
  /** Of selections that wrote an address into the request-URI, whose text does not show that only TLS leads there. */
  secureAddresses: SecureAddresses | undefined = undefined;
  /** What the other side is not to see (topology_hiding). */
  hiding: Hiding | undefined = undefined;
  /** Host and port our Via shows instead of the socket's (set_advertised_address). */
  advertisedHost: string | undefined = undefined;
  advertisedPort: string | undefined = undefined;
  /** A request of ours, as the route of local requests sees it: it is sent when that route has ended. */
  own = false;
  /** Replies to what is relayed are not passed on: t_replicate. */
  replicates = false;
  /** Header lines of the CANCEL requests a CANCEL is passed on with; undefined for the usual. */
  cancelLines: string | undefined = undefined;
  /** What an error route has not been run for yet: the reason it answers with. */
  defect: string | undefined = undefined;
  /** Replies go to the port the request came from, whatever its Via says. */
  rport = false;
  /** Our Via asks for rport. */
  localRport = false;
  /** The request goes from the callee to the caller, by the ftag of our Route: its dialog's first From tag is that of To. */
  upstream = false;
  /** loose_route() has found a Route after that of this proxy. */
  nextHopRoute = false;
  /** Route lines of the top values loose_route() found: what check_route_param() and is_direction() look at. */
  routeParams: string | undefined = undefined;
  /** The same, but only of a Route of this proxy: $rr_params. */
  matchedRouteParams: string | undefined = undefined;
  /** Of a request inside a dialog: where loose_route() sent it, and how far it may go there. */
  passage: { readonly nextHop: string; readonly along: DialogPassage } | undefined = undefined;
  blacklists: string[] = [];
  /** Milliseconds set by t_set_fr(). */
  frTimeout: number | undefined = undefined;
  frInvTimeout: number | undefined = undefined;
  auto100: boolean | undefined = undefined;
  /** Branches serialize_branches() put aside, the best first. */
  serial: RequestBranch[] = [];
  /** Path of the contact that is the request-URI: the hops it is sent along. */
  path = '';
  /** q of the request-URI. */
  q: string | undefined = undefined;
  /** Why the last function of the transaction module failed. */
  failure = 0;
  /** Why the last t_relay() of the request route sent nothing: what tm answers, of Kamailio when the script has ended. */
  relayFault: RelayFault | undefined = undefined;
  /** What the first t_relay() of the request route was to send, when it sent nothing. */
  relayed: { readonly edits: MessageEdits; readonly recordRouting: readonly RecordRouting[] } | undefined = undefined;
  /** Called once, when the request route has ended. */
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
        };
      },
    );
  }

  /**
   * Notes that the caller got a final reply of ours. Of two, which a t_relay() that failed leads to in kamailio.cfg, the caller takes the
   * first: it is recorded with the reason of the failure.
   */
  recordRefusal(status: number, reason: string): void {
    if (this.isRefusalRecorded) return;
    this.isRefusalRecorded = true;
    const inVain = this.made?.inVain;
    const { relayFault } = this;
    const fault = relayFault?.reason ?? (inVain === undefined ? reason : 'no destination selected');
    const nextHop = relayFault?.nextHop === undefined ? '' : ` (${relayFault.nextHop})`;
    const why = (fault === reason ? reason : `${reason}; ${fault}`) + nextHop;
    this.env.calls?.refused(this.message, this.source, status, why, inVain);
  }

  /** How the Via of the request is marked. */
  get marking(): ViaMarking {
    if (this.env.dialect === 'opensips') return this.rport ? 'front-forced' : 'front';
    return this.rport ? 'ends-forced' : 'ends';
  }

  get requestUri(): string {
    return this.scope.requestUri ?? '';
  }

  /** Selections of this call; made when first asked for. */
  get dispatch(): DispatchContext {
    return (this.context ??= this.env.engine.context());
  }

  /** The request route has ended. */
  routeEnded(): void {
    const { afterRoute } = this;
    this.afterRoute = undefined;
    if (afterRoute !== undefined) for (const each of afterRoute) each();
  }

  /** What the dispatcher's functions have selected; made when first asked for. */
  get selections(): Selections {
    return (this.made ??= new Selections(this));
  }

  /** What its variables look at. */
  get pvars(): CfgScope {
    return this.scope;
  }

  get view(): RequestScope {
    const known = this.scopeOfEngine;
    // The message is another one after a function has rewritten it.
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

  /** The request as an earlier t_relay() of the request route left it. */
  restore({ edits, recordRouting }: NonNullable<Call['relayed']>): void {
    this.edits = edits;
    this.recordRouting = [...recordRouting];
  }

  /** What flags, edits and routes were when the transaction began: what follows in the request route does not reach its replies. */
  freeze(): void {
    this.edits = this.edits.copy();
    this.frozenFlags = this.flags;
  }
}

/** Where a message is about to be sent. */
export interface SendingTo {
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
  readonly socket: SipSocket;
}

/** One route at work on one message: what functions get. */
export class MessageRun extends ScriptRun implements DispatcherCallSite, MessageSite {
  /** What the layer knew of the request when it came. */
  known: KnownRequest | undefined = undefined;
  /** The branch at work: in branch, reply and branch-failure routes; the one that was chosen in a failure route. */
  branch: BranchState | undefined = undefined;
  /** The transaction was begun by this run, or is the one a reply belongs to. */
  transaction: TransactionState | undefined = undefined;
  /** The route has waited for something: copies of the request may have come meanwhile. */
  waited = false;
  /** What async() of this route waits for, with the route that resumes. */
  suspended: Promise<void> | undefined = undefined;
  /** In an onsend route: where the message goes, and by which socket. */
  sendingTo: SendingTo | undefined = undefined;
  /** A final reply was given without a transaction. */
  answered = false;
  /** "code reason" that change_reply_status() gave. */
  newStatus: string | undefined = undefined;
  /** Name of the route that was entered. */
  routeName: string | undefined = undefined;
  /** Parameters of an event route. */
  eventParams: ReadonlyMap<string, string | number> | undefined = undefined;

  constructor(
    readonly env: ScriptEnvironment,
    readonly routeKind: RouteKind,
    readonly pvars: CfgScope,
    /** The message at hand: a request, or in reply routes the reply. */
    public message: SipMessage,
    readonly source: Source,
    /** Where changes to that message are kept. */
    public edits: MessageEdits,
    /** The request this is about; a reply that belongs to none has a call of its own. */
    readonly call: Call,
  ) {
    super();
    pvars.run = this;
    this.trace = env.trace;
  }

  /** In a request route that of the transaction; in a failure route that of the branch that was chosen. */
  get replyStatus(): number | undefined {
    switch (this.routeKind) {
      case 'request':
        return this.transaction?.lastStatus ?? this.call.transaction?.lastStatus;
      case 'onreply':
        return this.message.status;
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

  override suspend(
    kind: 'async' | 'launch',
    at: Position,
    done: number | Promise<number>,
    resume: CompiledRoute | undefined,
  ): void {
    this.env.suspend(this, { kind, at, done, resume });
  }

  refused(name: string, reason: string): number {
    this.env.faults.write('warn', name, { route: this.routeKind }, `script function ${name}(): ${reason}`);
    return -1;
  }
}
