import type { PvarContext } from '../pvar/context.js';
import type { PvarValue } from '../pvar/value.js';
import {
  each,
  type IndexReader,
  pick,
  plain,
  type TextReader,
  type VariableDefinition,
} from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';

/** The scope of a cfg script. The context that variables of cfg files get always is one. */
export const scopeOf = (context: PvarContext): CfgScope => context as CfgScope;

/** A variable without argument and index, with a reader and optionally a writer for the scope of a cfg script. */
export function own(
  get: (scope: CfgScope) => PvarValue,
  set?: (scope: CfgScope, value: PvarValue) => void,
): VariableDefinition {
  const read = (context: PvarContext): PvarValue => get(scopeOf(context));
  return set === undefined ? plain(read) : plain(read, (context, value) => set(scopeOf(context), value));
}

/** A value as a number; undefined for null and for a text that is not one. */
export function numberIn(value: PvarValue): number | undefined {
  const number = typeof value === 'number' ? value : Number(value ?? Number.NaN);
  return Number.isNaN(number) ? undefined : number;
}

/** A variable over a list; index and "[*]" work as for header fields. */
export function listed(
  count: (scope: CfgScope) => number,
  at: (scope: CfgScope, index: number) => PvarValue,
  set?: (scope: CfgScope, index: number, value: PvarValue) => void,
): VariableDefinition {
  return {
    argument: 'none',
    indexed: true,
    compile: (_argument: TextReader | undefined, index: IndexReader | undefined) => {
      const size = (context: PvarContext) => count(scopeOf(context));
      const value = (context: PvarContext, i: number) => at(scopeOf(context), i);
      return {
        get: pick(index, size, value),
        all: each(index, size, value),
        ...(set === undefined
          ? {}
          : {
              set: (context: PvarContext, given: PvarValue) =>
                set(scopeOf(context), index?.kind === 'at' ? index.read(context) : 0, given),
            }),
      };
    },
  };
}
