import type { DialectName } from '../cfg/function-table.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { type Arg, code, type FunctionSpec, moduleFunctions, param, type ScriptFunction } from './define.js';
import { ExpiringMap, valuesOf } from './expiring-map.js';

/** Flags as a mask, of this process or of all that run the script. */
class GlobalFlags {
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

  /** Sets or resets the flags in `bits`; no other process can change the mask meanwhile. */
  put(bits: number, on: boolean): void {
    this.values.alone(() => {
      this.mask = on ? this.mask | bits : this.mask & ~bits;
    });
  }
}

function flagsFrom(initial: number, states: ModuleStates): GlobalFlags {
  return new GlobalFlags(valuesOf(states, 'gflags', 1), initial);
}

/** State of gflags: flags of the process. */
export const globalFlags = {
  module: 'gflags',
  create: (parameters: ModuleParameters, states: ModuleStates) => flagsFrom(parameters.int('initial', 0), states),
  renew: (before: GlobalFlags) => before,
  copy: ({ mask }: GlobalFlags): GlobalFlags => new GlobalFlags(new ExpiringMap(1), mask),
};

/** State for Kamailio: the initial value is a parameter of cfgutils. */
const cfgutilsFlags = {
  ...globalFlags,
  module: 'cfgutils',
  create: (parameters: ModuleParameters, states: ModuleStates) =>
    flagsFrom(parameters.int('initial_gflags', 0), states),
};

/** The state for a dialect. */
export function flagsOf(dialect: DialectName): typeof globalFlags {
  return dialect === 'kamailio' ? cfgutilsFlags : globalFlags;
}

const gflags: FunctionSpec[] = (['set', 'reset', 'is'] as const).map((act) => ({
  name: `${act}_gflag`,
  parameters: [param('flag', 'int')],
  summary: act === 'is' ? 'whether a flag of the process is set' : `${act}s a flag of the process`,
  compile: ([flag], { dialect }) => {
    const number = Number((flag as Arg).constant ?? 0);
    if (dialect === 'kamailio' && !(number >= 0 && number <= 31))
      throw new Error(`${number} is not a flag from 0 to 31`);
    return (run) => {
      const state = run.env.modules.of(flagsOf(run.env.dialect));
      const bit = 1 << ((flag as Arg).int(run) ?? 0);
      if (act === 'is') return code((state.mask & bit) !== 0);
      state.put(bit, act === 'set');
      return 1;
    };
  },
}));

/** Functions of gflags: flags of the process. */
export const globalFlagFunctions: ScriptFunction[] = moduleFunctions('gflags', gflags);
