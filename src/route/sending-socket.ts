import type { Destination } from '../engine/destination.js';
import type { KamailioPartition } from '../engine/kamailio/options.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipSocket } from '../sip/transport/transport.js';

/**
 * The socket a destination is sent to from: the one its row names, by name or by address, else in a partition of flavour
 * kamailio that of ds_default_sockname or ds_default_socket. Undefined: chosen by transport and family.
 */
export function sendingSocket(
  { row }: Destination,
  kamailio: KamailioPartition | undefined,
  sockets: LocalSockets,
): SipSocket | undefined {
  if (row.sockname !== undefined) return sockets.called(row.sockname);
  if (row.socket !== '') return sockets.named(row.socket);
  if (kamailio === undefined) return undefined;
  const { defaultSockname, defaultSocket } = kamailio.options;
  if (defaultSockname !== undefined) return sockets.called(defaultSockname);
  return defaultSocket === undefined ? undefined : sockets.named(defaultSocket);
}
