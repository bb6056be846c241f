import type { DialectName } from '../cfg/function-table.js';
import {
  type DispatcherArgument,
  type DispatcherFunction,
  KAMAILIO_FUNCTIONS,
  OPENSIPS_2_FUNCTIONS,
  OPENSIPS_FUNCTIONS,
} from '../route/dispatcher/table.js';
import type { MessageRun } from '../script/call.js';
import { type Arg, type FunctionSpec, KAMAILIO, moduleFunctions, OPENSIPS, type ScriptFunction } from './define.js';

type Reader = (run: MessageRun) => DispatcherArgument;
type Run = (site: MessageRun, ...args: DispatcherArgument[]) => number;

/** How an argument is read while a message is handled. */
function reader(arg: Arg | undefined, kind: string | undefined): Reader {
  if (arg === undefined) return () => undefined;
  if (kind === 'writable') return () => arg.variable;
  const { constant } = arg;
  if (constant === undefined) return (run) => arg.string(run);
  const text = String(constant);
  return () => text;
}

/** A function of the dispatcher's table as one of cfg files. */
function asSpec(name: string, dialects: readonly DialectName[], definition: DispatcherFunction): FunctionSpec {
  const { parameters, routes, summary } = definition;
  const run = definition.run as unknown as Run;
  return {
    name,
    dialects,
    parameters,
    routes,
    summary,
    compile(args) {
      const [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map((i) => reader(args[i], parameters[i]?.kind)) as [
        Reader,
        Reader,
        Reader,
        Reader,
        Reader,
        Reader,
      ];
      return (site) => run(site, a(site), b(site), c(site), d(site), e(site), f(site));
    },
  };
}

function specsOf(table: Readonly<Record<string, DispatcherFunction>>, dialects: readonly DialectName[]) {
  return Object.entries(table).map(([name, definition]) => asSpec(name, dialects, definition));
}

export const dispatcherFunctions: ScriptFunction[] = moduleFunctions('dispatcher', [
  ...specsOf(OPENSIPS_2_FUNCTIONS, OPENSIPS).map((each) => ({ ...each, until: 2 })),
  ...specsOf(OPENSIPS_FUNCTIONS, OPENSIPS),
  ...specsOf(KAMAILIO_FUNCTIONS, KAMAILIO),
]);
