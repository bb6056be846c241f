import type { DialectName } from '../cfg/function-table.js';
import type { PvarValue } from '../pvar/value.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import { flagBit, flagNames, scriptFlagMask, setScriptFlags } from './flags.js';
import { numberIn, own, scopeOf } from './script-variable.js';

function hexMask(mask: number): string {
  return (mask >>> 0).toString(16).padStart(8, '0');
}

/** Variables of flags: a number in Kamailio, names in OpenSIPS. */
export function flagVariables(dialect: DialectName): [string, VariableDefinition][] {
  const message = (scope: CfgScope) => scope.call?.flags ?? 0;
  // For a reply the flags of its branch; elsewhere those of the first branch, as isbflagset() uses them.
  const replying = ({ run }: CfgScope) => (run?.routeKind === 'onreply' ? run.branch : undefined);
  const branch = (scope: CfgScope) => replying(scope)?.flags ?? scope.call?.branchFlags ?? 0;
  if (dialect === 'opensips') {
    const flag: VariableDefinition = {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        const bit = flagBit(argument?.constant ?? '');
        return {
          get: (context) => ((message(scopeOf(context)) & (1 << bit)) === 0 ? 'false' : 'true'),
          set: (context, value) => {
            const { call } = scopeOf(context);
            if (call === undefined) return;
            const on = value === 'true' || (numberIn(value) ?? 0) !== 0;
            call.flags = on ? call.flags | (1 << bit) : call.flags & ~(1 << bit);
          },
        };
      },
    };
    const branchFlag: VariableDefinition = {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        const bit = 1 << flagBit(argument?.constant ?? '');
        return {
          get: (context) => ((branch(scopeOf(context)) & bit) === 0 ? 'false' : 'true'),
          set: (context, value) => {
            const scope = scopeOf(context);
            const on = value === 'true' || (numberIn(value) ?? 0) !== 0;
            const mask = on ? branch(scope) | bit : branch(scope) & ~bit;
            const of = replying(scope);
            if (of !== undefined) of.flags = mask;
            else if (scope.call !== undefined) scope.call.branchFlags = mask;
          },
        };
      },
    };
    return [
      ['mf', own((scope) => flagNames(message(scope)))],
      ['bf', own((scope) => flagNames(branch(scope)))],
      ['branch.flag', branchFlag],
      ['msg.branch.flag', branchFlag],
      ['msg.flag', flag],
    ];
  }
  const set = (write: (scope: CfgScope, mask: number) => void) => (scope: CfgScope, value: PvarValue) => {
    // As recorded, a text is ignored, and null is 0.
    if (typeof value !== 'string') write(scope, (value ?? 0) | 0);
  };
  const setMessage = set((s, mask) => void (s.call !== undefined && (s.call.flags = mask)));
  const setBranch = set((s, mask) => void (s.call !== undefined && (s.call.branchFlags = mask)));
  const setScript = set((s, mask) => setScriptFlags(s.env, mask));
  return [
    ['mf', own((s) => message(s) >>> 0, setMessage)],
    ['mF', own((s) => hexMask(message(s)), setMessage)],
    ['bf', own((s) => branch(s) >>> 0, setBranch)],
    ['bF', own((s) => hexMask(branch(s)), setBranch)],
    ['sf', own((s) => scriptFlagMask(s.env) >>> 0, setScript)],
    ['sF', own((s) => hexMask(scriptFlagMask(s.env)), setScript)],
  ];
}
