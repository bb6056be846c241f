import { trimmed } from '../core/characters.js';
import type { PvarContext } from '../pvar/context.js';
import type { PvarValue } from '../pvar/value.js';
import { each, pick, type VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import { addBranch, type RequestBranch, thousandthsOf } from '../script/request-branches.js';
import { qParameter } from './contacts.js';
import { listed, numberIn, scopeOf } from './script-variable.js';

/** The branches that a script has added to the request, in order. */
export function branchesOf(scope: CfgScope): RequestBranch[] {
  const { call } = scope;
  if (call === undefined) return [];
  // As recorded, branch routes of Kamailio still see the branches that are being sent.
  const sending = scope.env.dialect === 'kamailio' && scope.run?.routeKind === 'branch';
  return sending ? call.takenBranches : call.branches;
}

/** All added branches as they stand in a Contact ($bR); null when there are none. */
export function branchList(scope: CfgScope): string | null {
  const all = branchesOf(scope).map(({ uri, q }) => {
    const parameter = qParameter(q);
    return parameter === '' ? uri : `<${uri}>${parameter}`;
  });
  return all.length === 0 ? null : all.join(', ');
}

/** The value of $branch(field). */
export function branchField(branch: RequestBranch | undefined, field: string, scope: CfgScope): PvarValue {
  if (branch === undefined) return null;
  switch (field) {
    case 'uri':
      return branch.uri;
    case 'dst_uri':
    case 'duri':
      return branch.destinationUri ?? null;
    case 'q':
      return scope.env.dialect === 'opensips' ? branch.q : branch.q === '' ? null : thousandthsOf(branch.q);
    case 'path':
      return branch.path === '' ? null : branch.path;
    case 'flags':
      return branch.flags;
    case 'send_socket':
    case 'socket':
      return branch.socket ?? null;
    default:
      return null;
  }
}

/** Writes a field of a branch; null empties it. */
export function setBranchField(branch: RequestBranch, field: string, value: PvarValue): void {
  const text = value === null ? undefined : String(value);
  switch (field) {
    case 'uri':
      branch.uri = text ?? '';
      break;
    case 'dst_uri':
    case 'duri':
      branch.destinationUri = text;
      break;
    case 'q':
      // A number is in thousandths, as it is read.
      branch.q = typeof value === 'number' ? String(value / 1000) : (text ?? '');
      break;
    case 'path':
      branch.path = text ?? '';
      break;
    case 'flags':
      branch.flags = numberIn(value) ?? 0;
      break;
    case 'send_socket':
    case 'socket':
      branch.socket = text;
      break;
  }
}

/** Adds a branch with this URI; does nothing when there are too many already. */
export function addUri({ call }: CfgScope, uri: string): void {
  if (call !== undefined) addBranch(call.branches, { uri });
}

/** Fields of a branch in either dialect. */
const BRANCH_FIELDS: ReadonlySet<string> = new Set(
  'uri dst_uri duri path q flags send_socket socket count ruid attrs last_received'.split(' '),
);

/** $branch(field)[index]; assigning without a field adds a branch. */
export const branch: VariableDefinition = {
  argument: 'optional',
  indexed: true,
  compile: (argument, index) => {
    if (argument === undefined) {
      return {
        get: () => null,
        set: (context, value) => {
          if (value !== null) addUri(scopeOf(context), String(value));
        },
      };
    }
    if (argument.constant !== undefined && !BRANCH_FIELDS.has(trimmed(argument.constant)))
      throw new Error(`needs one of ${[...BRANCH_FIELDS].join(', ')}`);
    const field = (context: PvarContext): string => argument.constant ?? argument.read(context);
    const count = (context: PvarContext) => branchesOf(scopeOf(context)).length;
    const at = (context: PvarContext, i: number) =>
      branchField(branchesOf(scopeOf(context))[i], field(context), scopeOf(context));
    const get = pick(index, count, at);
    const all = each(index, count, at);
    return {
      get: (context) => {
        if (field(context) === 'count') return count(context) || null;
        return index?.kind === 'all' && scopeOf(context).env.dialect === 'kamailio' ? at(context, 0) : get(context);
      },
      // As recorded, $(branch(uri)[*]) of Kamailio is the first one.
      all: (context) => (scopeOf(context).env.dialect === 'kamailio' ? [at(context, 0)] : (all?.(context) ?? [])),
      set: (context, value) => {
        const all = branchesOf(scopeOf(context));
        const i = index?.kind === 'at' ? index.read(context) : 0;
        const found = all[i < 0 ? all.length + i : i];
        if (found === undefined) return;
        if (value === null && field(context) === 'uri') all.splice(all.indexOf(found), 1);
        else setBranchField(found, field(context), value);
      },
    };
  },
};

/** OpenSIPS' $msg.branch.<field>: the request-URI is branch 0. */
export function messageBranch(field: string): [string, VariableDefinition] {
  const own0 = (scope: CfgScope): PvarValue => {
    switch (field) {
      case 'uri':
        return scope.requestUri ?? null;
      case 'duri':
        return scope.destinationUri ?? null;
      case 'q':
        return scope.call?.q ?? '';
      case 'socket':
        return scope.call?.sendSocket?.description ?? null;
      default:
        return null;
    }
  };
  return [
    `msg.branch.${field}`,
    listed(
      (scope) => branchesOf(scope).length + 1,
      (scope, i) => (i === 0 ? own0(scope) : branchField(branchesOf(scope)[i - 1], field, scope)),
      (scope, i, value) => {
        const found = i === 0 ? undefined : branchesOf(scope)[i - 1];
        if (found !== undefined) setBranchField(found, field, value);
        else if (i === 0 && field === 'uri' && value !== null) scope.setRequestUri(String(value));
        else if (i === 0 && field === 'duri') scope.destinationUri = value === null ? undefined : String(value);
      },
    ),
  ];
}

/** The branches, and unless `own` is false the request-URI, in the form of a Contact header. */
export function destinationSet(scope: CfgScope, own = true): PvarValue {
  const main = scope.requestUri === undefined || !own ? [] : [`<${scope.requestUri}>${qParameter(scope.call?.q)}`];
  return [...main, ...branchesOf(scope).map((each) => `<${each.uri}>${qParameter(each.q)}`)].join(', ');
}
