import type { DialectName } from '../cfg/function-table.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { type Arg, code, type FunctionSpec, moduleFunctions, param, type ScriptFunction } from './define.js';

/** Flags in a mask, which is changed by one process at a time. */
export interface GlobalFlags {
  mask: number;
  alone<R>(run: () => R): R;
}

class OwnFlags implements GlobalFlags {
  constructor(public mask: number) {}

  alone<R>(run: () => R): R {
    return run();
  }
}

/** Those that all processes share which run the script. */
class SharedFlags implements GlobalFlags {
  constructor(
    private readonly values: ValueMap<PvarValue>,
    private readonly initial: number,
  ) {}

  get mask(): number {
    return Number(this.values.get('mask', 0) ?? this.initial);
  }

  set mask(mask: number) {
    this.values.set('mask', mask, undefined);
  }

  alone<R>(run: () => R): R {
    return this.values.alone(run);
  }
}

function flagsFrom(initial: number, states: ModuleStates): GlobalFlags {
  const shared = states.shared?.table('gflags', 1);
  return shared === undefined ? new OwnFlags(initial) : new SharedFlags(shared, initial);
}

/** Flags of the process (gflags). */
export const globalFlags = {
  module: 'gflags',
  create: (parameters: ModuleParameters, states: ModuleStates) => flagsFrom(parameters.int('initial', 0), states),
  renew: (before: GlobalFlags) => before,
  copy: ({ mask }: GlobalFlags): GlobalFlags => new OwnFlags(mask),
};

/** Those of Kamailio, whose first value is a parameter of cfgutils. */
export const cfgutilsFlags = {
  ...globalFlags,
  module: 'cfgutils',
  create: (parameters: ModuleParameters, states: ModuleStates) =>
    flagsFrom(parameters.int('initial_gflags', 0), states),
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
      if (act !== 'is') {
        state.alone(() => {
          state.mask = act === 'set' ? state.mask | bit : state.mask & ~bit;
        });
      }
      return act === 'is' ? code((state.mask & bit) !== 0) : 1;
    },
}));

/** Functions of gflags: flags of the process. */
export const globalFlagFunctions: ScriptFunction[] = moduleFunctions('gflags', gflags);
