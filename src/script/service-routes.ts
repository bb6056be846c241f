import type { RouteKind } from '../cfg/ast.js';
import type { CompiledRoute, RouteOutcome, ScriptRun } from '../cfg/runtime.js';
import type { PvarValue } from '../pvar/context.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import type { Source } from '../sip/transport/transport.js';
import { Call, CfgScope, MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ModuleParameters, ScriptEnvironment } from './environment.js';
import { isOneWord, rewritten } from './outgoing.js';

/** Request-URI of Kamailio's placeholder request, as recorded. */
const KAMAILIO_USER = 'sip:you@kamailio.org';

/** A placeholder request, for routes that run without a received message. Undefined when there is no socket. */
export function emptyRequest(env: ScriptEnvironment, uri: string): { message: SipMessage; source: Source } | undefined {
  const socket = env.sockets.all[0];
  if (socket === undefined) return undefined;
  // The fields of Kamailio's placeholder request as recorded: scripts test for them.
  const fields =
    env.dialect === 'kamailio'
      ? ['Via: SIP/2.0/UDP 127.0.0.1', `From: <${KAMAILIO_USER}>;tag=123`, `To: <${KAMAILIO_USER}>`, 'Call-ID: 123']
      : [
          `Via: SIP/2.0/UDP ${socket.sentBy};branch=z9hG4bKempty`,
          'From: <sip:switchyard@localhost>;tag=empty',
          'To: <sip:switchyard@localhost>',
          `Call-ID: empty-${env.random.token(4)}`,
        ];
  const text = [`OPTIONS ${uri} SIP/2.0`, ...fields, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', ''].join('\r\n');
  const message = parseMessage(text);
  if (message === undefined) return undefined;
  return { message, source: { socket, address: socket.address, port: socket.port, flow: undefined } };
}

/** How a route ended, or a promise of it; undefined when there is no such route. */
export type ServiceOutcome = RouteOutcome | Promise<RouteOutcome> | undefined;

/** Runs a startup, timer or event route on a placeholder request. */
export function runService(
  env: ScriptEnvironment,
  kind: RouteKind,
  name: string | undefined,
  params: ReadonlyMap<string, PvarValue> | undefined,
  uri = 'sip:switchyard@localhost',
): ServiceOutcome {
  const route = env.script.route(kind, name);
  const empty = route === undefined ? undefined : emptyRequest(env, uri);
  if (route === undefined || empty === undefined) return undefined;
  const call = new Call(env, empty.message, empty.source);
  const run = new MessageRun(env, kind, call.scope, empty.message, empty.source, call.edits, call);
  run.routeName = name;
  if (params !== undefined) call.scope.params = params;
  return route.run(run);
}

/**
 * Runs an event route within a run, with its message, variables and changes; exit and drop end the event route alone.
 * False for a route that may wait, which cannot be run so.
 */
export function runWithin(run: ScriptRun | undefined, name: string): boolean {
  if (!(run instanceof MessageRun)) return false;
  const route = run.env.script.route('event', name);
  if (route === undefined || route.waits) return route === undefined;
  const inner = new MessageRun(run.env, 'event', run.pvars, run.message, run.source, run.edits, run.call);
  inner.transaction = run.transaction ?? run.call.transaction;
  inner.known = run.known;
  inner.routeName = name;
  // As recorded, $T_reply_code is the status that was last sent to the caller.
  const { pvars } = run;
  const before = pvars.txCode;
  if (inner.transaction !== undefined) pvars.txCode = inner.transaction.lastStatus;
  void route.run(inner);
  pvars.txCode = before;
  run.message = inner.message;
  run.edits = inner.edits;
  run.pvars.run = run;
  return true;
}

/**
 * Runs an event route for a received message that is not SIP (`text` may be a SIP message inside it), or on a
 * placeholder. `prepare` gets the run before the route begins.
 */
export function runReceived(
  env: ScriptEnvironment,
  name: string,
  text: string | undefined,
  source: Source,
  prepare?: (run: MessageRun) => void,
): ServiceOutcome {
  const route = env.script.route('event', name);
  const message = text === undefined ? emptyRequest(env, KAMAILIO_USER)?.message : route && parseMessage(text);
  if (route === undefined || message === undefined) return undefined;
  return enter(env, route, name, { message, source }, prepare);
}

/** Runs an event route on a placeholder request. `prepare` gets the run before the route begins. */
export function runEvent(env: ScriptEnvironment, name: string, prepare?: (run: MessageRun) => void): ServiceOutcome {
  return runAlone(env, env.script.route('event', name), name, prepare);
}

/**
 * Runs a named route on a placeholder request: for a timer or a task. `prepare` gets the run before the route begins.
 * The number of statements is bounded as for a route that handles a message.
 */
export function runNamed(env: ScriptEnvironment, name: string, prepare?: (run: MessageRun) => void): void {
  runAlone(env, env.script.route('request', name), name, prepare);
}

function runAlone(
  env: ScriptEnvironment,
  route: CompiledRoute<MessageRun> | undefined,
  name: string,
  prepare: ((run: MessageRun) => void) | undefined,
): ServiceOutcome {
  const empty = route === undefined ? undefined : emptyRequest(env, KAMAILIO_USER);
  return route === undefined || empty === undefined ? undefined : enter(env, route, name, empty, prepare);
}

function enter(
  env: ScriptEnvironment,
  route: CompiledRoute<MessageRun>,
  name: string,
  { message, source }: { readonly message: SipMessage; readonly source: Source },
  prepare: ((run: MessageRun) => void) | undefined,
): ServiceOutcome {
  const call = new Call(env, message, source);
  const run = new MessageRun(env, 'event', call.scope, message, source, call.edits, call);
  run.routeName = name;
  prepare?.(run);
  return route.run(run);
}

/** A request generated here, after the route for local requests. */
export interface LocalRequest {
  readonly text: string;
  /** $du after the route. */
  readonly destination: string | undefined;
  /** Whether the route ended with drop. */
  readonly dropped: boolean;
  /** Runs the reply route that t_on_reply() in the route has set. */
  readonly replied: (reply: SipMessage) => void;
}

const NO_REPLY_ROUTE = (): void => undefined;

/** Maximum nesting of routes for local requests: a route that sends a request runs again for that request. */
const MAX_NESTED = 4;
/** Current nesting in this process. */
const nesting = {
  module: 'tm',
  create: () => ({ depth: 0 }),
  renew: (before: { depth: number }) => before,
};

/**
 * Runs the route for local requests (local_route, event_route[tm:local-request]). `text` has no Via yet, or ours.
 * Beyond the maximum nesting the request is sent without running the route, which would never end. `sender`: scope of
 * the route that sends the request, whose $var is read and written. `nextHop`: $du when the route of Kamailio begins.
 */
export function runLocal(env: ScriptEnvironment, text: string, sender?: CfgScope, nextHop?: string): LocalRequest {
  const routes = env.modules.of(nesting);
  if (routes.depth >= MAX_NESTED) {
    env.peerLog.warn(
      { routes: routes.depth },
      'script: routes for local requests are nested too deeply, the request is sent without running the route',
    );
    return { text, destination: undefined, dropped: false, replied: NO_REPLY_ROUTE };
  }
  routes.depth++;
  try {
    return throughLocal(env, text, sender, nextHop);
  } finally {
    routes.depth--;
  }
}

function throughLocal(
  env: ScriptEnvironment,
  text: string,
  sender: CfgScope | undefined,
  nextHop: string | undefined,
): LocalRequest {
  const kamailio = env.dialect === 'kamailio';
  const kind = kamailio ? 'event' : 'local';
  const route = env.script.route(kind, kamailio ? 'tm:local-request' : undefined);
  const message = route === undefined ? undefined : parseMessage(text);
  const socket = env.sockets.all[0];
  if (route === undefined || message === undefined || socket === undefined) {
    showLocal(env, 'request', text, sender);
    return { text, destination: undefined, dropped: false, replied: NO_REPLY_ROUTE };
  }
  const source: Source = { socket, address: socket.address, port: socket.port, flow: undefined };
  const call = new Call(env, message, source);
  call.own = true;
  if (sender !== undefined) call.scope.shareVars(sender.vars);
  if (kamailio) call.scope.destinationUri = nextHop;
  const run = new MessageRun(env, kind, call.scope, message, source, call.edits, call);
  const dropped = route.run(run) === 'drop';
  const { requestUri, edits, scope } = call;
  // As recorded of Kamailio, the request is sent with the request-URI that the route has set, but to the address it had
  // before.
  const line =
    kamailio && requestUri !== message.requestUri && isOneWord(requestUri)
      ? `${message.method} ${requestUri} SIP/2.0\r\n`
      : undefined;
  const leaving = edits.empty && line === undefined ? text : rewritten(message, edits.list, line);
  showLocal(env, 'request', leaving, sender);
  return {
    text: leaving,
    destination: scope.destinationUri,
    dropped,
    replied: (reply) => runLocalReply(call, reply),
  };
}

/** Parameters of OpenSIPS's tm: routes that get the messages this proxy generates. */
const shown = {
  module: 'tm',
  create: (parameters: ModuleParameters) => ({
    request: parameters.text('local_request_route', ''),
    reply: parameters.text('local_reply_route', ''),
  }),
};

/** Whether the cfg file sets local_reply_route (OpenSIPS). */
export function showsReplies(env: ScriptEnvironment): boolean {
  return env.dialect === 'opensips' && env.modules.of(shown).reply !== '';
}

/** Runs local_reply_route for a generated reply. */
export function showReply({ env, source, scope }: Call, text: string): void {
  showLocal(env, 'reply', text, scope, source);
}

/**
 * Runs the route that local_request_route or local_reply_route of OpenSIPS's tm names for a generated message. Changes
 * that the route makes are discarded.
 */
function showLocal(
  env: ScriptEnvironment,
  which: 'request' | 'reply',
  text: string,
  sender: CfgScope | undefined,
  source?: Source,
): void {
  if (env.dialect !== 'opensips') return;
  const name = env.modules.of(shown)[which];
  const route = name === '' ? undefined : env.script.route('request', name);
  const socket = env.sockets.all[0];
  const message = route === undefined ? undefined : parseMessage(text);
  if (route === undefined || socket === undefined || message === undefined) return;
  const from = source ?? { socket, address: socket.address, port: socket.port, flow: undefined };
  const call = new Call(env, message, from);
  call.own = true;
  if (sender !== undefined) call.scope.shareVars(sender.vars);
  if (!message.isRequest) {
    call.scope.replyCode = message.status;
    call.scope.replyReason = message.reason;
  }
  const run = new MessageRun(env, 'event', call.scope, message, from, call.edits, call);
  run.routeName = name;
  void route.run(run);
}

/**
 * Runs the reply route that the route for local requests has set, for a reply to its request. As recorded, Kamailio
 * runs no failure route.
 */
function runLocalReply(call: Call, reply: SipMessage): void {
  const { env, armed, source } = call;
  const route = armed.reply === undefined ? undefined : env.script.route('onreply', armed.reply);
  if (route === undefined || env.dialect !== 'kamailio') return;
  const scope = new CfgScope(env, reply, source, call.scope.avps);
  scope.call = call;
  scope.replyCode = reply.status;
  scope.replyReason = reply.reason;
  void route.run(new MessageRun(env, 'onreply', scope, reply, source, new MessageEdits(), call));
}

/** Starts the timer routes of a script. Returns a function that stops them. */
export function startTimers(env: () => ScriptEnvironment): () => void {
  const stops: (() => void)[] = [];
  let stopped = false;
  for (const { kind, name, interval } of env().script.routes) {
    if (kind !== 'timer' || interval === undefined || interval <= 0) continue;
    const again = (): void => {
      if (stopped) return;
      runService(env(), 'timer', name, undefined);
      stops.push(env().clock.schedule(interval * 1000, again));
    };
    stops.push(env().clock.schedule(interval * 1000, again));
  }
  return () => {
    stopped = true;
    for (const stop of stops) stop();
  };
}

/**
 * Runs the error route for a request with a defect, once: before the script answers or relays the request, or after the
 * main route.
 */
export function runErrorOf(call: Call): void {
  const { env, message, source, defect } = call;
  if (defect === undefined) return;
  call.defect = undefined;
  const route = env.script.route('error');
  if (route === undefined) return;
  const seen = new Call(env, message, source);
  seen.scope.shareVars(call.scope.vars);
  seen.scope.fault = { class: 1, level: 3, code: 400, reason: defect };
  void route.run(new MessageRun(env, 'error', seen.scope, message, source, new MessageEdits(), seen));
}
