import { parseAddress } from '../core/name-addr.js';
import { parseUri, uriTransport } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { splitValues } from './dialog/dialog.js';

/**
 * Whether no other proxy is between this one and the side from which the message came (Kamailio's is_first_hop). A
 * request has one Via then. In a reply, as documented, the first Record-Route has an address of this proxy, and the
 * reply did not come from it; as recorded, the port counts only where it is written, and a reply without Record-Route
 * is one of the first hop too.
 */
export function isFirstHop(run: MessageRun): boolean {
  const { message, env } = run;
  if (message.isRequest) return message.headerCount('via') === 1;
  const field = message.nextField('record-route');
  if (field === undefined) return true;
  const [first = ''] = splitValues(message.text.slice(field.value, field.end));
  const uri = first.includes('<') ? parseUri(parseAddress(first).uri) : undefined;
  if (uri === undefined) return false;
  // As recorded, a sips URI without a transport names each transport.
  const transport = /;transport=/i.test(uri.params) ? uriTransport(uri) : undefined;
  const ours = env.sockets.all.some((each) => {
    if (transport !== undefined && each.transport !== transport) return false;
    // Where a socket is advertised, its own address counts as well.
    const { port } = uri;
    if (each.address === uri.host && (port === undefined || each.port === port)) return true;
    return each.sentBy === `${uri.host}:${port}` || (port === undefined && each.sentBy.startsWith(`${uri.host}:`));
  });
  if (!ours) return false;
  const { sourceAddress, sourcePort, protocol } = run.pvars;
  return !(
    sourceAddress === uri.host &&
    sourcePort === (uri.port ?? 5060) &&
    (transport === undefined || transport === protocol.toLowerCase())
  );
}
