import type { PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import type { TransactionState } from '../script/state.js';
import { branchesOf } from './branch-variables.js';
import { byWord } from './named-fields.js';
import { own, scopeOf } from './script-variable.js';
import { nextTransactionId, transactionId } from './suspended.js';

function transactionOf(scope: CfgScope): TransactionState | undefined {
  return scope.run?.transaction ?? scope.call?.transaction;
}

function idPart(part: 'index' | 'label'): (scope: CfgScope) => PvarValue {
  return (scope) => {
    const transaction = transactionOf(scope);
    return transaction === undefined ? null : transactionId(transaction)[part];
  };
}

/** $T_inv($x): a variable of the INVITE that a CANCEL refers to. */
const cancelledInvite: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({
    get: (context) => {
      const { call, env } = scopeOf(context);
      if (call === undefined || call.message.method !== 'CANCEL' || argument === undefined) return null;
      const owner = env.layer.cancelled(call.message)?.owner as
        | { readonly call?: { readonly scope: CfgScope } }
        | undefined;
      return owner?.call === undefined ? null : argument.read(owner.call.scope);
    },
  }),
};

/** Variables of Kamailio's tm and tmx about the current transaction. */
export const transactionVariables: readonly (readonly [string, VariableDefinition])[] = [
  [
    'T',
    byWord({
      id_index: idPart('index'),
      id_label: idPart('label'),
      id_index_n: () => nextTransactionId().index,
      id_label_n: () => nextTransactionId().label,
      reply_code: (scope) => scope.txCode ?? scope.replyCode ?? scope.call?.transaction?.lastStatus ?? 0,
      reply_type: (scope) => (transactionOf(scope) === undefined ? null : 0),
      reply_reason: (scope) => scope.txReason ?? scope.replyReason ?? '',
      ruid: () => null,
      uri: (scope) => scope.run?.branch?.requestUri ?? null,
      flags: (scope) => scope.run?.branch?.flags ?? null,
      // Values of "@tm.method" and similar selects.
      '@tm.method': (scope) => (transactionOf(scope) === undefined ? null : (scope.call?.message.method ?? null)),
      '@tm.uas.status': (scope) => transactionOf(scope)?.lastStatus ?? null,
      '@tm.uac.count': (scope) => transactionOf(scope)?.branches.length ?? null,
      branch_index: (scope) => {
        const kind = scope.run?.routeKind;
        // As recorded, an event route that runs within a failure route has none.
        if (kind === 'event') return 0;
        return kind === 'request' ? branchesOf(scope).length : scope.branchIndex;
      },
    }),
  ],
  [
    'T_branch',
    byWord({
      // As recorded, a failure route does not know it.
      uri: (scope) => (scope.run?.routeKind === 'failure' ? null : (scope.run?.branch?.requestUri ?? null)),
      flags: (scope) => scope.run?.branch?.flags ?? null,
    }),
  ],
  ['T_inv', cancelledInvite],
  // As recorded, empty outside reply routes.
  ['T_reply_last', own((scope) => (scope.run?.routeKind === 'onreply' ? (scope.replyCode ?? '') : ''))],
  ['T_reply_ruid', own(() => '')],
];
