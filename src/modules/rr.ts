import { uriParam } from '../core/uri.js';
import { RECORDS, targetFunctions } from '../route/functions/targets.js';
import type { MessageRun } from '../script/call.js';
import { containsLineBreak } from '../script/outgoing.js';
import type { SipMessage } from '../sip/message.js';
import { cfgActions } from './actions.js';
import {
  type Arg,
  BOTH,
  code,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { exactly } from './patterns.js';
import { looseRoute, PRELOADED, recordRoute, routeParams } from './record-routing.js';
import { sharedFunctions } from './shared.js';

/** Whether a request has the wanted direction in its dialog, by the ftag of our Route and its From tag. */
function direction(run: MessageRun, message: SipMessage, wanted: string): number {
  const params = routeParams(run);
  const ftag = params === undefined ? undefined : uriParam(params, 'ftag');
  const downstream = ftag === undefined || ftag === message.fromTag;
  return code((wanted === 'downstream') === downstream);
}

const { rr: shared } = targetFunctions(cfgActions);

/** Functions of rr: Record-Route and Route. */
export const rrFunctions: ScriptFunction[] = [
  ...sharedFunctions('rr', BOTH, shared),
  ...moduleFunctions('rr', [
    {
      name: 'loose_route_preloaded',
      dialects: KAMAILIO,
      routes: ['request'],
      summary: 'follows a Route; true for a request that begins a dialog and whose Route names only this proxy',
      compile: () => (run) => code(looseRoute(run) === PRELOADED),
    },
    {
      name: 'rr_next_hop_route',
      dialects: KAMAILIO,
      summary: 'whether loose_route() has found a further Route after that of this proxy',
      compile: () => (run) => code(run.call.nextHopRoute),
    },
    {
      name: 'loose_route_mode',
      dialects: KAMAILIO,
      parameters: [param('mode', 'int')],
      routes: ['request'],
      summary: 'follows the Route of the request',
      compile: () => looseRoute,
    },
    {
      name: 'record_route_preset',
      parameters: [param('address', 'string'), optional('second address', 'string')],
      routes: RECORDS,
      summary: 'adds Record-Route with a given address',
      compile:
        ([address, second]) =>
        (run) => {
          const addresses = [address, second].filter((each) => each !== undefined).map((each) => textOf(each, run));
          const noted = recordRoute(run, '', addresses);
          // As recorded, its ftag is the From tag, whatever direction the request has.
          run.call.upstream = false;
          return noted;
        },
    },
    {
      name: 'record_route_advertised_address',
      dialects: KAMAILIO,
      parameters: [param('address', 'string')],
      routes: RECORDS,
      summary: 'adds Record-Route with a given address',
      compile:
        ([address]) =>
        (run) =>
          recordRoute(run, '', [textOf(address, run)], undefined, true),
    },
    {
      name: 'add_rr_param',
      parameters: [param('parameter', 'string')],
      routes: RECORDS,
      summary: 'adds a parameter to our Record-Route',
      compile:
        ([value]) =>
        (run) => {
          const { call } = run;
          const text = textOf(value, run);
          if (containsLineBreak(text)) return -1;
          call.rrParams = run.env.dialect === 'opensips' ? text + call.rrParams : call.rrParams + text;
          return 1;
        },
    },
    {
      name: 'check_route_param',
      parameters: [param('pattern', 'regex')],
      routes: ['request', 'branch', 'failure', 'onreply', 'event', 'local'],
      summary: 'whether the parameters of our Route match',
      compile:
        ([pattern]) =>
        (run) => {
          const params = routeParams(run);
          if (params === undefined) return -1;
          const regex = (pattern as Arg).regex(run) ?? exactly(textOf(pattern, run));
          return code(regex.test(params));
        },
    },
    {
      name: 'is_direction',
      parameters: [param('direction', 'string', { values: ['downstream', 'upstream'] })],
      routes: ['request', 'branch', 'failure', 'onreply', 'event', 'local'],
      summary: "whether a request has the direction of the dialog's first one, or the opposite",
      compile:
        ([wanted]) =>
        (run) =>
          direction(run, run.call.message, textOf(wanted, run).toLowerCase()),
    },
    {
      name: 'remove_record_route',
      dialects: KAMAILIO,
      summary: 'removes our Record-Route',
      compile: () => (run) => {
        run.call.recordRouting = [];
        run.call.laterRouting = undefined;
        return 1;
      },
    },
  ]),
];
