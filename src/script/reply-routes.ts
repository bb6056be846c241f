import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import { buildReply } from '../sip/reply.js';
import type { Source } from '../sip/transport/transport.js';
import { Call, MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ScriptEnvironment } from './environment.js';
import { rewritten } from './outgoing.js';

/** The reply with the changes of the route that handled it, parsed again. */
export function editedReply(run: MessageRun): SipMessage {
  const { edits, newStatus } = run;
  if (edits.empty && newStatus === undefined) return run.message;
  const line = newStatus === undefined ? undefined : `SIP/2.0 ${newStatus}\r\n`;
  return parseMessage(rewritten(run.message, edits.list, line)) ?? run.message;
}

/** A call for a route that handles a reply by itself: its variables are those of the reply. */
export function callOfReply(env: ScriptEnvironment, reply: SipMessage, source: Source): Call {
  const call = new Call(env, reply, source);
  call.scope.replyCode = reply.status;
  call.scope.replyReason = reply.reason;
  return call;
}

/**
 * Runs event_route[tm:local-response], or that of sl for a stateless reply, after this proxy has sent a generated
 * reply. The route reads and writes $var of the route that sent the reply.
 */
export function runLocalResponse(
  env: ScriptEnvironment,
  request: SipMessage,
  code: number,
  reason: string,
  { source, scope }: Call,
  lines = '',
  module: 'tm' | 'sl' = 'tm',
): void {
  const route = env.script.route('event', `${module}:local-response`);
  if (route === undefined) return;
  const reply = parseMessage(buildReply(request, source, code, reason, 'local', lines, ''));
  if (reply === undefined) return;
  const call = new Call(env, reply, source);
  call.scope.shareVars(scope.vars);
  call.scope.replyCode = code;
  call.scope.replyReason = reason;
  call.scope.txCode = 0;
  // As recorded of Kamailio, a reply that it has made itself came from nowhere.
  if (env.dialect === 'kamailio') call.scope.withoutSource();
  const run = new MessageRun(env, 'event', call.scope, reply, source, new MessageEdits(), call);
  void route.run(run);
}
