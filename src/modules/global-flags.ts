import type { DialectName } from '../cfg/function-table.js';
import type { ModuleParameters } from '../script/environment.js';
import { type Arg, code, type FunctionSpec, moduleFunctions, param, type ScriptFunction } from './define.js';

/** Flags of the process (gflags). */
export const globalFlags = {
  module: 'gflags',
  create: (parameters: ModuleParameters) => ({ mask: parameters.int('initial', 0) }),
  renew: (before: { mask: number }) => before,
  copy: ({ mask }: { mask: number }) => ({ mask }),
};

/** Those of Kamailio, whose first value is a parameter of cfgutils. */
export const cfgutilsFlags = {
  ...globalFlags,
  module: 'cfgutils',
  create: (parameters: ModuleParameters) => ({ mask: parameters.int('initial_gflags', 0) }),
};

/** The flags of the process that runs a file of this dialect. */
export function flagsOf(dialect: DialectName): typeof globalFlags {
  return dialect === 'kamailio' ? cfgutilsFlags : globalFlags;
}

const gflags: FunctionSpec[] = (['set', 'reset', 'is'] as const).map((act) => ({
  name: `${act}_gflag`,
  parameters: [param('flag', 'int')],
  summary: act === 'is' ? 'whether a flag of the process is set' : `${act}s a flag of the process`,
  compile:
    ([flag]) =>
    (run) => {
      const state = run.env.modules.of(flagsOf(run.env.dialect));
      const bit = 1 << ((flag as Arg).int(run) ?? 0);
      if (act === 'set') state.mask |= bit;
      else if (act === 'reset') state.mask &= ~bit;
      return act === 'is' ? code((state.mask & bit) !== 0) : 1;
    },
}));

/** Functions of gflags: flags of the process. */
export const globalFlagFunctions: ScriptFunction[] = moduleFunctions('gflags', gflags);
