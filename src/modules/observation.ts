import {
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
} from './define.js';
import { kamailioFunction } from './kamailio-function.js';

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

/** Functions of Kamailio that are accepted but do nothing here: names with their maximum number of arguments. */
function accepted(functions: Readonly<Record<string, number>>, standIn: string): FunctionSpec[] {
  return Object.entries(functions).map(([name, max]) => ({
    name,
    dialects: KAMAILIO,
    parameters: Array.from({ length: max }, (_, i) => optional(`argument ${i + 1}`, 'string')),
    summary: `accepted; ${standIn}`,
    standIn,
    compile: () => () => 1,
  }));
}

/** Functions that only observe: without them calls are routed in the same way. */
export const observationFunctions: ScriptFunction[] = [
  ...moduleFunctions('sst', [
    kamailioFunction('sstCheckMin', 'flag', 'accepted; as recorded of 5.6.3, no session timer is too small', () => -1),
  ]),
  ...moduleFunctions('debugger', accepted({ dbg_pv_dump: 2, dbg_sip_msg: 2, dbg_breakpoint: 1 }, 'writes nothing')),
  ...moduleFunctions(
    'statsd',
    accepted(
      { statsd_incr: 1, statsd_decr: 1, statsd_set: 2, statsd_gauge: 2, statsd_start: 1, statsd_stop: 1 },
      'sends nothing to statsd: /metrics has the figures of the product',
    ),
  ),
  ...moduleFunctions('benchmark', [timer('bm_start_timer'), timer('bm_log_timer')]),
];
