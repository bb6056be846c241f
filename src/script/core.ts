import type { CompiledRoute, RouteOutcome } from '../cfg/runtime.js';
import { trimmed } from '../core/characters.js';
import { ipFamily } from '../core/ip-address.js';
import { bareHost, defaultPort, parseUri, type TransportName } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { KnownRequest, MessageObserver, TransactionUser } from '../sip/transaction/user.js';
import type { Source } from '../sip/transport/transport.js';
import { parseVia, type Via } from '../sip/via.js';
import { Call, MessageRun } from './call.js';
import type { ModuleParameters, ScriptEnvironment } from './environment.js';
import { runOnsendReply } from './onsend.js';
import { isOurs } from './ours.js';
import { outgoingReply } from './outgoing.js';
import { callOfReply, editedReply } from './reply-routes.js';
import { runErrorOf } from './service-routes.js';

function preRoutingOf({ dialect, script }: ScriptEnvironment): CompiledRoute<MessageRun> | undefined {
  return dialect === 'kamailio' ? script.route('event', 'core:pre-routing') : undefined;
}

/** Whether the modules let a received message in. */
function admits(env: ScriptEnvironment, message: SipMessage, source: Source): boolean {
  return env.hooks.received.every((each) => each(env, message, source));
}

/** Parameter on_sl_reply of Kamailio's tm. */
const slReply = {
  module: 'tm',
  create: (parameters: ModuleParameters) => parameters.text('on_sl_reply', ''),
};

function statelessReplyOf({ dialect, script, modules }: ScriptEnvironment): CompiledRoute<MessageRun> | undefined {
  const name = dialect === 'kamailio' ? modules.of(slReply) : '';
  return name === '' ? undefined : script.route('onreply', name);
}

/** Defects that Kamailio answers with 400, since the message can be parsed all the same. */
const ANSWERED_DEFECTS = /^(?:CSeq method differs|malformed CSeq|body shorter than)/;

/**
 * A copy of a request whose route waits for something asynchronous and has made no transaction yet: it gets no answer.
 */
const IN_A_ROUTE: KnownRequest = { kind: 'copy', server: undefined, repeat: () => {} };

/** What a request and its copies have in common. */
function waitKey({ method, callId, cseqNumber, via }: SipMessage): string {
  return `${method} ${cseqNumber} ${via?.branch ?? ''} ${callId}`;
}

/** Runs the routes of a cfg file for each received message; the script decides what is done with it. */
export class ScriptCore implements TransactionUser, MessageObserver {
  /** Number of messages received so far: $mi. */
  private messages = 0;
  /** Whether the proxy is stopping; new requests are answered with 503. */
  private draining = false;

  /** Requests whose routes wait for something asynchronous, by waitKey(). */
  private readonly waits = new Set<string>();

  /** Kamailio's event_route[core:pre-routing]: it sees each message before the other routes and may drop it. */
  private preRouting: CompiledRoute<MessageRun> | undefined;

  /** Kamailio's on_sl_reply: the route of replies that belong to no transaction. */
  private statelessReply: CompiledRoute<MessageRun> | undefined;

  constructor(private environment: ScriptEnvironment) {
    this.preRouting = preRoutingOf(environment);
    this.statelessReply = statelessReplyOf(environment);
  }

  /** The environment of the configuration in force. */
  get env(): ScriptEnvironment {
    return this.environment;
  }

  /** From now on new requests run another script; pending transactions keep theirs. */
  use(environment: ScriptEnvironment): void {
    this.environment = environment;
    this.preRouting = preRoutingOf(environment);
    this.statelessReply = statelessReplyOf(environment);
  }

  /** From now on requests that would begin a call are answered with 503. */
  drain(): void {
    this.draining = true;
  }

  onMessage(request: SipMessage, source: Source, known: KnownRequest): void {
    const env = this.environment;
    if (this.draining && request.toTag === '' && known.kind === 'new' && request.method !== 'CANCEL') {
      env.layer.replyStateless(request, source, 503, undefined, 'Retry-After: 10\r\n');
      return;
    }
    const route = env.script.route('request') ?? env.script.route('request', '0');
    if (route === undefined || !admits(env, request, source)) return;
    if (known.kind === 'new' && request.method !== 'ACK' && request.method !== 'CANCEL') env.calls?.received(request);
    const call = new Call(env, request, source);
    if (env.forceRport) call.rport = true;
    if (env.localRport) call.localRport = true;
    call.scope.messageNumber = ++this.messages;
    call.scope.returnCode = 0;
    if (this.preRouting === undefined) {
      this.enter(route, call, known);
      return;
    }
    const before = this.preRouting.run(new MessageRun(env, 'event', call.scope, request, source, call.edits, call));
    if (before instanceof Promise) void before.then((each) => each !== 'drop' && this.enter(route, call, known));
    else if (before !== 'drop') this.enter(route, call, known);
  }

  private enter(route: CompiledRoute<MessageRun>, call: Call, known: KnownRequest): void {
    const { env, message, source } = call;
    const run = new MessageRun(env, 'request', call.scope, message, source, call.edits, call);
    run.known = known.kind === 'new' && this.waits.size > 0 && this.waits.has(waitKey(message)) ? IN_A_ROUTE : known;
    if (env.dialect === 'opensips' && env.script.route('error') !== undefined) call.defect = defectOf(message);
    const outcome = route.run(run);
    if (outcome instanceof Promise) {
      run.waited = true;
      void this.awaited(run, outcome);
    } else ended(run);
  }

  /** While a route waits, a copy of its request is known as one, also before the request has a transaction. */
  private async awaited(run: MessageRun, outcome: Promise<RouteOutcome>): Promise<void> {
    const key = run.known?.kind === 'new' && run.message.method !== 'ACK' ? waitKey(run.message) : undefined;
    if (key !== undefined) this.waits.add(key);
    await outcome;
    if (key !== undefined) this.waits.delete(key);
    ended(run);
  }

  /** A broken request was received. OpenSIPS runs the script for it, and then the error route; Kamailio drops it. */
  onDefect(request: SipMessage, source: Source): boolean {
    const env = this.environment;
    // As recorded, Kamailio drops what its parser cannot read; a message with another defect reaches the script and its
    // sanity_check().
    if (env.dialect === 'kamailio')
      return !ANSWERED_DEFECTS.test(request.defect ?? '') && !hasOddUri(request) && !hasOddBlanks(request);
    if (request.viaLine < 0) return false;
    this.onMessage(request, source, { kind: 'new', server: undefined, repeat: () => undefined });
    return true;
  }

  onReply(reply: SipMessage, source: Source): SipMessage | undefined {
    const { statelessReply } = this;
    if (!admits(this.env, reply, source)) return undefined;
    const seen = this.throughRouteOfAll(reply, source);
    if (seen === undefined || statelessReply === undefined) return seen;
    const { env } = this;
    if (env.layer.replies.userOf(reply, source) !== undefined) return seen;
    const call = callOfReply(env, seen, source);
    const run = new MessageRun(env, 'onreply', call.scope, seen, source, call.edits, call);
    // As recorded, "drop" and "return 0" drop the reply, "exit" does not. A route that waits for something passes it.
    const outcome = statelessReply.run(run);
    return outcome === 'drop' || outcome === 'return-0' ? undefined : editedReply(run);
  }

  private throughRouteOfAll(reply: SipMessage, source: Source): SipMessage | undefined {
    const env = this.environment;
    const route = env.script.route('onreply');
    if (route === undefined && this.preRouting === undefined) return reply;
    const call = callOfReply(env, reply, source);
    if (this.preRouting !== undefined) {
      const before = new MessageRun(env, 'event', call.scope, reply, source, call.edits, call);
      // If this route waits for something asynchronous, it cannot drop the reply.
      if (this.preRouting.run(before) === 'drop') return undefined;
      if (route === undefined) return editedReply(before);
    }
    if (route === undefined) return reply;
    const run = new MessageRun(env, 'onreply', call.scope, call.message, source, call.edits, call);
    const left = (outcome: RouteOutcome): SipMessage | undefined => {
      if (outcome === 'drop' && (env.dialect === 'kamailio' || reply.status < 200)) return undefined;
      if (env.dialect === 'kamailio' && refuses(run, outcome)) return undefined;
      return editedReply(run);
    };
    const outcome = route.run(run);
    if (!(outcome instanceof Promise)) return left(outcome);
    // The reply is forwarded when the asynchronous operations of the route are done.
    void outcome.then((each) => {
      const seen = left(each);
      if (seen !== undefined) env.layer.pass(seen, source);
    });
    return undefined;
  }

  onRequest(): void {}
  onAck(): void {}
  onCancel(): void {}

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    pass(outgoingReply(reply, []));
  }

  /**
   * A reply to a request that was forwarded without a transaction is sent to the Via below ours (RFC 3261 section
   * 16.11).
   */
  onStrayReply(reply: SipMessage, source: Source): void {
    const env = this.environment;
    const { via } = reply;
    if (via === undefined || !isOurs(env, via.host, via.port === 0 ? 5060 : via.port)) return;
    // As recorded of OpenSIPS, and by RFC 6026 section 8.10: a reply whose branch was not made here is dropped.
    if (env.dialect === 'opensips' && !env.layer.ownsBranch(reply)) return;
    const next = secondVia(reply);
    if (next === undefined) return;
    const address = bareHost(next.received || next.host);
    const family = ipFamily(address);
    if (family === 0) return;
    const transport = next.transport.toLowerCase() as TransportName;
    const port = next.rportValue || next.port || defaultPort(transport);
    const socket = env.sockets.choose({ transport, family }, source.socket);
    if (env.onsendReplies && !runOnsendReply(env, reply, source, address, port)) return;
    env.layer.counters.repliesSent.value++;
    const translated = reply.status === 503 && env.tm.translate503 && env.dialect === 'opensips';
    const text = outgoingReply(reply, [], translated ? `500 ${reply.reason}` : undefined);
    socket?.send(text, address, port, undefined);
  }
}

/** As recorded, Kamailio drops a reply when the route of all replies returns 0 or less, except by exit. */
function refuses({ returned }: MessageRun, outcome: RouteOutcome): boolean {
  return outcome === 'return-0' || (outcome === 'ended' && returned <= 0);
}

/** The main route has ended: goes on when the asynchronous operation it waits for is done. */
function ended(run: MessageRun): void {
  const { call, suspended } = run;
  if (suspended !== undefined) {
    run.suspended = undefined;
    void suspended.then(() => ended(run));
    return;
  }
  // As recorded, flags that the request route changes after it has relayed do not count.
  if (run.env.dialect === 'kamailio' && call.transaction !== undefined) call.flags = call.frozenFlags;
  runErrorOf(call);
  call.routeEnded();
}

/**
 * Whether only the request-URI is wrong; as recorded, with three words or none after the method Kamailio cannot read
 * the line.
 */
function hasOddUri({ defect, uriStart, uriEnd, requestUri }: SipMessage): boolean {
  return defect?.endsWith('request-URI') === true && uriEnd >= uriStart && !trimmed(requestUri).includes(' ');
}

/** Whether only the blanks of the request line are wrong: more than one before the version, or any after it. */
function hasOddBlanks({ defect, text }: SipMessage): boolean {
  return defect?.startsWith('malformed request') === true && /^[^ \r\n]+ [^ \r\n]+ +SIP\/2\.0 *\r?\n/i.test(text);
}

/**
 * The reason an error route gets for a request: its request-URI, From or To cannot be parsed, or the parser found
 * another defect.
 */
function defectOf(request: SipMessage): string | undefined {
  const { defect } = request;
  if (defect?.includes('request-URI') === true || parseUri(request.requestUri) === undefined) return 'bad r-uri';
  if (defect !== undefined) return 'bad header';
  const open = (value: string | undefined): boolean => value?.includes('<') === true && !value.includes('>');
  return open(request.header('from')) || open(request.header('to')) ? 'bad header' : undefined;
}

function secondVia(reply: SipMessage): Via | undefined {
  const first = reply.via;
  if (first?.more === true) {
    let at = first.end + 1;
    while (at < reply.viaEnd && reply.text.charCodeAt(at) <= 32) at++;
    return parseVia(reply.text, at, reply.viaEnd);
  }
  let seen = 0;
  for (const field of reply.fields('via')) if (seen++ === 1) return parseVia(reply.text, field.value, field.end);
  return undefined;
}
