import type { MessageRun } from '../../script/call.js';
import {
  type Arg,
  type Args,
  code,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { balancerOf } from './balancer.js';
import { count, destinationAt, disable, isStarted, next, reset, resourcesOf, start } from './session.js';

const ROUTES: FunctionSpec['routes'] = ['request', 'branch', 'failure'];

/** The flags argument. In 1.x "1" in this position is an algorithm, relative load, which flag r stands for today. */
function flagsOf(arg: Arg | undefined, run: MessageRun): string {
  const text = textOf(arg, run);
  return text === '1' ? 'r' : text;
}

/** Writes the attributes of the chosen destination into a variable. */
function attributes(run: MessageRun, result: number, target: Arg | undefined): number {
  if (result !== 1 || target === undefined) return result;
  const uri = run.pvars.destinationUri;
  for (const each of balancerOf(run).all(run.env)) {
    if (each.uri !== uri) continue;
    target.variable?.assign(run.pvars, each.row.attributes);
    break;
  }
  return result;
}

function starting(run: MessageRun, [group, resources, flags, attrs]: Args): number {
  const result = start(run, intOf(group, run, 0), resourcesOf(textOf(resources, run)), flagsOf(flags, run));
  return attributes(run, result, attrs);
}

const START = [
  param('group', 'int'),
  param('resources', 'string'),
  optional('flags', 'string'),
  optional('attributes', 'writable'),
];

const functions: readonly Omit<FunctionSpec, 'dialects'>[] = [
  {
    name: 'lb_start',
    parameters: START,
    routes: ROUTES,
    summary:
      'sets $du to the destination of a group with the largest free capacity for some resources; flags n, r and s as documented',
    compile: (args) => (run) => starting(run, args),
  },
  {
    name: 'lb_next',
    parameters: [optional('attributes', 'writable')],
    routes: ROUTES,
    summary: 'sets $du to the next destination',
    compile:
      ([attrs]) =>
      (run) =>
        attributes(run, next(run), attrs),
  },
  ...['lb_start_or_next', 'load_balance'].map(
    (name): Omit<FunctionSpec, 'dialects'> => ({
      name,
      parameters: START,
      routes: ROUTES,
      summary: 'lb_start() for the first destination, lb_next() for those after it',
      compile: (args) => (run) => (isStarted(run) ? attributes(run, next(run), args[3]) : starting(run, args)),
    }),
  ),
  {
    name: 'lb_reset',
    routes: ROUTES,
    summary: 'ends the session of the call and releases its resources',
    compile: () => (run) => {
      reset(run);
      return 1;
    },
  },
  {
    name: 'lb_is_started',
    routes: ROUTES,
    summary: 'whether lb_start() has begun a session',
    compile: () => (run) => code(isStarted(run)),
  },
  ...['lb_disable_dst', 'lb_disable'].map(
    (name): Omit<FunctionSpec, 'dialects'> => ({
      name,
      routes: ['request', 'failure'],
      summary: 'disables the last used destination until it answers a probe',
      compile: () => disable,
    }),
  ),
  {
    name: 'lb_is_destination',
    parameters: [
      param('address', 'string'),
      param('port', 'int'),
      optional('group', 'int'),
      optional('active', 'int'),
      optional('attributes', 'writable'),
    ],
    summary: 'whether an address belongs to a destination',
    compile:
      ([address, port, group, active, attrs]) =>
      (run) => {
        const where = { address: textOf(address, run), port: intOf(port, run, 0), group: intOf(group, run, -1) };
        const found = destinationAt(run, where, intOf(active, run, 0) !== 0);
        if (found !== undefined) attrs?.variable?.assign(run.pvars, found.row.attributes);
        return code(found !== undefined);
      },
  },
  {
    name: 'lb_count_call',
    parameters: [
      param('address', 'string'),
      param('port', 'int'),
      param('group', 'int'),
      param('resources', 'string'),
      optional('undo', 'int'),
    ],
    routes: ROUTES,
    summary: 'counts a call that the script has routed itself for a destination, or ends that counting',
    compile:
      ([address, port, group, resources, undo]) =>
      (run) =>
        count(
          run,
          { address: textOf(address, run), port: intOf(port, run, 0), group: intOf(group, run, -1) },
          resourcesOf(textOf(resources, run)),
          intOf(undo, run, 0) !== 0,
        ),
  },
];

/** The functions of load_balancer. */
export const loadBalancerFunctions: ScriptFunction[] = moduleFunctions(
  'load_balancer',
  functions.map((each) => ({ ...each, dialects: OPENSIPS })),
);
