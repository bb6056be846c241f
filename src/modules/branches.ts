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
  ...['remove_msg_branch', 'remove_branch'].map(
    (name): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      ...(name.includes('msg') ? {} : { until: 3 }),
      parameters: [param('index', 'int')],
      summary: 'removes an added branch; the first has index 0',
      compile:
        ([index]) =>
        (run) => {
          const { branches } = run.call;
          const at = (index as Arg).int(run) ?? -1;
          return code(at >= 0 && branches.splice(at, 1).length > 0);
        },
    }),
  ),
  ...['swap_msg_branches', 'swap_branches'].map(
    (name): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      parameters: [optional('index', 'int'), optional('other index', 'int')],
      summary: 'exchanges two added branches; an omitted index means the request-URI',
      compile:
        ([one, other]) =>
        (run) => {
          const from = branchAt(run, one);
          const to = branchAt(run, other);
          if (from === undefined || to === undefined) return -1;
          const kept = from.get();
          from.set(to.get());
          to.set(kept);
          return 1;
        },
    }),
  ),
  ...['move_msg_branch', 'move_branch'].map(
    (name): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      parameters: [optional('index', 'int'), optional('other index', 'int'), optional('keep', 'string')],
      summary:
        'replaces a branch by another added one; an omitted index means the request-URI; "keep" also leaves it where it was',
      compile:
        ([from, to, keep]) =>
        (run) => {
          const source = branchAt(run, from);
          const target = branchAt(run, to);
          if (source === undefined || target === undefined) return -1;
          target.set(source.get());
          if (source.index !== undefined && source.index !== target.index && keep?.string(run) !== 'keep')
            run.call.branches.splice(source.index, 1);
          return 1;
        },
    }),
  ),
  {
    name: 'remove_branch',
    dialects: KAMAILIO,
    parameters: [optional('index', 'int')],
    keepsReturnCode: true,
    summary: 'removes a branch',
    compile:
      ([index]) =>
      (run) =>
        code(run.call.branches.splice(index === undefined ? -1 : ((index as Arg).int(run) ?? 0), 1).length > 0),
  },
  {
    name: 'clear_branches',
    dialects: KAMAILIO,
    keepsReturnCode: true,
    summary: 'removes all added branches',
    compile: () => (run) => {
      run.call.branches = [];
      // As recorded, t_relay() then has nothing to send until $ru or $du is written again.
      run.call.scope.changed = false;
      return 1;
    },
  },
  {
    name: 'serialize_branches',
    dialects: OPENSIPS,
    parameters: [param('clear', 'int'), optional('keep order', 'int')],
    summary: 'keeps the branches for later attempts in the order of q',
    compile: () => (run) => {
      const { call } = run;
      const all: RequestBranch[] = [requestBranch(run), ...call.branches];
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
    summary: 'takes the next of the serialized branches',
    compile: () => (run) => nextBranches(run),
  },
];

/** The request-URI with its properties, as a branch. */
function requestBranch({ call, pvars }: MessageRun): RequestBranch {
  return {
    uri: call.requestUri,
    destinationUri: pvars.destinationUri,
    q: call.q ?? '',
    path: '',
    flags: call.branchFlags,
    socket: undefined,
  };
}

/** An added branch, or the request-URI with its properties, that can be read and replaced as a whole. */
interface BranchSlot {
  /** Undefined for the request-URI. */
  readonly index: number | undefined;
  get(): RequestBranch;
  set(branch: RequestBranch): void;
}

/** The branch with an index, or without an index the request-URI; undefined when there is no such branch. */
function branchAt(run: MessageRun, index: Arg | undefined): BranchSlot | undefined {
  const { call, pvars } = run;
  if (index === undefined) {
    return {
      index: undefined,
      get: () => requestBranch(run),
      set: (branch) => {
        pvars.setRequestUri(branch.uri);
        pvars.destinationUri = branch.destinationUri;
        call.q = branch.q;
        call.branchFlags = branch.flags;
      },
    };
  }
  const at = index.int(run);
  if (at === undefined || call.branches[at] === undefined) return undefined;
  return {
    index: at,
    get: () => call.branches[at] as RequestBranch,
    set: (branch) => {
      call.branches[at] = branch;
    },
  };
}

/** Makes the serialized branches (serialize_branches()) with the highest q the current ones. */
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
