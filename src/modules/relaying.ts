import { parseUri } from '../core/uri.js';
import { isUsableUri, kamailioRefuses, lenientUri } from '../pvar/variables/script-uris.js';
import type { RelayFlags } from '../route/functions/actions.js';
import type { Call, MessageRun } from '../script/call.js';
import type { MessageEdits } from '../script/edits.js';
import { forwarded } from '../script/forwarding.js';
import { nextHopOf } from '../script/next-hop.js';
import { runOnsendRequest } from '../script/onsend.js';
import { isOneWord } from '../script/outgoing.js';
import { PerCall } from '../script/per-call.js';
import {
  allowedBy,
  answerTrying,
  beginTransaction,
  brokenRequest,
  faultOf,
  sendBranches,
  takeTargets,
  webSocketTo,
} from '../script/relay.js';
import { runErrorOf } from '../script/service-routes.js';
import type { RelayFault, TransactionState } from '../script/state.js';
import { warningOf } from '../script/warning.js';
import type { SipMessage } from '../sip/message.js';
import type { ViaMarking } from '../sip/reply.js';
import type { Resolution } from '../sip/resolve.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import { code } from './define.js';

/** Result for a request-URI that is not valid, as recorded. */
const NO_URI: RelayFault = {
  code: -400,
  status: 479,
  reason: 'Regretfully, we were not able to process the URI (479/TM)',
};

/**
 * Whether a request-URI may be forwarded. With a separate next hop, a text that only Kamailio accepts as a URI may be
 * too, if it contains no blank.
 */
function isRelayable(text: string, nextHop: string | undefined): boolean {
  const uri = parseUri(text);
  if (uri === undefined || !isUsableUri(text)) {
    return nextHop !== undefined && isUsableUri(nextHop) && lenientUri(text) !== undefined && isOneWord(text);
  }
  return uri !== undefined && isUsableUri(text) && !kamailioRefuses(uri, text);
}

/**
 * Return code of Kamailio's functions that create a transaction, when the request-URI is not valid and there is no
 * transaction yet.
 */
export function refusedUri({ env, call, transaction, pvars }: MessageRun, outbound?: string): number | undefined {
  if (env.dialect === 'opensips' || transaction !== undefined) return undefined;
  if (isRelayable(call.requestUri, outbound ?? pvars.destinationUri)) return undefined;
  // As recorded, the "host" of a URN is looked up.
  const fault = /^urn:/i.test(call.requestUri) ? faultOf('kamailio', 'dns') : NO_URI;
  call.relayFault = fault;
  return fault.code;
}

/** Relays the request with a transaction. Returns the code of the originals. */
export function relay(run: MessageRun, flags: RelayFlags, outbound?: string): number | Promise<number> {
  const { call, env } = run;
  const { method } = call.message;
  // As recorded, t_relay() ends Kamailio's route for local requests, and the request is sent once.
  if (call.own) return env.dialect === 'kamailio' ? 0 : -1;
  runErrorOf(call);
  if (run.routeKind === 'request' && method === 'ACK') return relayAck(run, outbound);
  if (run.routeKind === 'request' && method === 'CANCEL') {
    if (flags.passReason === true) call.cancelLines ??= reasonOf(call.message);
    const cancelled = cancel(run);
    if (cancelled !== undefined) return cancelled;
    if (env.tm.unmatchedCancel === 2) return 1;
    // As recorded, the route ends there.
    if (env.tm.unmatchedCancel === 1) {
      const sent = forwardStateless(run, outbound);
      return sent instanceof Promise ? sent.then(() => 0) : 0;
    }
  }
  const kamailio = env.dialect === 'kamailio';
  const refused = refusedUri(run, outbound);
  if (refused !== undefined) return refused;
  const existed = run.transaction !== undefined;
  const transaction = beginTransaction(run);
  // As recorded, the script continues after t_relay() for a retransmission.
  if (transaction === undefined) return 1;
  if (transaction.cancelled) return kamailio ? -1 : -3;
  if (!kamailio && transaction.final !== 0) return -1;
  if (!kamailio && run.routeKind === 'request' && existed && transaction.branches.length > 0) return -1;
  if (run.routeKind === 'failure' && env.tm.block6xx && transaction.branches.some((each) => each.status >= 600))
    return -3;
  if (!flags.no100 && run.routeKind === 'request') answerTrying(transaction, call);
  // As recorded, an invalid request-URI ends t_relay() before anything is sent.
  let targets = takeTargets(call);
  if (outbound !== undefined) {
    // As recorded, Kamailio sends all branches to this next hop.
    if (kamailio) targets = targets.map((each) => ({ ...each, destinationUri: undefined, outbound }));
    else if (targets[0] !== undefined) targets[0] = { ...targets[0], destinationUri: outbound };
  }
  // As recorded, each request-URI or $du is used once: the next t_relay() needs another one, or added branches.
  if (kamailio && !call.scope.changed) targets.shift();
  call.scope.changed = false;
  if (run.routeKind === 'request') {
    call.edits = run.edits;
    call.freeze();
    if (call.laterRouting !== undefined) call.recordRouting = call.laterRouting;
    call.laterRouting = undefined;
  }
  // As recorded, flags set in a failure route that relays are those that the next failure route sees.
  if (kamailio && run.routeKind === 'failure') call.frozenFlags = call.flags;
  // As recorded, failure routes of Kamailio see the request as the first of several t_relay() sent it.
  const first = call.relayed;
  const fault = targets.length === 0 ? NOTHING_NEW : sendBranches(run, transaction, targets);
  // As recorded, flags that branch routes set are those of the transaction.
  if (kamailio && run.routeKind === 'request') call.frozenFlags = call.flags;
  const settle = (found: RelayFault | undefined): number => {
    if (kamailio && run.routeKind === 'failure') call.scope.branchIndex = transaction.branches.length;
    if (kamailio && run.routeKind === 'request') {
      if (first !== undefined) call.restore(first);
      else if (found !== undefined) call.relayed = { edits: call.edits, recordRouting: [...call.recordRouting] };
    }
    if (found === undefined) return 1;
    if (kamailio) {
      transaction.relayFailed = true;
      if (run.routeKind !== 'request') return found.code < -100 ? -1 : found.code;
      // As recorded, tm replies when the script has ended, if nothing else was sent until then.
      if (call.relayFault === undefined) {
        // A later force_rport() does not affect that reply.
        const { marking } = transaction.server;
        (call.afterRoute ??= []).push(() => answerFault(call, transaction, marking));
      }
      call.relayFault = found;
      return found.code;
    }
    if (run.routeKind === 'request') call.relayFault = found;
    if (flags.noAutoReply || run.routeKind !== 'request') return found.code;
    transaction.reply(found.status, found.reason, call.replyLines);
    return 1;
  };
  return fault instanceof Promise ? fault.then(settle) : settle(fault);
}

/** Relays a copy of the request whose replies are discarded. Returns the code of the originals. */
export function replicate(run: MessageRun, uri: string | undefined): number | Promise<number> {
  run.call.replicates = true;
  const result = relay(run, { no100: false, noAutoReply: true }, uri);
  run.transaction?.ended(200);
  return result;
}

const NOTHING_NEW: RelayFault = {
  code: -1,
  status: 500,
  reason: "I'm terribly sorry, server error occurred (6/TM)",
};

function answerFault(call: Call, transaction: TransactionState, marking: ViaMarking): void {
  const { relayFault } = call;
  if (relayFault === undefined || transaction.final !== 0) return;
  if (transaction.branches.some((each) => !each.dropped)) return;
  transaction.server.marking = marking;
  transaction.reply(relayFault.status, relayFault.reason, call.replyLines + warningOf(call));
}

/** Forwards an ACK without a transaction, unless it acknowledges a failure reply of this proxy. */
function relayAck(run: MessageRun, outbound?: string): number | Promise<number> {
  if (run.known?.kind === 'ack') return 0;
  for (const hook of run.env.hooks.acknowledged) hook(run);
  const waits = run.call.step?.request(run);
  return waits === undefined ? forwardStateless(run, outbound) : waits.then(() => forwardStateless(run, outbound));
}

/** Return code of forward() when the onsend route drops the request, as recorded. */
const DROPPED_BY_ONSEND = -510;

/** forward(uri:host) of Kamailio: the next hop without its port. */
function hostOfNextHop({ call, pvars }: MessageRun): string | undefined {
  const hop = parseUri(pvars.destinationUri ?? call.requestUri);
  return hop === undefined ? undefined : `sip:${hop.host}:5060`;
}

/** Forwards a request without a transaction. */
export function forwardStateless(run: MessageRun, given?: string): number | Promise<number> {
  const { call, env } = run;
  // As recorded, in a reply route the function is true and sends nothing.
  if (!run.message.isRequest && run.routeKind === 'onreply') return env.dialect === 'kamailio' ? 1 : -1;
  const to = given === 'sip:uri:host' ? hostOfNextHop(run) : given;
  const destinationUri = to ?? run.pvars.destinationUri;
  const nextHop = destinationUri ?? call.requestUri;
  const uri = parseUri(nextHopOf(call, { requestUri: call.requestUri, destinationUri }));
  const failed = (fault: RelayFault): number => {
    if (env.dialect === 'kamailio') call.relayFault = fault;
    return -1;
  };
  const bad = brokenRequest(call, call.requestUri);
  if (bad !== undefined) return failed(bad);
  if (uri === undefined || uri.host === '' || call.requestUri === '' || !isOneWord(call.requestUri))
    return failed(NO_URI);
  const send = (address: {
    address: string;
    port: number;
    transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'sctp';
    family: 4 | 6;
    name?: string | undefined;
  }): number => {
    const socket = webSocketTo(run, address) ?? env.sockets.choose(address, call.sendSocket ?? call.source.socket);
    if (socket === undefined) return failed(faultOf('kamailio', 'socket', uri));
    const leaving = {
      requestUri: call.requestUri,
      destinationUri: run.pvars.destinationUri,
      socket: call.sendSocket,
      edits: withVias(run),
      head: '',
    };
    // As recorded, Kamailio uses the branch parameter of the first branch that t_relay() sent, so that a receiver of
    // both takes the second for a retransmission.
    const relayed = env.dialect === 'kamailio' ? run.transaction?.branches[0]?.client?.branch.text : undefined;
    // A request of this proxy has a transaction already, which replies find by its branch parameter.
    const generated = call.own ? call.message.via?.branch : undefined;
    const branch = relayed ?? generated ?? env.layer.branches.make('s', call.hiding?.callId ?? call.message).text;
    const text = forwarded(call, leaving, { socket, address: address.address, port: address.port }, branch);
    if (env.dialect === 'kamailio' && !runOnsendRequest(run, run.edits, address, socket)) return DROPPED_BY_ONSEND;
    env.layer.counters.requestsSent.value++;
    socket.send(text, address.address, address.port, undefined, undefined, address.name);
    if (env.dialect !== 'kamailio') return 1;
    // As recorded of tm:local-request, the request itself is then sent with the Via that was added here.
    const via = `Via: SIP/2.0/${socket.transport.toUpperCase()} ${socket.sentBy};branch=${branch}\r\n`;
    if (generated !== undefined) run.edits.insert(call.message.viaLine, via);
    else forwardedVias.set(call, via + forwardedVias.of(call));
    return 1;
  };
  const allowed = allowedBy(call, nextHop);
  const literal = env.resolver.literal(uri);
  if (literal !== undefined) return allowed(literal) ? send(literal as Parameters<typeof send>[0]) : -1;
  return new Promise((resolve) => {
    const done = (result: Resolution): void => {
      const first = result instanceof Error ? undefined : result.find(allowed);
      resolve(
        first === undefined ? failed(faultOf('kamailio', 'dns', uri)) : send(first as Parameters<typeof send>[0]),
      );
    };
    env.resolver.resolve(uri, done, call.source.address);
  });
}

/**
 * The Vias with which forward() has sent a request: as recorded, they are in the message when forward() sends it again.
 */
const forwardedVias = new PerCall(() => '');

function withVias(run: MessageRun): MessageEdits {
  const vias = forwardedVias.known(run.call);
  if (vias === undefined) return run.edits;
  const edits = run.edits.copy();
  edits.insert(run.call.message.viaLine, vias);
  return edits;
}

/** The transaction for answering a request here; its Via gets received and rport as the script asks. */
function served({ env, call, source }: MessageRun): ServerTransaction {
  const server = env.layer.serve(call.message, source);
  server.marking = call.marking;
  if (call.rport) server.replyPort = source.port;
  return server;
}

/** Header lines for the reply to a CANCEL. As recorded, Kamailio's Warning counts one Via more than was received. */
function cancelReplyLines({ env, call }: MessageRun): string {
  return env.serverLine + (env.dialect === 'kamailio' ? warningOf(call, 1) : '');
}

/** Handles a CANCEL: if its INVITE is known, answers it and cancels the branches. Undefined for an unknown INVITE. */
export function cancel(run: MessageRun): number | undefined {
  const { call, env } = run;
  if (run.known?.kind === 'copy') {
    run.known.repeat();
    return 0;
  }
  const invite = env.layer.cancelled(call.message);
  if (invite === undefined && env.layer.answeredInvite(call.message)) {
    const reason = env.dialect === 'kamailio' ? 'ok -- no more pending branches' : 'canceling';
    served(run).replyWith(200, reason, cancelReplyLines(run));
    return 1;
  }
  const target = invite?.owner as { readonly call?: Call } | undefined;
  if (invite === undefined || target?.call === undefined) return undefined;
  const transaction = invite.owner as NonNullable<MessageRun['transaction']>;
  // As recorded, branches that Kamailio ends at once (cancel_b_method 0) end before the CANCEL is answered.
  const answeredLater = env.tm.cancelMethod === 0;
  if (!answeredLater) served(run).replyWith(200, 'canceling', cancelReplyLines(run));
  for (const hook of env.hooks.cancelled) hook(run);
  if (transaction.final === 0) {
    transaction.cancelled = true;
    const lines = passedReason(run, target.call);
    transaction.cancelBranches(lines, undefined, lines);
  }
  if (answeredLater) served(run).replyWith(200, 'canceling', cancelReplyLines(run));
  if (transaction.final !== 0) return 1;
  if (env.dialect === 'opensips') transaction.cancelSilent();
  if (transaction.branches.length === 0) transaction.reply(487, 'Request Terminated', call.replyLines);
  return 1;
}

/** The Reason lines of a CANCEL (RFC 3326) for forwarding; undefined when it has none. */
function reasonOf(cancel: SipMessage): string | undefined {
  const reasons = cancel.headers('reason');
  return reasons.length === 0 ? undefined : reasons.map((each) => `Reason: ${each}\r\n`).join('');
}

/** Header lines of the CANCEL requests for the branches of an INVITE that its caller has cancelled. */
function passedReason({ env, call }: MessageRun, invite: Call): string {
  if (env.dialect === 'opensips') return call.cancelLines ?? ORIGINATOR_CANCEL;
  if (!(invite.passReason ?? env.tm.passReason)) return '';
  const { text } = call.message;
  let lines = '';
  for (const { line, end } of call.message.fields('reason')) lines += `${text.slice(line, end)}\r\n`;
  return lines;
}

const ORIGINATOR_CANCEL = 'Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"\r\n';

/** Return code of t_check_trans: 1 for a CANCEL or ACK of a known transaction, 0 for a retransmission, -1 otherwise. */
export function checkTransaction(run: MessageRun): number {
  const { known, call, env } = run;
  if (call.message.method === 'CANCEL') {
    if (known?.kind === 'copy') {
      known.repeat();
      return 0;
    }
    const invite = env.layer.cancelled(call.message);
    const owner = invite?.owner as { branches?: readonly unknown[] } | undefined;
    return code(owner?.branches !== undefined || env.layer.answeredInvite(call.message));
  }
  if (call.message.method === 'ACK') {
    if (known?.kind === 'ack') return 0;
    return code(known?.kind === 'accepted');
  }
  if (env.dialect === 'kamailio' && (run.routeKind === 'branch' || run.routeKind === 'branch-failure')) return 1;
  // As recorded, Kamailio returns 0 also when this script has created the transaction.
  if (run.transaction !== undefined && env.dialect === 'kamailio') return 0;
  if (known === undefined || known.kind === 'new') return -1;
  known.repeat();
  return 0;
}
