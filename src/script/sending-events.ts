import type { SipMessage } from '../sip/message.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { Call, MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ScriptEnvironment } from './environment.js';
import { emptyRequest } from './service-routes.js';

/** Where a message is about to go. */
export interface Sending {
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
}

/**
 * Runs the event routes of a module for a message that leaves; true when one of them drops, by which the module leaves the message as
 * it is. "msg-outgoing" gets no message, "msg-sending" the one that leaves; `mode` says by bits 1 and 2 which of them are run.
 */
export function sparedBySending(
  env: ScriptEnvironment,
  module: string,
  mode: number,
  message: SipMessage,
  { socket, address, port }: Sending,
): boolean {
  const source = { socket, address, port, flow: undefined };
  for (const [bit, name] of EVENTS) {
    const route = (mode & bit) === 0 ? undefined : env.script.route('event', `${module}:${name}`);
    if (route === undefined) continue;
    const seen = bit === 2 ? message : emptyRequest(env, 'sip:you@kamailio.org')?.message;
    if (seen === undefined) continue;
    const call = new Call(env, seen, source);
    if (!seen.isRequest) {
      call.scope.replyCode = seen.status;
      call.scope.replyReason = seen.reason;
    }
    const run = new MessageRun(env, 'event', call.scope, seen, source, new MessageEdits(), call);
    run.sendingTo = { address, port, transport: socket.transport, socket };
    if (route.run(run) === 'drop') return true;
  }
  return false;
}

const EVENTS = [
  [1, 'msg-outgoing'],
  [2, 'msg-sending'],
] as const;
