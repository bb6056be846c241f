import type { Destination } from '../../engine/destination.js';
import type { Flavour } from '../../engine/flavour.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { SipSocket } from '../../sip/transport/transport.js';

/**
 * The socket to send from to a destination: the one in its row, by name or address, else the default of its partition
 * (ds_default_sockname, ds_default_socket). Undefined: chosen by transport and address family.
 */
export function sendingSocket(
  { row }: Destination,
  { defaultSocket }: Pick<Flavour, 'defaultSocket'>,
  sockets: LocalSockets,
): SipSocket | undefined {
  if (row.sockname !== undefined) return sockets.called(row.sockname);
  if (row.socket !== '') return sockets.named(row.socket);
  const { sockname, socket } = defaultSocket;
  if (sockname !== undefined) return sockets.called(sockname);
  return socket === undefined ? undefined : sockets.named(socket);
}
