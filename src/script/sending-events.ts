import type { SipMessage } from '../sip/message.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { Call, MessageRun } from './call.js';
import { MessageEdits } from './edits.js';
import type { ScriptEnvironment } from './environment.js';
import { emptyRequest } from './service-routes.js';

/** A message that is about to be sent, and where. */
export interface Sending {
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
}

/**
 * Runs a module's event routes before it changes a message that is sent; true when one of them drops, after which the
 * module leaves the message unchanged. "msg-outgoing" (bit 1 of `mode`) gets a placeholder message, "msg-sending" (bit
 * 2) the message itself.
 */
export function sparedBySending(
  env: ScriptEnvironment,
  module: string,
  mode: number,
  message: SipMessage,
  { socket, address, port }: Sending,
): boolean {
  const sendingTo = { address, port, transport: socket.transport, socket };
  return dropped(env, module, mode, SENDING, message, { socket, address, port, flow: undefined }, sendingTo);
}

/**
 * The same for a received message: "msg-incoming" (bit 4) gets a placeholder message, "msg-receiving" (bit 8) the
 * message itself.
 */
export function sparedByReceiving(
  env: ScriptEnvironment,
  module: string,
  mode: number,
  message: SipMessage,
  source: Source,
): boolean {
  return (mode & 12) !== 0 && dropped(env, module, mode, RECEIVING, message, source, undefined);
}

function dropped(
  env: ScriptEnvironment,
  module: string,
  mode: number,
  events: typeof SENDING | typeof RECEIVING,
  message: SipMessage,
  source: Source,
  sendingTo: MessageRun['sendingTo'],
): boolean {
  for (const [bit, name, withMessage] of events) {
    const route = (mode & bit) === 0 ? undefined : env.script.route('event', `${module}:${name}`);
    if (route === undefined) continue;
    const seen = withMessage ? message : emptyRequest(env, 'sip:you@kamailio.org')?.message;
    if (seen === undefined) continue;
    const call = new Call(env, seen, source);
    if (!seen.isRequest) {
      call.scope.replyCode = seen.status;
      call.scope.replyReason = seen.reason;
    }
    const run = new MessageRun(env, 'event', call.scope, seen, source, new MessageEdits(), call);
    run.sendingTo = sendingTo;
    if (route.run(run) === 'drop') return true;
  }
  return false;
}

const SENDING = [
  [1, 'msg-outgoing', false],
  [2, 'msg-sending', true],
] as const;
const RECEIVING = [
  [4, 'msg-incoming', false],
  [8, 'msg-receiving', true],
] as const;
