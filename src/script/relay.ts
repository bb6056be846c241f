import type { DialectName } from '../cfg/function-table.js';
import type { RouteOutcome } from '../cfg/runtime.js';
import { parseUri, type SipUri, uriParam, uriTransport, withoutUriParam } from '../core/uri.js';
import { kamailioRefuses } from '../pvar/variables/script-uris.js';
import { isUriText } from '../sip/parse-message.js';
import { reasonPhrase } from '../sip/reply.js';
import type { Address } from '../sip/resolve.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { TxBranch } from './branch.js';
import { type Call, MessageRun } from './call.js';
import { type CopySettings, forwarded, shownSentBy } from './forwarding.js';
import { nextHopOf } from './next-hop.js';
import { runOnsendRequest } from './onsend.js';
import { containsLineBreak } from './outgoing.js';
import { PerCall } from './per-call.js';
import type { RequestBranch } from './request-branches.js';
import type { RelayFault, TransactionState } from './state.js';
import { tlsPeerOf } from './tls-peer.js';
import { ScriptTransaction } from './transaction.js';
import { warningOf } from './warning.js';

/** Retransmissions that were answered from their transaction: as recorded of Kamailio, t_reply() fails for them. */
export const repeatedRequests = new PerCall<boolean>(() => false);

/**
 * Creates the transaction of a request. Undefined when the request is an ACK or a retransmission, which is handled
 * already.
 */
export function beginTransaction(run: MessageRun): ScriptTransaction | undefined {
  if (run.transaction !== undefined) return run.transaction as ScriptTransaction;
  const { call, env, known } = run;
  if (known !== undefined && known.kind !== 'new') {
    known.repeat();
    repeatedRequests.set(call, true);
    return undefined;
  }
  if (run.waited) {
    const other = env.layer.serving(run.message);
    if (other !== undefined) {
      other.retransmitted();
      return undefined;
    }
  }
  const server = env.layer.serve(run.message, run.source);
  server.marking = call.marking;
  if (call.rport) server.replyPort = run.source.port;
  const transaction = new ScriptTransaction(env, call, server);
  run.transaction = transaction;
  call.transaction = transaction;
  if (env.dialect === 'kamailio') call.frozenFlags = call.flags;
  for (const begin of env.hooks.began) begin(run, transaction);
  return transaction;
}

/** Answers an INVITE with 100 at once if auto_inv_100 is on. */
export function answerTrying(transaction: TransactionState, call: Call): void {
  const { tm } = call.env;
  if (!transaction.invite || transaction.lastStatus !== 0 || !(call.auto100 ?? tm.auto100)) return;
  // As recorded, the first generated reply takes what append_to_reply() and set_reply_body() have set.
  const warning = call.env.dialect === 'kamailio' ? warningOf(call) : '';
  transaction.reply(100, tm.auto100Reason, call.replyLines + warning, call.replyBody);
}

/** A target for a new branch, as the script has set it. */
interface Target {
  readonly uri: string;
  readonly destinationUri: string | undefined;
  /** Next hop unless the branch route sets $du. As recorded, the branch route does not see it in $du. */
  readonly outbound?: string;
  readonly socket: SipSocket | undefined;
  readonly flags: number;
  readonly path: string;
  /** Whether a request-URI that the branch route writes also becomes the next hop. */
  readonly follows: boolean;
}

/**
 * Takes the request-URI and the added branches from the call as targets; the next t_relay() begins without added
 * branches.
 */
export function takeTargets(call: Call): Target[] {
  const { scope, env } = call;
  const main: Target = {
    uri: call.requestUri,
    destinationUri: scope.destinationUri,
    socket: call.sendSocket,
    flags: call.branchFlags,
    path: routeLine(call.path),
    follows: scope.requestUriWritten,
  };
  const more = call.branches.map((each: RequestBranch) => ({
    uri: each.uri,
    destinationUri: each.destinationUri,
    socket: each.socket === undefined ? undefined : env.socket(each.socket),
    flags: each.flags,
    path: routeLine(each.path),
    follows: false,
  }));
  call.takenBranches = call.branches;
  call.branches = [];
  call.path = '';
  return [main, ...more];
}

/** The Route line that sends a branch through a Path (RFC 3327). */
function routeLine(path: string): string {
  return path === '' || containsLineBreak(path) ? '' : `Route: ${path}\r\n`;
}

/**
 * Why a request must not be forwarded although the script runs for it: another server may find other header fields in
 * it than the script does, or another length, and on a stream another message. `uris`: the request-URIs it would leave
 * with; a malformed one that the script replaced is no reason.
 */
export function brokenRequest({ message }: Call, ...uris: readonly string[]): RelayFault | undefined {
  const { defect } = message;
  if (defect === undefined) return undefined;
  const ofUri = defect.endsWith(' request-URI');
  if (ofUri && uris.length > 0 && uris.every((uri) => uri !== '' && isUriText(uri))) return undefined;
  return { code: -1, status: 400, reason: `${reasonPhrase(400)} (${defect})` };
}

/**
 * Creates and sends a branch for each target, synchronously where no name has to be resolved. Returns undefined when at
 * least one branch was sent, else why not.
 */
export function sendBranches(
  run: MessageRun,
  transaction: ScriptTransaction,
  targets: readonly Target[],
): RelayFault | undefined | Promise<RelayFault | undefined> {
  const { call } = run;
  const bad = call.message.defect === undefined ? undefined : brokenRequest(call, ...targets.map(({ uri }) => uri));
  if (bad !== undefined) return bad;
  const prepared = prepareAll(run, transaction, targets);
  if (prepared instanceof Promise) {
    return prepared.then((each) => {
      disarmBranch(run);
      return transaction.cancelled ? CANCELLED : sendPrepared(run, each);
    });
  }
  disarmBranch(run);
  return sendPrepared(run, prepared);
}

/** As recorded, Kamailio's armed branch route applies to one t_relay() only, even when no branch could be sent. */
function disarmBranch({ env, call }: MessageRun): void {
  if (env.dialect === 'kamailio') call.armed.branch = undefined;
}

/** Sends a branch that is ready; returns why it could not be sent. */
type Prepared = () => RelayFault | undefined;

/**
 * Makes the branches one after the other. When a branch route waits, the next targets wait too, since the branch routes
 * share the message.
 */
function prepareAll(
  run: MessageRun,
  transaction: ScriptTransaction,
  targets: readonly Target[],
): Prepared[] | Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (let i = 0; i < targets.length; i++) {
    const each = prepare(run, transaction, targets[i] as Target);
    if (each instanceof Promise) return prepareRest(run, transaction, targets.slice(i + 1), prepared, each);
    if (each !== undefined) prepared.push(each);
  }
  return prepared;
}

async function prepareRest(
  run: MessageRun,
  transaction: ScriptTransaction,
  targets: readonly Target[],
  prepared: Prepared[],
  first: Promise<Prepared | undefined>,
): Promise<Prepared[]> {
  const one = await first;
  if (one !== undefined) prepared.push(one);
  for (const target of targets) {
    const each = await prepare(run, transaction, target);
    if (each !== undefined) prepared.push(each);
  }
  return prepared;
}

function sendPrepared(run: MessageRun, prepared: readonly Prepared[]): RelayFault | undefined {
  let fault: RelayFault | undefined;
  let sent = 0;
  if (prepared.length === 0) return run.env.dialect === 'kamailio' ? NO_BRANCH : NO_BRANCH_OPENSIPS;
  for (const each of prepared) {
    const result = each();
    if (result === undefined) sent++;
    else fault = result;
  }
  return sent > 0 ? undefined : fault;
}

/** No branch is left: the branch route dropped all of them, or there are too many. */
const NO_BRANCH: RelayFault = { code: -6, status: 500, reason: "I'm terribly sorry, server error occurred (6/TM)" };
/** The caller cancelled while the branches were being made. */
const CANCELLED: RelayFault = { code: -1, status: 487, reason: 'Request Terminated' };
const NO_BRANCH_OPENSIPS: RelayFault = { code: -6, status: 500, reason: 'Server error occurred (6/TM)' };

/**
 * Runs the branch route for a target and makes the branch; undefined when the route drops it. The returned function
 * sends it.
 */
function prepare(
  run: MessageRun,
  transaction: ScriptTransaction,
  target: Target,
): Prepared | undefined | Promise<Prepared | undefined> {
  const { call, env } = run;
  const { scope } = call;
  if (transaction.branches.length >= env.maxBranches) return undefined;
  const index = transaction.branches.length;
  const name = call.armed.branch;
  const route = name === undefined ? undefined : env.script.route('branch', name);
  const before = call.armed;
  if (route !== undefined) {
    const held = {
      uri: call.requestUri,
      du: scope.destinationUri,
      socket: call.sendSocket,
      flags: call.branchFlags,
      edits: call.edits,
      index: scope.branchIndex,
      changed: scope.changed,
      routing: call.recordRouting,
      params: call.rrParams,
    };
    call.recordRouting = call.recordRouting.slice();
    scope.setRequestUri(target.uri);
    scope.destinationUri = target.destinationUri;
    scope.branchIndex = index;
    call.sendSocket = target.socket;
    call.branchFlags = target.flags;
    call.edits = held.edits.copy();
    call.armed = { ...before, reply: undefined, branchFailure: undefined };
    const branchRun = new MessageRun(env, 'branch', scope, call.message, call.source, call.edits, call);
    branchRun.transaction = transaction;
    const after = (outcome: RouteOutcome): Prepared | undefined | Promise<Prepared> => {
      const leaving = {
        requestUri: call.requestUri,
        destinationUri: nextHopLeft(run, target),
        socket: call.sendSocket,
        edits: call.edits,
        head: target.path,
        recorded: { routing: call.recordRouting, params: call.rrParams },
      };
      call.recordRouting = held.routing;
      call.rrParams = held.params;
      const flags = call.branchFlags;
      const reply = call.armed.reply;
      const failure = call.armed.branchFailure ?? before.branchFailure;
      call.armed = { ...before, failure: call.armed.failure };
      call.edits = held.edits;
      call.sendSocket = held.socket;
      call.branchFlags = held.flags;
      scope.setRequestUri(held.uri);
      scope.destinationUri = held.du;
      scope.branchIndex = held.index;
      scope.changed = held.changed;
      scope.run = run;
      return outcome === 'drop' ? undefined : branchAfterStep(run, transaction, leaving, flags, reply, failure);
    };
    const outcome = route.run(branchRun);
    return outcome instanceof Promise ? outcome.then(after) : after(outcome);
  }
  const leaving: CopySettings = {
    requestUri: target.uri,
    destinationUri: target.outbound ?? target.destinationUri,
    socket: target.socket,
    edits: call.edits,
    head: target.path,
  };
  return branchAfterStep(run, transaction, leaving, target.flags, undefined, before.branchFailure);
}

/** As `branchOf`, after the step of the call, if there is one, has changed the request. */
function branchAfterStep(
  run: MessageRun,
  transaction: ScriptTransaction,
  leaving: CopySettings,
  flags: number,
  branchReply: string | undefined,
  branchFailure: string | undefined,
): Prepared | Promise<Prepared> {
  const { call, env } = run;
  const { scope, step } = call;
  if (step === undefined) return branchOf(run, transaction, leaving, flags, branchReply, branchFailure);
  const edits = leaving.edits.copy();
  const { branchIndex } = scope;
  const branchRun = new MessageRun(env, 'branch', scope, call.message, call.source, edits, call);
  branchRun.transaction = transaction;
  scope.branchIndex = transaction.branches.length;
  const waits = step.request(branchRun);
  scope.branchIndex = branchIndex;
  scope.run = run;
  const changed = { ...leaving, edits };
  const make = () => branchOf(run, transaction, changed, flags, branchReply, branchFailure);
  return waits === undefined ? make() : waits.then(make);
}

/**
 * The next hop after the branch route. As recorded, Kamailio's tm takes the next hop before the route runs. A
 * request-URI that the route writes becomes the next hop only for the first branch, and only if the request-URI was
 * written before; removing $du has no effect; setting it has.
 */
function nextHopLeft({ env, call }: MessageRun, target: Target): string | undefined {
  const { destinationUri } = call.scope;
  if (env.dialect === 'opensips' || destinationUri !== undefined) return destinationUri;
  if (target.outbound !== undefined) return target.outbound;
  if (target.destinationUri !== undefined) return target.destinationUri;
  return target.follows || target.uri === call.requestUri ? undefined : target.uri;
}

/**
 * Makes a branch and adds it to the transaction once its next hop is resolved. As recorded, the name is resolved before
 * the branch route of the next branch runs, and a branch that does not resolve takes no index. The returned function
 * sends the branch.
 */
function branchOf(
  run: MessageRun,
  transaction: ScriptTransaction,
  leaving: CopySettings,
  flags: number,
  branchReply: string | undefined,
  branchFailure: string | undefined,
): Prepared | Promise<Prepared> {
  const { call, env } = run;
  const nextHop = nextHopOf(call, leaving);
  const uri = dialledUri(env.dialect, nextHop);
  if (uri === undefined || uri.scheme === 'tel' || uri.host === '' || containsLineBreak(leaving.requestUri))
    return () => faultOf(env.dialect, 'uri');
  const failureRoute = call.armed.failure;
  const allowed = allowedBy(call, leaving.destinationUri ?? leaving.requestUri);
  const resolved = (found: readonly Address[]): Prepared => {
    const address = found.find(allowed);
    if (address === undefined)
      return () => faultOf(env.dialect, found.length > 0 ? 'blocked' : hasNoSocket(uri) ? 'socket' : 'dns', uri);
    const { branches } = transaction;
    const branch = new TxBranch(
      transaction,
      branches.length,
      leaving.requestUri,
      leaving.destinationUri,
      leaving.socket,
    );
    branch.flags = flags;
    // As recorded, Kamailio uses the reply route that was armed when the branch was created.
    branch.replyRoute = branchReply ?? (env.dialect === 'kamailio' ? call.armed.reply : undefined);
    branch.failureRoute = failureRoute;
    branch.branchFailureRoute = branchFailure;
    branches.push(branch);
    return () => sent(run, transaction, branch, leaving, address);
  };
  const literal = env.resolver.literal(uri);
  if (literal !== undefined) return resolved([literal]);
  return new Promise((resolve) => {
    env.resolver.resolve(
      uri,
      (result) => resolve(resolved(result instanceof Error ? [] : result)),
      call.source.address,
    );
  });
}

/**
 * The next hop as it is resolved; undefined when it is unusable. As recorded, Kamailio ignores `maddr`, unknown
 * transports and port 0, and refuses a user that is empty or contains "@".
 */
function dialledUri(dialect: DialectName, nextHop: string): SipUri | undefined {
  const uri = parseUri(nextHop);
  if (uri === undefined || dialect === 'opensips') return uri;
  if (kamailioRefuses(uri, nextHop)) return undefined;
  const known = uri.params === '' || (uriTransport(uri) !== undefined && uriParam(uri.params, 'maddr') === undefined);
  if (known && uri.port !== 0) return uri;
  let params = withoutUriParam(uri.params, 'maddr');
  if (uriTransport(uri) === undefined) params = withoutUriParam(params, 'transport');
  return { ...uri, params, port: uri.port === 0 ? undefined : uri.port };
}

/** Whether there is no local socket for the URI's transport. */
const hasNoSocket = (uri: SipUri): boolean => uriTransport(uri) === 'sctp';

const ANY_HOP = (): boolean => true;

/**
 * Which addresses of a next hop a request may be sent to: after loose_route() those that the dialog permits, else all.
 */
export function allowedBy({ passage }: Call, nextHop: string): (address: Address) => boolean {
  return passage === undefined || passage.nextHop !== nextHop ? ANY_HOP : (address) => passage.along.allowed(address);
}

/** The result of t_relay(), and the reply, for a request that cannot be sent. */
export function faultOf(dialect: DialectName, why: 'uri' | 'dns' | 'socket' | 'blocked', uri?: SipUri): RelayFault {
  // Without the user: somebody who may see call records need not be allowed to see numbers.
  const nextHop = uri?.port === undefined ? uri?.host : `${uri.host}:${uri.port}`;
  if (dialect === 'opensips') {
    switch (why) {
      case 'uri':
        return { code: -2, status: 476, reason: 'Unresolvable destination (476/TM)', nextHop };
      // -4 and -5 are documented.
      case 'dns':
        return { code: -4, status: 476, reason: 'Unresolvable destination (476/TM)', nextHop };
      case 'blocked':
        return { code: -5, status: 473, reason: 'Filtered destination (473/TM)', nextHop };
      case 'socket':
        return { code: -6, status: 500, reason: 'Server error occurred (7/TM)', nextHop };
    }
  }
  return why === 'dns' || why === 'uri' || why === 'blocked'
    ? { code: -478, status: 478, reason: 'Unresolvable destination (478/TM)', nextHop }
    : { code: -7, status: 500, reason: "I'm terribly sorry, server error occurred (7/TM)", nextHop };
}

/**
 * The socket for "ws" in a URI. As recorded of Kamailio it stands for WS and WSS: the socket that has a connection to
 * the address is used.
 */
export function webSocketTo(
  { env }: MessageRun,
  {
    transport,
    address,
    port,
    name,
  }: Pick<Address, 'transport' | 'address' | 'port'> & { readonly name?: string | undefined },
): SipSocket | undefined {
  if (env.dialect === 'opensips' || transport !== 'ws') return undefined;
  return env.sockets.all.find(
    (each) => each.transport === 'wss' && each.connectionTo?.(address, port, undefined, name) !== undefined,
  );
}

function sent(
  run: MessageRun,
  transaction: ScriptTransaction,
  branch: TxBranch,
  leaving: CopySettings,
  address: Address,
): RelayFault | undefined {
  const { env, call } = run;
  if (transaction.cancelled) {
    fail(transaction, branch);
    return CANCELLED;
  }
  const blocked = call.blacklists.length > 0 && env.blocked(call.blacklists, { ...address, text: call.message.text });
  const preferred = leaving.socket ?? call.source.socket;
  const socket = blocked ? undefined : (webSocketTo(run, address) ?? env.sockets.choose(address, preferred));
  if (socket === undefined) {
    fail(transaction, branch);
    const hop = parseUri(nextHopOf(call, leaving));
    // As recorded, an IPv6 address counts as a name without an address only where a port is written after it.
    const unresolved =
      env.dialect === 'kamailio' &&
      address.transport === 'udp' &&
      (address.family === 4 || (hop?.portText ?? '') !== '');
    if (!blocked && unresolved) return faultOf('kamailio', 'dns', hop);
    return faultOf(env.dialect, blocked ? 'blocked' : 'socket', hop);
  }
  if (!runOnsendRequest(run, leaving.edits, address, socket)) {
    queueMicrotask(() => transaction.failed(branch, false));
    return undefined;
  }
  const { address: to, port } = address;
  const serverName = tlsPeerOf(run, socket, address.name);
  const target = { socket, address: to, port, serverName, sentBy: shownSentBy(call, socket) };
  transaction.leaves(branch, leaving.destinationUri ?? leaving.requestUri, target);
  const id = env.layer.branches.make(String(branch.index), call.hiding?.callId ?? call.message);
  const text = forwarded(call, leaving, target, id.text);
  transaction.sentRequest(text);
  const { tm } = env;
  branch.client = env.layer.request(
    text,
    transaction.invite,
    id,
    target,
    branch,
    undefined,
    transaction.timeLeft(call.frTimeout ?? tm.frTimeout),
    {
      get ms() {
        return call.frInvTimeout ?? tm.frInvTimeout;
      },
      get left() {
        return transaction.timeLeft(this.ms);
      },
      restarts: tm.restartOnProvisional,
    },
  );
  return undefined;
}

/** Removes a branch that could not be sent, or marks it as dropped when others were added after it. */
function fail(transaction: ScriptTransaction, branch: TxBranch): void {
  const { branches } = transaction;
  if (branches[branches.length - 1] === branch) branches.pop();
  else {
    branch.status = 500;
    branch.local = true;
    branch.dropped = true;
  }
}
