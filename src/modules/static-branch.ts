import { trimmed } from '../core/characters.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { addBranch, type RequestBranch } from '../script/request-branches.js';
import { branchField, setBranchField } from './branch-variables.js';
import { code, type FunctionSpec } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { scopeOf } from './script-variable.js';

/**
 * The branch that $sbranch(field) writes. There is one for the process; scripts set its fields and then add it to a
 * request.
 */
const kept = {
  module: 'pv',
  create: (): { branch: RequestBranch } => ({ branch: emptyBranch() }),
};

function emptyBranch(): RequestBranch {
  return { uri: '', destinationUri: undefined, q: '', path: '', flags: 0, socket: undefined };
}

const branchOf = (env: ScriptEnvironment): { branch: RequestBranch } => env.modules.of(kept);

const FIELDS = [
  'uri',
  'dst_uri',
  'path',
  'q',
  'send_socket',
  'flags',
  'count',
  'ruid',
  'location_ua',
  'otcpid',
  'instance',
];

/** $sbranch(field) of Kamailio's pv. */
export const staticBranchVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const field = trimmed(argument?.constant ?? '');
    if (!FIELDS.includes(field)) throw new Error(`needs one of ${FIELDS.join(', ')}`);
    return {
      get: (context: PvarContext): PvarValue => {
        const scope = scopeOf(context);
        const { branch } = branchOf(scope.env);
        if (field === 'count') return 0;
        return branch.uri === '' ? null : field === 'q' && branch.q === '' ? 0 : branchField(branch, field, scope);
      },
      set: (context: PvarContext, value: PvarValue) => {
        const { branch } = branchOf(scopeOf(context).env);
        // As recorded, a number is ignored for a field with a text.
        if (typeof value === 'number' && field !== 'q' && field !== 'flags') return;
        // As recorded, q is given in thousandths; a text is ignored.
        if (field !== 'q') setBranchField(branch, field, value);
        else if (typeof value === 'number') branch.q = String(value / 1000);
      },
    };
  },
};

function setRequestUri(run: MessageRun): number {
  const { branch } = branchOf(run.env);
  if (branch.uri === '') return -1;
  run.pvars.setRequestUri(branch.uri);
  run.pvars.destinationUri = branch.destinationUri;
  const { call } = run;
  call.q = branch.q === '' ? undefined : branch.q;
  call.branchFlags = branch.flags;
  if (branch.socket !== undefined) call.sendSocket = run.env.socket(branch.socket) ?? call.sendSocket;
  return 1;
}

/** sbranch_*() of Kamailio's pv. */
export const staticBranchFunctions: FunctionSpec[] = [
  kamailioFunction('sbranch_set_ruri', '', 'makes the branch of $sbranch() the target of the request', setRequestUri),
  kamailioFunction('sbranch_append', '', 'adds the branch of $sbranch() to those of the request', (run) => {
    const { branch } = branchOf(run.env);
    return code(branch.uri !== '' && addBranch(run.call.branches, branch, run.env.maxBranches));
  }),
  kamailioFunction('sbranch_reset', '', 'empties the branch of $sbranch()', (run) => {
    branchOf(run.env).branch = emptyBranch();
    return 1;
  }),
];
