import { isSecure } from '../proxy/forward.js';
import type { ProxyOptions } from '../proxy/proxy.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';

/** Maximum bytes that forwarding adds to a request: Via, Record-Route twice, and changes by rules. */
const ADDED = 800;

/** Whether a request to a UDP hop is sent over UDP: a large one tries TCP first, if there is a TCP socket. */
export function fitsDatagram(message: SipMessage, { udpMaxRequest }: ProxyOptions, sockets: LocalSockets): boolean {
  if (isSecure(message, undefined)) return false;
  if (udpMaxRequest === 0 || message.text.length + ADDED <= udpMaxRequest) return true;
  return !sockets.transports.includes('tcp');
}
