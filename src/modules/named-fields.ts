import { trimmed } from '../core/characters.js';
import type { PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import { scopeOf } from './script-variable.js';

/** A variable whose argument is one of a few words; other words are refused at load. */
export function byWord(readers: Readonly<Record<string, (scope: CfgScope) => PvarValue>>): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const word = trimmed(argument?.constant ?? '');
      const read = Object.hasOwn(readers, word) ? readers[word] : undefined;
      if (read === undefined) throw new Error(`needs one of ${Object.keys(readers).join(', ')}`);
      return { get: (context) => read(scopeOf(context)) };
    },
  };
}
