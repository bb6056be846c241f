import { targetFunctions } from '../route/functions/targets.js';
import type { MessageRun } from '../script/call.js';
import type { RequestBranch } from '../script/request-branches.js';
import { cfgActions } from './actions.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
} from './define.js';
import { sharedFunctions } from './shared.js';

const branches: FunctionSpec[] = [
  ...['remove_msg_branch', 'swap_msg_branches', 'move_msg_branch', 'swap_branches', 'move_branch'].map(
    (name): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      ...(name.includes('msg') ? {} : { until: 3 }),
      parameters: [
        param('index', 'int'),
        ...(name === 'remove_msg_branch' ? [] : [param('other index', 'int')]),
        ...(name.startsWith('move') ? [optional('keep', 'string')] : []),
      ],
      summary: 'false, as recorded: branches stay in their order',
      compile: () => () => -1,
    }),
  ),
  {
    name: 'remove_branch',
    until: 3,
    dialects: OPENSIPS,
    parameters: [param('index', 'int')],
    summary: 'takes a branch away',
    compile:
      ([index]) =>
      (run) => {
        const at = (index as Arg).int(run) ?? -1;
        return code(at >= 0 && run.call.branches.splice(at - 1, 1).length > 0);
      },
  },
  {
    name: 'remove_branch',
    dialects: KAMAILIO,
    parameters: [optional('index', 'int')],
    keepsReturnCode: true,
    summary: 'takes a branch away',
    compile:
      ([index]) =>
      (run) =>
        code(run.call.branches.splice(index === undefined ? -1 : ((index as Arg).int(run) ?? 0), 1).length > 0),
  },
  {
    name: 'clear_branches',
    dialects: KAMAILIO,
    keepsReturnCode: true,
    summary: 'takes all added branches away',
    compile: () => (run) => {
      run.call.branches = [];
      return 1;
    },
  },
  {
    name: 'serialize_branches',
    dialects: OPENSIPS,
    parameters: [param('clear', 'int'), optional('keep order', 'int')],
    summary: 'puts the branches aside, to be tried one after the other by q',
    compile: () => (run) => {
      const { call } = run;
      const all: RequestBranch[] = [
        {
          uri: call.requestUri,
          destinationUri: run.pvars.destinationUri,
          q: call.q ?? '',
          path: '',
          flags: call.branchFlags,
          socket: undefined,
        },
        ...call.branches,
      ];
      const value = (q: string): number => (q === '' ? -1 : Number(q) > 1 ? Number(q) / 1000 : Number(q));
      if (all.length === 1) {
        call.serial = [];
        return 1;
      }
      call.serial = all
        .map((each, i) => ({ each, i }))
        .sort((a, b) => value(b.each.q) - value(a.each.q) || a.i - b.i)
        .map(({ each }) => each);
      call.branches = [];
      return 1;
    },
  },
  {
    name: 'next_branches',
    dialects: OPENSIPS,
    parameters: [],
    routes: ['request', 'failure'],
    summary: 'takes the next branches of those that were put in order',
    compile: () => (run) => nextBranches(run),
  },
];

/** Takes the branches of the best q that serialize_branches() put aside. */
function nextBranches(run: MessageRun): number {
  const { call } = run;
  const [first, ...rest] = call.serial;
  if (first === undefined) return -1;
  const value = (q: string): number => (Number(q) > 1 ? Number(q) / 1000 : Number(q));
  const same = rest.filter((each) => value(each.q) === value(first.q));
  call.serial = rest.slice(same.length);
  run.pvars.setRequestUri(first.uri);
  run.pvars.destinationUri = first.destinationUri;
  call.q = first.q;
  call.branches = same;
  return call.serial.length === 0 ? 2 : 1;
}

const shared = targetFunctions(cfgActions);

/** Functions of the cores about the branches a request is sent to. */
export const branchFunctions: ScriptFunction[] = [
  ...sharedFunctions('core', OPENSIPS, shared.opensips),
  ...sharedFunctions('core', KAMAILIO, shared.kamailio),
  ...moduleFunctions('core', branches),
];
