import { ownText, ownValue } from '../core/own-text.js';
import { AvpStore } from '../pvar/avp-store.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { IndexReader, VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import { PerCall } from '../script/per-call.js';
import type { BranchState, TransactionState } from '../script/state.js';
import { flagBit, flagNames } from './flags.js';
import { numberIn, own, scopeOf } from './script-variable.js';
import { transactionId } from './suspended.js';

/** Values that a script keeps for one branch of a transaction. */
interface Kept {
  readonly avps: AvpStore;
  readonly attributes: Map<string, string | number>;
}

/** Maximum number of attributes of a branch. */
const MAX_ATTRIBUTES = 100;
/** Maximum number of branches of a transaction with such values, including those of failure routes. */
const MAX_KEPT = 1000;

/** By the index of the branch, since in a branch route the branch does not exist yet. */
const keptOf = new PerCall<Map<number, Kept>, TransactionState>(() => new Map());

const ROUTES: ReadonlySet<string> = new Set(['branch', 'onreply', 'failure']);

function transactionOf(scope: CfgScope): TransactionState | undefined {
  return scope.run?.transaction ?? scope.call?.transaction;
}

/**
 * Index of the current branch: the one being sent, the one of a reply, or the chosen one; undefined in other routes.
 */
function currentIndex(scope: CfgScope): number | undefined {
  const { run } = scope;
  return run !== undefined && ROUTES.has(run.routeKind) ? (run.branch?.index ?? scope.branchIndex) : undefined;
}

/** The values kept for a branch; undefined where there are none. */
function known(scope: CfgScope, index: number | undefined): Kept | undefined {
  const transaction = transactionOf(scope);
  return transaction === undefined || index === undefined ? undefined : keptOf.known(transaction)?.get(index);
}

/** The values kept for a branch, created if there are none; undefined for an impossible index. */
function kept(scope: CfgScope, index: number | undefined): Kept | undefined {
  const transaction = transactionOf(scope);
  if (transaction === undefined || index === undefined || !(index >= 0 && index < MAX_KEPT)) return undefined;
  const all = keptOf.of(transaction);
  let one = all.get(index);
  if (one === undefined) all.set(index, (one = { avps: new AvpStore(), attributes: new Map() }));
  return one;
}

/** $bavp(name): an AVP of the current branch. */
const branchAvp: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const name = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
    const store = (context: PvarContext) => kept(scopeOf(context), currentIndex(scopeOf(context)))?.avps;
    return {
      get: (context) => {
        const avps = known(scopeOf(context), currentIndex(scopeOf(context)))?.avps;
        if (index?.kind === 'all') return avps?.all(name(context)).join(', ') || null;
        return avps?.get(name(context), index?.kind === 'at' ? index.read(context) : 0) ?? null;
      },
      set: (context, value) => {
        if (value === null) store(context)?.delete(name(context));
        else store(context)?.push(ownText(name(context)), ownValue(value));
      },
    };
  },
};

/** The position of a branch by its index: without an index the current one; negative ones count from the last. */
function position(context: PvarContext, index: IndexReader | undefined): number | undefined {
  const scope = scopeOf(context);
  if (index === undefined) return currentIndex(scope);
  if (index.kind !== 'at') return undefined;
  const i = index.read(context);
  return i < 0 ? (transactionOf(scope)?.branches.length ?? 0) + i : i;
}

/** The branch with an index. */
function branchAt(context: PvarContext, index: IndexReader | undefined): BranchState | undefined {
  const at = position(context, index);
  return transactionOf(scopeOf(context))?.branches.find((each) => each.index === at);
}

/** $tm.branch.<field>[index]: what a branch of the transaction was sent with, and its reply. */
function branchField(read: (branch: BranchState) => PvarValue): VariableDefinition {
  return {
    argument: 'none',
    indexed: true,
    compile: (_argument, index) => ({
      get: (context) => {
        const found = branchAt(context, index);
        return found === undefined ? null : read(found);
      },
    }),
  };
}

const branchFlag: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const bit = 1 << flagBit(argument?.constant ?? '');
    return {
      get: (context) => {
        const found = branchAt(context, index);
        return found === undefined ? null : (found.flags & bit) === 0 ? 0 : 1;
      },
      set: (context, value) => {
        const found = branchAt(context, index);
        if (found !== undefined) found.flags = (numberIn(value) ?? 0) !== 0 ? found.flags | bit : found.flags & ~bit;
      },
    };
  },
};

const branchAttribute: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const name = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
    const of = (context: PvarContext) => kept(scopeOf(context), position(context, index))?.attributes;
    return {
      get: (context) => known(scopeOf(context), position(context, index))?.attributes.get(name(context)) ?? null,
      set: (context, value) => {
        const attributes = of(context);
        const key = name(context);
        if (value === null) attributes?.delete(key);
        else if (attributes !== undefined && (attributes.size < MAX_ATTRIBUTES || attributes.has(key)))
          attributes.set(ownText(key), ownValue(value));
      },
    };
  },
};

/** Variables of OpenSIPS' tm about the branches of the current transaction. */
export const transactionBranchVariables: readonly [string, VariableDefinition][] = [
  ['bavp', branchAvp],
  [
    'T_id',
    own((scope) => {
      const transaction = transactionOf(scope);
      if (transaction === undefined) return null;
      const { index, label } = transactionId(transaction);
      return `${index.toString(16)}.${label.toString(16)}`;
    }),
  ],
  ['tm.branch.uri', branchField((branch) => branch.requestUri)],
  ['tm.branch.duri', branchField((branch) => branch.destinationUri ?? null)],
  ['tm.branch.flags', branchField((branch) => flagNames(branch.flags).replaceAll(' ', ','))],
  ['tm.branch.socket', branchField((branch) => branch.client?.target.socket.description ?? null)],
  ['tm.branch.last_received', branchField(({ local, status }) => (local || status === 0 ? null : status))],
  ['tm.branch.type', branchField(() => 'sip')],
  ['tm.branch.flag', branchFlag],
  ['tm.branch.attr', branchAttribute],
];
