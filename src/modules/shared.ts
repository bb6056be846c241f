import type { DialectName } from '../cfg/function-table.js';
import type { BoundedRegex } from '../core/posix-regex.js';
import type { Format } from '../pvar/format.js';
import type { SharedFunction, SharedFunctions, SharedParameter } from '../route/functions/definition.js';
import type { MessageRun } from '../script/call.js';
import { type Arg, type FunctionSpec, moduleFunctions, type ScriptFunction } from './define.js';
import { exactly } from './patterns.js';

type Value = string | number | Format | BoundedRegex | undefined;
type Reader = (run: MessageRun) => Value;
type Run = (site: MessageRun, ...args: Value[]) => number | Promise<number>;

/** Returns a function that reads an argument while a message is handled. */
function reader(arg: Arg | undefined, parameter: SharedParameter | undefined): Reader {
  if (arg === undefined) return () => undefined;
  if (parameter?.kind === 'writable') return () => arg.variable;
  if (parameter?.as === 'number' || (parameter?.as === 'integer' && arg.constant !== undefined))
    return (run) => arg.int(run);
  if (parameter?.as === 'integer') {
    return (run) => {
      const value = arg.value(run);
      return typeof value === 'number' ? value : undefined;
    };
  }
  if (parameter?.as === 'value') return (run) => (arg.value(run) === null ? undefined : arg.string(run));
  if (parameter?.kind === 'regex') {
    return arg.constant === undefined ? (run) => exactly(arg.string(run)) : (run) => arg.regex(run);
  }
  const { constant } = arg;
  if (constant === undefined) return (run) => arg.string(run);
  const text = String(constant);
  return () => text;
}

/** A function of the tables in `route/` as a function of cfg files. */
function asSpec(
  name: string,
  dialects: readonly DialectName[],
  { run: does, check, prepare, ...definition }: SharedFunction<MessageRun, number | Promise<number>>,
): FunctionSpec {
  const { parameters } = definition;
  const run = does as unknown as Run;
  return {
    ...definition,
    name,
    dialects,
    compile(args, site) {
      const constants = args.map((each) => each?.constant);
      const wrong = check?.(constants, site);
      if (wrong !== undefined) throw new Error(wrong);
      if (prepare !== undefined && constants.every((each) => each !== undefined))
        return prepare(...constants.map(String));
      const [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map((i) => reader(args[i], parameters[i])) as [
        Reader,
        Reader,
        Reader,
        Reader,
        Reader,
        Reader,
      ];
      switch (parameters.length) {
        case 0:
          return (site) => run(site);
        case 1:
          return (site) => run(site, a(site));
        case 2:
          return (site) => run(site, a(site), b(site));
        default:
          return (site) => run(site, a(site), b(site), c(site), d(site), e(site), f(site));
      }
    },
  };
}

/** Functions that JavaScript has too, as functions of a module of cfg files. */
export function sharedFunctions(
  module: string,
  dialects: readonly DialectName[],
  functions: SharedFunctions<MessageRun, number | Promise<number>>,
): ScriptFunction[] {
  return moduleFunctions(
    module,
    Object.entries(functions).map(([name, definition]) => asSpec(name, dialects, definition)),
  );
}
