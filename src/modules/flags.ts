import type { FunctionClosure } from '../cfg/function-table.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import {
  type Arg,
  type Args,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
} from './define.js';

/** Bits of named flags, assigned at first use. Kept for the whole process, as in the originals. */
const bits = new Map<string, number>();

/** The bit of a flag: a number is the bit itself, a new name gets the next free bit. Throws when there are too many. */
export function flagBit(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > 31) throw new Error(`flag ${text} is above 31`);
    return number;
  }
  let bit = bits.get(text);
  if (bit === undefined) {
    if (bits.size >= 32) throw new Error(`more than 32 flags are named: "${text}"`);
    bit = bits.size;
    bits.set(text, bit);
  }
  return bit;
}

/**
 * The bit of the flag in a module parameter; undefined where the parameter is not set, or -1. Throws like `flagBit`.
 */
export function flagParameter(parameters: ModuleParameters, name: string): number | undefined {
  const text = parameters.text(name, '');
  return text === '' || text === '-1' ? undefined : flagBit(text);
}

/** Names of the flags that are set; the name used last comes first. */
export function flagNames(mask: number): string {
  return [...bits.entries()]
    .filter(([, bit]) => (mask & (1 << bit)) !== 0)
    .map(([name]) => name)
    .reverse()
    .join(' ');
}

const flag = param('flag', 'flag');
/** Kamailio's core accepts a number without quotes, or a name that the file declares. */
const strictFlag = param('flag', 'flag', {
  strict: true,
  check: (flag) => (Number(flag) < 0 ? `flag ${flag} is below 0` : undefined),
});

/** Kamailio's module kex accepts a number that may be computed for each message. */
const computedFlag = param('flag', 'int');

/** The bit for an argument of kex; undefined when it is not below 32, so that the function fails. */
function computedBit(arg: Arg | undefined, run: MessageRun): number | undefined {
  const bit = intOf(arg, run, -1);
  return bit >= 0 && bit <= 31 ? bit : undefined;
}

function bitOf(arg: Arg | undefined): number {
  return flagBit(String(arg?.constant ?? arg?.text ?? ''));
}

/**
 * Reads the flag that a variable names when the function runs; undefined for an argument known at load. A name that is
 * used nowhere else in the file gets no bit, since peers could use up all bits.
 */
function namedBit(arg: Arg | undefined): ((run: MessageRun) => number | undefined) | undefined {
  if (arg === undefined || !arg.bare || arg.constant !== undefined) return undefined;
  return (run) => {
    const name = arg.string(run);
    const number = /^\d{1,2}$/.test(name) ? Number(name) : bits.get(name);
    return number === undefined || number > 31 ? undefined : number;
  };
}

type Change = 'set' | 'reset' | 'test';

function flagged(mask: number, bit: number, change: Change): number {
  if (change === 'set') return mask | (1 << bit);
  return change === 'reset' ? mask & ~(1 << bit) : mask;
}

function messageFlag(name: string, change: Change): FunctionSpec[] {
  const spec = {
    name,
    keepsReturnCode: change === 'test' ? 'in expressions' : true,
    summary: `${change === 'test' ? 'whether a flag of the message is set' : `${change}s a flag of the message`}`,
    compile: ([arg]: Args): FunctionClosure<MessageRun> => {
      const named = namedBit(arg);
      if (named !== undefined)
        return (run) => {
          const bit = named(run);
          if (bit === undefined) return -1;
          if (change === 'test') return code((run.call.flags & (1 << bit)) !== 0);
          run.call.flags = flagged(run.call.flags, bit, change);
          return 1;
        };
      const bit = bitOf(arg);
      if (change === 'test') return (run) => code((run.call.flags & (1 << bit)) !== 0);
      return (run) => {
        run.call.flags = flagged(run.call.flags, bit, change);
        return 1;
      };
    },
  } satisfies FunctionSpec;
  return [
    { ...spec, dialects: OPENSIPS, parameters: [flag] },
    { ...spec, dialects: KAMAILIO, parameters: [strictFlag] },
  ];
}

/** A function on flags of branches, which OpenSIPS has in its core and Kamailio in kex. */
function branchFlag(name: string, change: Change): { readonly core: FunctionSpec; readonly kex: FunctionSpec } {
  const apply = (run: MessageRun, bit: number, branch: number): number => {
    const { call } = run;
    const other = branch > 0 ? call.branches[branch - 1] : undefined;
    if (branch > 0 && other === undefined) return -1;
    const mask =
      other === undefined
        ? run.branch !== undefined && run.routeKind === 'onreply'
          ? run.branch.flags
          : call.branchFlags
        : other.flags;
    if (change === 'test') return code((mask & (1 << bit)) !== 0);
    const next = flagged(mask, bit, change);
    if (other !== undefined) other.flags = next;
    else if (run.branch !== undefined && run.routeKind === 'onreply') run.branch.flags = next;
    else call.branchFlags = next;
    return 1;
  };
  const summary = change === 'test' ? 'whether a flag of a branch is set' : `${change}s a flag of a branch`;
  return {
    core: {
      name,
      dialects: OPENSIPS,
      parameters: [flag, optional('branch', 'int')],
      summary,
      compile: ([arg, branch]) => {
        const named = namedBit(arg);
        if (named !== undefined)
          return (run) => {
            const bit = named(run);
            return bit === undefined ? -1 : apply(run, bit, intOf(branch, run, 0));
          };
        const bit = bitOf(arg);
        return (run) => apply(run, bit, intOf(branch, run, 0));
      },
    },
    kex: {
      name,
      dialects: KAMAILIO,
      parameters: [computedFlag, optional('branch', 'int')],
      summary,
      compile:
        ([arg, branch]) =>
        (run) => {
          const bit = computedBit(arg, run);
          return bit === undefined ? -1 : apply(run, bit, intOf(branch, run, 0));
        },
    },
  };
}

/** Script flags; they are kept as long as the configuration. */
const ScriptFlags = {
  module: 'core',
  create: () => ({ mask: 0 }),
  copy: ({ mask }: { mask: number }) => ({ mask }),
};

/** All script flags as a 32-bit number. */
export function scriptFlagMask(env: ScriptEnvironment): number {
  return env.modules.of(ScriptFlags).mask;
}

/** Sets all script flags from a 32-bit number. */
export function setScriptFlags(env: ScriptEnvironment, mask: number): void {
  env.modules.of(ScriptFlags).mask = mask;
}

function scriptFlag(name: string, change: Change): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [computedFlag],
    summary: `${change === 'test' ? 'whether' : `${change}s`} a script flag${change === 'test' ? ' is set' : ''}`,
    compile:
      ([arg]) =>
      (run) => {
        const bit = computedBit(arg, run);
        if (bit === undefined) return -1;
        const mask = scriptFlagMask(run.env);
        if (change === 'test') return code((mask & (1 << bit)) !== 0);
        setScriptFlags(run.env, flagged(mask, bit, change));
        return 1;
      },
  };
}

const branchFlags = [
  branchFlag('setbflag', 'set'),
  branchFlag('resetbflag', 'reset'),
  branchFlag('isbflagset', 'test'),
];

/** Functions of the core about flags of messages, branches and scripts. */
export const flagFunctions: ScriptFunction[] = [
  ...moduleFunctions('core', [
    ...messageFlag('setflag', 'set'),
    ...messageFlag('resetflag', 'reset'),
    ...messageFlag('isflagset', 'test'),
    ...branchFlags.map(({ core }) => core),
  ]),
  ...moduleFunctions('kex', [
    ...branchFlags.map(({ kex }) => kex),
    scriptFlag('setsflag', 'set'),
    scriptFlag('resetsflag', 'reset'),
    scriptFlag('issflagset', 'test'),
  ]),
];
