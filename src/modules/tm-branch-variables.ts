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

/** What a script keeps with one branch of a transaction. */
interface Kept {
  readonly avps: AvpStore;
  readonly attributes: Map<string, string | number>;
}

/** Attributes a branch may have. */
const MOST_ATTRIBUTES = 100;
/** Branches of one transaction with which something is kept: those of all failure routes together. */
const MOST_KEPT = 1000;

/** By the index of the branch: in a branch route the branch itself is not there yet. */
const keptOf = new PerCall<Map<number, Kept>, TransactionState>(() => new Map());

const ROUTES: ReadonlySet<string> = new Set(['branch', 'onreply', 'failure']);

function transactionOf(scope: CfgScope): TransactionState | undefined {
  return scope.run?.transaction ?? scope.call?.transaction;
}

/** The branch at hand: the one sent, the one a reply came from, the one that was chosen; undefined in other routes. */
function currentIndex(scope: CfgScope): number | undefined {
  const { run } = scope;
  return run !== undefined && ROUTES.has(run.routeKind) ? (run.branch?.index ?? scope.branchIndex) : undefined;
}

/** What is kept with a branch; undefined where nothing is. */
function known(scope: CfgScope, index: number | undefined): Kept | undefined {
  const transaction = transactionOf(scope);
  return transaction === undefined || index === undefined ? undefined : keptOf.known(transaction)?.get(index);
}

/** What is kept with a branch, begun where nothing is; undefined for an index no branch can have. */
function kept(scope: CfgScope, index: number | undefined): Kept | undefined {
  const transaction = transactionOf(scope);
  if (transaction === undefined || index === undefined || !(index >= 0 && index < MOST_KEPT)) return undefined;
  const all = keptOf.of(transaction);
  let one = all.get(index);
  if (one === undefined) all.set(index, (one = { avps: new AvpStore(), attributes: new Map() }));
  return one;
}

/** $bavp(name): an AVP of the branch at hand. */
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

/** The position of the branch an index names: none is the one at hand, negative ones count from the last. */
function position(context: PvarContext, index: IndexReader | undefined): number | undefined {
  const scope = scopeOf(context);
  if (index === undefined) return currentIndex(scope);
  if (index.kind !== 'at') return undefined;
  const i = index.read(context);
  return i < 0 ? (transactionOf(scope)?.branches.length ?? 0) + i : i;
}

/** The branch an index names. */
function branchAt(context: PvarContext, index: IndexReader | undefined): BranchState | undefined {
  const at = position(context, index);
  return transactionOf(scopeOf(context))?.branches.find((each) => each.index === at);
}

/** $tm.branch.<field>[index]: what a branch of the transaction was sent with, and what came back. */
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
        else if (attributes !== undefined && (attributes.size < MOST_ATTRIBUTES || attributes.has(key)))
          attributes.set(ownText(key), ownValue(value));
      },
    };
  },
};

/** Variables of OpenSIPS' tm about the branches of the transaction at hand. */
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
