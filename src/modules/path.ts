import { parseUri, percentDecoded, uriParam } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { sentBy as sentByOf, transportParameter } from '../script/forwarding.js';
import type { ScriptHooks } from '../script/hooks.js';
import { containsLineBreak } from '../script/outgoing.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { type FunctionSpec, moduleFunctions, optional, type ScriptFunction, textOf } from './define.js';
import { numberedAddress, numberedUri } from './socket-variables.js';

/** The parameters of path. */
const settings = {
  module: 'path',
  create: (parameters: ModuleParameters) => ({
    /** Whether the received parameter of our Route is where the request goes. */
    used: parameters.flag('use_received', false),
    /** Whether "received" is written as "address~port~transport". */
    asAlias: parameters.flag('received_format', false),
    received: parameters.text('received_name', 'received'),
    /** Whether two fields are added, as rr does. */
    double: parameters.flag('enable_r2', false),
  }),
};

/** The URI that "address~port~transport" means; undefined for another text. */
function uriOfAlias(text: string): string | undefined {
  const [, address = '', port = '', number = ''] = /^([^~]+)~(\d+)~([1-6])$/.exec(text) ?? [];
  return numberedUri(address, port, number);
}

/** Host and port of our own; like the originals, without port 5060. */
const withoutDefaultPort = (sentBy: string): string => (sentBy.endsWith(':5060') ? sentBy.slice(0, -5) : sentBy);

/** The address a request came from, as add_path_received() writes it. As recorded, Kamailio writes "ws" for WSS too. */
function receivedUri({ address, port, socket: { transport } }: Source, kamailio: boolean): string {
  const shown = transport === 'wss' && kamailio ? 'ws' : transport;
  return `sip:${address}:${port}${transport === 'udp' ? '' : `%3Btransport%3D${shown}`}`;
}

/** Functions of path (RFC 3327). */
export const pathFunctions: ScriptFunction[] = moduleFunctions('path', [
  ...['add_path', 'add_path_received'].map(
    (name): FunctionSpec => ({
      name,
      parameters: [optional('user', 'string'), optional('parameters', 'string')],
      routes: ['request', 'event'],
      summary: 'adds a Path with our address',
      compile:
        ([user, more]) =>
        (run) => {
          const { source, message, call } = run;
          const kamailio = run.env.dialect === 'kamailio';
          const given = textOf(more, run);
          const params = given === '' ? '' : `;${kamailio ? given : given.replace(/^;/, '')}`;
          const { socket } = source;
          const { asAlias, received: word, double } = run.env.modules.of(settings);
          const address = asAlias ? numberedAddress(source) : receivedUri(source, kamailio);
          const received = name === 'add_path' ? '' : `;${word}=${address}`;
          const info = textOf(user, run) === '' ? '' : `${textOf(user, run)}@`;
          const at =
            (kamailio ? message.nextField('path', message.headersStart)?.line : undefined) ?? message.headersEnd;
          const line = (shown: string): string =>
            `Path: <sip:${info}${shown};lr${received}${params}${double ? ';r2=on' : ''}>\r\n`;
          if (!kamailio) {
            const host = withoutDefaultPort(socket.sentBy);
            run.edits.insert(at, line(host));
            if (double) run.edits.insert(at, line(host));
            return 1;
          }
          const own = (by: SipSocket, sentBy: string): string =>
            line(`${withoutDefaultPort(sentBy)}${transportParameter('kamailio', by)}`);
          // As recorded, the next proxy reaches us by the socket that sends; msg_apply_changes() writes no address, since
          // that socket is not yet chosen.
          const leaving = (by: SipSocket): string => own(by, sentByOf(call, by));
          run.edits.add({ start: at, end: at, text: leaving(socket), early: line(''), leaving });
          // The second is that of the socket that received the request.
          if (double) run.edits.insert(at, own(socket, socket.sentBy));
          return 1;
        },
    }),
  ),
]);

/** With use_received a request whose Route has the address of a Path is sent there. */
export const pathHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [],
  routed: [
    (run) => {
      const { used, received: word, asAlias } = run.env.modules.of(settings);
      if (!used) return;
      const given = uriParam(run.call.matchedRouteParams ?? '', word.toLowerCase());
      if (given === undefined || given === '') return;
      const received = (asAlias ? uriOfAlias(given) : undefined) ?? percentDecoded(given);
      if (containsLineBreak(received)) return;
      // As recorded, Kamailio does not look at what is written there.
      if (run.env.dialect === 'kamailio' || parseUri(received) !== undefined) run.pvars.destinationUri = received;
    },
  ],
  acknowledged: [],
  cancelled: [],
};
