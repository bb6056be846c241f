import { parseUri, percentDecoded, uriParam } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { sentBy as sentByOf } from '../script/forwarding.js';
import type { ScriptHooks } from '../script/hooks.js';
import { containsLineBreak } from '../script/outgoing.js';
import { type FunctionSpec, moduleFunctions, optional, type ScriptFunction, textOf } from './define.js';

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
          const params = textOf(more, run) === '' ? '' : `;${textOf(more, run).replace(/^;/, '')}`;
          const { transport } = source.socket;
          const sentBy = kamailio ? sentByOf(call, source.socket) : source.socket.sentBy;
          const host = sentBy.endsWith(':5060') ? sentBy.slice(0, -5) : sentBy;
          const received =
            name === 'add_path'
              ? ''
              : `;received=sip:${source.address}:${source.port}${transport === 'udp' ? '' : `%3Btransport%3D${transport}`}`;
          const info = textOf(user, run) === '' ? '' : `${textOf(user, run)}@`;
          run.edits.insert(
            (kamailio ? message.nextField('path', message.headersStart)?.line : undefined) ?? message.headersEnd,
            `Path: <sip:${info}${host};lr${received}${params}>\r\n`,
          );
          return 1;
        },
    }),
  ),
]);

/** Whether the received parameter of our Route is where the request goes: use_received. */
const usesReceived = {
  module: 'path',
  create: (parameters: ModuleParameters): boolean => parameters.flag('use_received', false),
};

/** With use_received a request whose Route has the address of a Path is sent there. */
export const pathHooks: ScriptHooks<MessageRun> = {
  began: [],
  routed: [
    (run) => {
      if (!run.env.modules.of(usesReceived)) return;
      const given = uriParam(run.call.matchedRouteParams ?? '', 'received');
      if (given === undefined) return;
      const received = percentDecoded(given);
      if (!containsLineBreak(received) && parseUri(received) !== undefined) run.pvars.destinationUri = received;
    },
  ],
  acknowledged: [],
  cancelled: [],
};
