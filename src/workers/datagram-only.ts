import { isSecure } from '../proxy/forward.js';
import type { ProxyOptions } from '../proxy/proxy.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';

/** Bytes that forwarding adds to a request at most: Via, Record-Route twice, and what rules write. */
const ADDED = 800;

/** Whether a request leaves by UDP whatever its size, if its hop does: large ones try TCP first where there is a socket for it. */
export function fitsDatagram(message: SipMessage, { udpMaxRequest }: ProxyOptions, sockets: LocalSockets): boolean {
  if (isSecure(message, undefined)) return false;
  if (udpMaxRequest === 0 || message.text.length + ADDED <= udpMaxRequest) return true;
  return !sockets.transports.includes('tcp');
}
