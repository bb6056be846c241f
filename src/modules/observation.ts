import { type FunctionSpec, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction } from './define.js';

const TRACED = 'traces nothing: calls are followed by "switchyard trace", or by "hep" in switchyard.json';

function trace(name: string): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [
      optional('trace', 'string'),
      optional('scope', 'string'),
      optional('types', 'string'),
      optional('user', 'string'),
      optional('correlation', 'string'),
    ],
    summary: 'accepted; see "switchyard trace"',
    standIn: TRACED,
    compile: () => () => 1,
  };
}

function timer(name: string): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('timer', 'string')],
    summary: 'accepted; nothing is measured',
    standIn: 'measures nothing',
    compile: () => () => 1,
  };
}

/** Functions that only look: what a file calls for it does not change where a call goes. */
export const observationFunctions: ScriptFunction[] = [
  ...moduleFunctions('tracer|siptrace', [trace('trace'), trace('sip_trace')]),
  ...moduleFunctions('benchmark', [timer('bm_start_timer'), timer('bm_log_timer')]),
];
