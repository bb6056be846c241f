import type { RouteKind } from '../cfg/ast.js';
import type {
  CallSite,
  CompiledArgument,
  DialectName,
  FunctionClosure,
  FunctionDefinition,
  ParameterDefinition,
  ParameterKind,
} from '../cfg/function-table.js';
import type { MessageRun } from '../script/call.js';
import { numberArguments, withoutNumber } from './kamailio-arguments.js';
import { recordedModules, recordedSignature } from './kamailio-signatures.js';
import { onOneLine, withReasonEnd } from './one-line.js';
import { documentedSignature } from './opensips-signatures.js';

/** A compiled argument. */
export type Arg = CompiledArgument<MessageRun>;
/** The arguments of one call; an omitted one is undefined. */
export type Args = readonly (Arg | undefined)[];
/** A function of cfg files. */
export type ScriptFunction = FunctionDefinition<MessageRun>;

/** A function as a module declares it. By default it is for both dialects and all routes, and has no parameters. */
export interface FunctionSpec {
  readonly name: string;
  readonly dialects?: readonly DialectName[];
  readonly parameters?: readonly ParameterDefinition[];
  readonly routes?: readonly RouteKind[] | 'any';
  readonly summary: string;
  readonly waits?: boolean;
  readonly async?: boolean;
  readonly standIn?: string;
  readonly until?: number;
  readonly keepsReturnCode?: boolean | 'in expressions';
  readonly since?: string;
  compile(args: Args, site: CallSite): FunctionClosure<MessageRun>;
}

/** Dialects of functions that both languages have. */
export const BOTH: readonly DialectName[] = ['opensips', 'kamailio'];
/** Dialects of functions that only OpenSIPS has. */
export const OPENSIPS: readonly DialectName[] = ['opensips'];
/** Dialects of functions that only Kamailio has. */
export const KAMAILIO: readonly DialectName[] = ['kamailio'];

/** Kinds of routes that handle a request. */
export const REQUESTS: readonly RouteKind[] = [
  'request',
  'failure',
  'branch',
  'branch-failure',
  'local',
  'error',
  'event',
  'onsend',
];

/** The functions of one module. */
export function moduleFunctions(module: string, specs: readonly FunctionSpec[]): ScriptFunction[] {
  return specs.map((spec) => ({
    module,
    dialects: BOTH,
    parameters: [],
    routes: 'any',
    ...recordedOf(module, spec),
    ...documentedOf(module, spec),
    ...withNumbers(withReasonEnd(onOneLine(spec))),
  }));
}

/** The same function, but in Kamailio it fails when an argument that must be a number is not one at run time. */
function withNumbers<Spec extends FunctionSpec>(spec: Spec): Spec {
  const positions = numberArguments(spec.name);
  const otherwise = withoutNumber(spec.name);
  if (positions.length === 0) return spec;
  return {
    ...spec,
    compile: (args: Args, ...rest) => {
      const inner = spec.compile(args, ...rest);
      const checked = positions.flatMap((position) => {
        const arg = args[position];
        return arg === undefined || arg.constant !== undefined ? [] : [arg];
      });
      if (checked.length === 0) return inner;
      return (run) =>
        run.env.dialect === 'kamailio' && checked.some((arg) => typeof arg.value(run) !== 'number')
          ? otherwise
          : inner(run);
    },
  };
}

function documentedOf(module: string, { name, dialects = BOTH }: FunctionSpec): Partial<ScriptFunction> {
  if (!dialects.includes('opensips') || module === 'core') return {};
  const documented = documentedSignature(name);
  return documented === undefined ? {} : { documented };
}

/** The recorded signature of the function in Kamailio: in this module, or in the module that has it there. */
function recordedOf(module: string, { name, dialects = BOTH, since }: FunctionSpec): Partial<ScriptFunction> {
  if (!dialects.includes('kamailio') || module === 'core' || since !== undefined) return {};
  const modules = module.split('|');
  const recorded = recordedSignature(modules, name);
  if (recorded !== undefined) return { recorded };
  return modules.every((each) => recordedModules().has(each)) ? { since: 'a later version' } : {};
}

/** The same function under several names. */
export function named(names: readonly string[], spec: Omit<FunctionSpec, 'name'>): FunctionSpec[] {
  return names.map((name) => ({ ...spec, name }));
}

/** A required parameter. */
export function param(name: string, kind: ParameterKind, more: Partial<ParameterDefinition> = {}): ParameterDefinition {
  return { name, kind, ...more };
}

/** An optional parameter. */
export function optional(
  name: string,
  kind: ParameterKind,
  more: Partial<ParameterDefinition> = {},
): ParameterDefinition {
  return { name, kind, optional: true, ...more };
}

/** An argument as text; `fallback` when it is omitted. */
export function textOf(arg: Arg | undefined, run: MessageRun, fallback = ''): string {
  return arg === undefined ? fallback : arg.string(run);
}

/** An argument as a whole number; `fallback` when it is omitted or not a number. */
export function intOf(arg: Arg | undefined, run: MessageRun, fallback: number): number {
  return arg === undefined ? fallback : (arg.int(run) ?? fallback);
}

/** The code for success or failure. */
export function code(good: boolean): number {
  return good ? 1 : -1;
}
