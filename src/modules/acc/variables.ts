import type { PvarContext, PvarValue } from '../../pvar/context.js';
import { plain, type VariableDefinition } from '../../pvar/variables/definition.js';
import type { CfgScope } from '../../script/call.js';
import { type AccContext, accounting } from './account.js';

function contextOf(context: PvarContext): AccContext | undefined {
  const { env, call } = context as CfgScope;
  return call === undefined ? undefined : env.modules.of(accounting).context(call);
}

/** Maximum length of one value. */
const MAX_CHARACTERS = 1024;

function keep(values: Map<string, PvarValue> | undefined, name: string, value: PvarValue): void {
  if (values === undefined) return;
  if (value === null) values.delete(name);
  else if (values.has(name) || values.size < 64)
    values.set(name, typeof value === 'string' ? value.slice(0, MAX_CHARACTERS) : value);
}

/** $acc_extra(tag). */
const extra: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const tag = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
    return {
      get: (context) => contextOf(context)?.extra.get(tag(context)) ?? null,
      set: (context, value) => keep(contextOf(context)?.extra, tag(context), value),
    };
  },
};

/** $(acc_leg(tag)[n]); without an index the last leg. */
const leg: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const tag = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
    const at = (context: PvarContext): Map<string, PvarValue> | undefined => {
      const legs = contextOf(context)?.legs;
      return index?.kind === 'at' ? legs?.at(index.read(context)) : legs?.at(-1);
    };
    return {
      get: (context) => at(context)?.get(tag(context)) ?? null,
      set: (context, value) => keep(at(context), tag(context), value),
    };
  },
};

/** Variables of OpenSIPS' acc module. */
export const accVariables: readonly [string, VariableDefinition][] = [
  ['acc_extra', extra],
  ['acc_leg', leg],
  [
    'acc_current_leg',
    plain((context) => {
      const count = contextOf(context)?.legs.length ?? 0;
      return count === 0 ? null : count - 1;
    }),
  ],
];
