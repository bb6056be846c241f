import { trimmed } from '../core/characters.js';
import type { PvarContext } from '../pvar/context.js';
import type { PvarValue } from '../pvar/value.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { scopeOf } from './script-variable.js';

/** "proto:host:port" of the socket to send from, as Kamailio shows it. */
export function sendSocketText(scope: CfgScope): PvarValue {
  return scope.call?.sendSocket?.description ?? null;
}

/** Sets the socket to send from by its description. null lets the proxy choose; an unknown socket changes nothing. */
export function setSendSocket(scope: CfgScope, value: PvarValue): void {
  const { call } = scope;
  if (call === undefined) return;
  call.sendSocket = value === null ? undefined : (scope.env.socket(String(value)) ?? call.sendSocket);
}

/** $socket_in(field), $socket_out(field). */
export function socketVariable(
  socket: (scope: CfgScope) => SipSocket | undefined,
  set?: (scope: CfgScope, value: PvarValue) => void,
): VariableDefinition {
  return {
    argument: 'optional',
    indexed: false,
    compile: (argument) => {
      const field = argument?.constant;
      return {
        get: (context) => {
          const scope = scopeOf(context);
          const found = socket(scope);
          return socketField(found, field, field === 'tag' ? scope.env.sockets.nameOf(found) : undefined);
        },
        ...(set === undefined || argument !== undefined
          ? {}
          : { set: (context: PvarContext, value: PvarValue) => set(scopeOf(context), value) }),
      };
    },
  };
}

function socketField(socket: SipSocket | undefined, field: string | undefined, tag: string | undefined): PvarValue {
  if (socket === undefined) return null;
  const shown = socket.sentBy === `${socket.address}:${socket.port}` ? undefined : socket.sentBy;
  const colon = shown?.lastIndexOf(':') ?? -1;
  switch (field) {
    case undefined:
      return `${socket.transport}:${socket.address}:${socket.port}`;
    case 'ip':
      return socket.address;
    case 'port':
      return socket.port;
    case 'proto':
      return socket.transport;
    case 'af':
      return socket.family === 4 ? 'INET' : 'INET6';
    case 'advertised_ip':
      return shown === undefined ? null : shown.slice(0, colon);
    case 'advertised_port':
      return shown === undefined ? null : Number(shown.slice(colon + 1));
    case 'tag':
      return tag ?? null;
    default:
      return null;
  }
}

/** Kamailio's numbers of transports. */
export const TRANSPORT_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['udp', 1],
  ['tcp', 2],
  ['tls', 3],
  ['sctp', 4],
  ['ws', 5],
  ['wss', 6],
]);

/** Transports of URIs by these numbers; "ws" stands for WS and WSS. */
const URI_TRANSPORTS: ReadonlyMap<string, string> = new Map([
  ['1', ''],
  ['2', 'tcp'],
  ['3', 'tls'],
  ['4', 'sctp'],
  ['5', 'ws'],
  ['6', 'ws'],
]);

/** "address~port~number", as nathelper and path write where a request came from. */
export function numberedAddress({ address, port, socket }: Source): string {
  return `${address}~${port}~${TRANSPORT_NUMBERS.get(socket.transport) ?? 1}`;
}

/** The URI for the parts of such a text; undefined for an unknown number. */
export function numberedUri(address: string, port: string, number: string): string | undefined {
  const transport = URI_TRANSPORTS.get(number);
  if (transport === undefined) return undefined;
  return `sip:${address}:${port}${transport === '' ? '' : `;transport=${transport}`}`;
}

/** $sndto(ip), $sndfrom(ip) and the like: destination or socket of the message in an onsend route. */
export function sending(end: 'to' | 'from'): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const field = trimmed(argument?.constant ?? '');
      if (!['af', 'ip', 'port', 'proto', 'sproto', 'buf', 'len'].includes(field))
        throw new Error(`has no field "${field}"`);
      return {
        get: (context) => {
          const to = scopeOf(context).run?.sendingTo;
          if (to === undefined) return null;
          const { address, port } = end === 'to' ? to : to.socket;
          switch (field) {
            case 'af':
              return address.includes(':') ? 'IPv6' : 'IPv4';
            case 'ip':
              return address;
            case 'port':
              return port;
            case 'proto':
              return TRANSPORT_NUMBERS.get(to.transport) ?? 0;
            case 'sproto':
              return to.transport;
            default:
              return null;
          }
        },
      };
    },
  };
}

/** Address and port that the receiving socket advertises; undefined for a reply that was made here. */
function advertised({ receivedAddress, source }: CfgScope): string | undefined {
  return receivedAddress === '' ? undefined : source?.socket.sentBy;
}

/** The host that the socket of the request advertises; null without a request. */
export function shownHost(scope: CfgScope): PvarValue {
  const sentBy = advertised(scope);
  return sentBy === undefined ? null : sentBy.slice(0, sentBy.lastIndexOf(':'));
}

/** The port that the socket of the request advertises; null without a request. */
export function shownPort(scope: CfgScope): PvarValue {
  const sentBy = advertised(scope);
  return sentBy === undefined ? null : Number(sentBy.slice(sentBy.lastIndexOf(':') + 1));
}
