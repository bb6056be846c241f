import type { SipMessage } from '../sip/message.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ScriptEnvironment } from './environment.js';
import { callOfReply } from './reply-routes.js';

/**
 * Runs Kamailio's onsend route for a request that is about to be sent; false when the route drops it. As recorded, what
 * the route changes does not reach the message, which is built already.
 */
export function runOnsendRequest(
  run: MessageRun,
  edits: MessageEdits,
  { address, port }: { readonly address: string; readonly port: number },
  socket: SipSocket,
): boolean {
  const { env, call } = run;
  const route = env.script.route('onsend');
  if (route === undefined) return true;
  const sending = new MessageRun(env, 'onsend', call.scope, call.message, call.source, edits.copy(), call);
  sending.sendingTo = { address, port, transport: socket.transport, socket };
  const dropped = route.run(sending) === 'drop';
  call.scope.run = run;
  return !dropped;
}

/** Runs the onsend route for a reply that is about to be sent. */
export function runOnsendReply(
  env: ScriptEnvironment,
  reply: SipMessage,
  source: Source,
  address: string,
  port: number,
): boolean {
  const route = env.script.route('onsend');
  if (route === undefined) return true;
  const call = callOfReply(env, reply, source);
  const run = new MessageRun(env, 'onsend', call.scope, reply, source, new MessageEdits(), call);
  run.sendingTo = { address, port, transport: source.socket.transport, socket: source.socket };
  return route.run(run) !== 'drop';
}
