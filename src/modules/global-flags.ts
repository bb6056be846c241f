import type { ModuleParameters } from '../script/environment.js';
import { type Arg, code, type FunctionSpec, moduleFunctions, param, type ScriptFunction } from './define.js';

/** Flags of the process (gflags). */
export const globalFlags = {
  module: 'gflags',
  create: (parameters: ModuleParameters) => ({ mask: parameters.int('initial', 0) }),
  renew: (before: { mask: number }) => before,
  copy: ({ mask }: { mask: number }) => ({ mask }),
};

const gflags: FunctionSpec[] = (['set', 'reset', 'is'] as const).map((act) => ({
  name: `${act}_gflag`,
  parameters: [param('flag', 'int')],
  summary: act === 'is' ? 'whether a flag of the process is set' : `${act}s a flag of the process`,
  compile:
    ([flag]) =>
    (run) => {
      const state = run.env.modules.of(globalFlags);
      const bit = 1 << ((flag as Arg).int(run) ?? 0);
      if (act === 'set') state.mask |= bit;
      else if (act === 'reset') state.mask &= ~bit;
      return act === 'is' ? code((state.mask & bit) !== 0) : 1;
    },
}));

/** Functions of gflags: flags of the process. */
export const globalFlagFunctions: ScriptFunction[] = moduleFunctions('gflags', gflags);
