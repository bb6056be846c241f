import { messageOf } from '../../core/errors.js';
import { compileFormat } from '../../pvar/format.js';
import type { FormatNames } from '../../pvar/format-names.js';
import { withVariables } from '../../pvar/names.js';
import type { PvarValue } from '../../pvar/value.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { ConfigurationTree, Expression, FunctionCall, RouteBlock, RouteCall, RouteKind } from '../ast.js';
import type { FunctionTable } from '../function-table.js';
import { Problems } from '../problem.js';
import {
  BREAK,
  type CompiledRoute,
  DROP,
  EXIT,
  NEXT,
  RETURN,
  type RouteOutcome,
  type ScriptBounds,
  type ScriptRun,
  type Signal,
} from '../runtime.js';
import type { Compilation, CompiledScript, CompileOptions } from '../script.js';
import { analyse } from './analysis.js';
import { CallCompiler } from './calls.js';
import { CompileContext } from './context.js';
import { settingValue } from './core-settings.js';
import { ExpressionCompiler } from './expressions.js';
import { precedingCalls } from './preceding.js';
import { ResumeRoutes } from './resume.js';
import { selectSource } from './selects.js';
import type { CompiledStatement } from './statement.js';
import { StatementCompiler } from './statements.js';
import { SubRoutes } from './sub-routes.js';

/** Maximum number of statements and loop iterations of one route, including all routes it calls. */
const MAX_WORK = 1_000_000;
/** Maximum length of a string that a script makes. */
const MAX_TEXT = 65_536;

/**
 * Compiles the routes of a file to closures: names are looked up, and formats and expressions parsed, at load and never
 * while a message is handled. Never throws. There is a script if no problem is an error.
 */
export function compileScript<Run extends ScriptRun>(
  tree: ConfigurationTree,
  options: CompileOptions<Run>,
): Compilation<Run> {
  const problems = new Problems();
  const { dialect } = options;
  const { flow } = dialect;
  // The closures only get runs of the type that the functions were written for.
  const functions = options.functions as unknown as FunctionTable;
  const bounds: ScriptBounds = {
    loops: flow.loops,
    depth: flow.depth,
    work: MAX_WORK,
    text: MAX_TEXT,
    ...options.bounds,
  };
  const names: FormatNames = withVariables(dialect.names, [
    ...(dialect.syntax.directives
      ? ([
          ['def', defineVariable(tree)],
          ['defn', defineNumber(tree)],
          ['ccp', settingVariable(tree)],
          ['sel', selectVariable(tree, () => names)],
        ] as const)
      : []),
    ...(options.variables ?? []),
  ]);
  const { hiddenVariables: hidden } = options;
  const known =
    hidden === undefined || hidden.size === 0
      ? names
      : { ...names, variables: new Map([...names.variables].filter(([name]) => !hidden.has(name))) };
  const analysis = analyse(tree.routes, (name) => functions.waits(dialect.name, name), options.entered);
  const context = new CompileContext(
    tree,
    dialect,
    functions,
    known,
    bounds,
    problems,
    analysis,
    options.unknownFunctions === 'log',
    options.traced === true,
    options.facts ?? { sockets: undefined, statelessForward: true },
  );
  const subRoutes = new SubRoutes(context);
  const resume = new ResumeRoutes(new Set(subRoutes.names()));
  const routes: CompiledRoute[] = [];
  for (const block of tree.routes) {
    const body = compileBlock(block, context, subRoutes, resume);
    const sub = block.kind === 'request' && block.name !== undefined ? subRoutes.find(block.name) : undefined;
    if (sub !== undefined) sub.body = body;
    const route = entered(block, body, analysis.waits(block), context);
    routes.push(route);
    if (sub !== undefined) resume.add(sub.name, route);
  }
  const script = new Script(routes, (name) => subRoutes.callNamed(name)) as unknown as CompiledScript<Run>;
  return { script: problems.ok ? script : undefined, problems: problems.list };
}

/** A variable whose value for each argument is known at load. `value` throws for an argument it does not accept. */
function constantVariable(value: (argument: string) => PvarValue): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile(argument) {
      const constant = value(argument?.constant?.trim() ?? '');
      return { get: () => constant };
    },
  };
}

/** $def(name): the value of a preprocessor definition. */
function defineVariable({ defines }: ConfigurationTree): VariableDefinition {
  return constantVariable((name) => defines.get(name) ?? null);
}

/** $defn(name): like $def(name), but digits give a number, and an undefined name gives 0. */
function defineNumber({ defines }: ConfigurationTree): VariableDefinition {
  return constantVariable((name) => {
    const value = defines.get(name) ?? 0;
    return typeof value === 'string' && /^-?[0-9]{1,10}$/.test(value) ? Number(value) | 0 : value;
  });
}

/** $ccp(group.name): a parameter that the file defines itself, or one of the core. */
function settingVariable({ parameters }: ConfigurationTree): VariableDefinition {
  return constantVariable((path) => {
    if (!/^\w+\.\w+$/.test(path)) throw new Error('needs the name of a group, a dot and the name of a parameter');
    return settingValue(path, parameters) ?? null;
  });
}

/** $sel(path): the same as "@path", but null where that is empty. */
function selectVariable(tree: ConfigurationTree, names: () => FormatNames): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile(argument) {
      const path = argument?.constant?.trim() ?? '';
      const source = selectSource(path, tree);
      if (source === undefined || ('format' in source && source.whole === true))
        throw new Error(`names an unknown select "${path}"`);
      if ('constant' in source) {
        const { constant } = source;
        return { get: () => constant };
      }
      const format = compileFormat(source.format, { names: names() });
      const { edit } = source;
      return {
        get: (context) => {
          const value = format.evaluateValue(context);
          const text = edit === undefined ? String(value ?? '') : edit(String(value ?? ''));
          return text === '' ? null : text;
        },
      };
    },
  };
}

function compileBlock(
  block: RouteBlock,
  context: CompileContext,
  subRoutes: SubRoutes,
  resume: ResumeRoutes,
): CompiledStatement {
  subRoutes.currentKind = block.kind;
  subRoutes.nameless = block.name === undefined;
  const reached = context.analysis.reachedFrom(block);
  const calls: CallCompiler = new CallCompiler(
    context,
    subRoutes,
    reached,
    !context.analysis.isReached(block),
    (node: Expression) => expressions.compile(node),
    precedingCalls(block.body),
  );
  const expressions: ExpressionCompiler = new ExpressionCompiler(
    context,
    (node: FunctionCall | RouteCall, clears: boolean) => calls.compile(node, clears),
  );
  return new StatementCompiler(context, expressions, calls, resume).block(block.body);
}

/** A route as the program enters it, with its bounds and the handling of exceptions. */
function entered(block: RouteBlock, body: CompiledStatement, waits: boolean, context: CompileContext): CompiledRoute {
  const { kind, name, interval, at } = block;
  const title = name === undefined ? wordOf(kind) : `${wordOf(kind)}[${name}]`;
  const { work } = context.bounds;
  const { returnCodeAtEntry: enters, breakResult } = context.dialect.flow;
  const begin = (run: ScriptRun): void => {
    run.work = work;
    run.depth = 1;
    run.last = 1;
    run.returned = 1;
    run.stop = NEXT;
    run.zero = false;
    if (enters !== undefined) run.pvars.returnCode = enters;
    const { routes } = run.pvars;
    if (routes !== undefined) {
      routes.length = 0;
      routes.push(title);
    }
  };
  const end = (run: ScriptRun, signal: Signal): RouteOutcome => {
    if (signal === DROP) return 'drop';
    if (signal === EXIT) return run.zero ? 'return-0' : 'exit';
    if (signal === BREAK) run.returned = breakResult;
    else if (signal !== RETURN) run.returned = run.last;
    return signal === RETURN && run.returned === 0 ? 'return-0' : 'ended';
  };
  const failed = (run: ScriptRun, error: unknown): RouteOutcome => {
    run.fault(at, `${title}: ${messageOf(error)}`);
    return 'fault';
  };
  const later = async (run: ScriptRun, waiting: Promise<Signal>): Promise<RouteOutcome> => {
    run.waits();
    try {
      return end(run, await waiting);
    } catch (error) {
      return failed(run, error);
    } finally {
      run.ends();
    }
  };
  return {
    kind,
    name,
    interval,
    at,
    waits: waits && body.waits,
    run(run) {
      begin(run);
      try {
        const signal = body.run(run);
        return signal instanceof Promise ? later(run, signal) : end(run, signal);
      } catch (error) {
        return failed(run, error);
      }
    },
  };
}

function wordOf(kind: RouteKind): string {
  return kind === 'request' ? 'route' : `${kind}_route`;
}

class Script implements CompiledScript {
  private readonly table = new Map<string, CompiledRoute>();

  constructor(
    readonly routes: readonly CompiledRoute[],
    readonly subRoute: CompiledScript['subRoute'],
  ) {
    for (const route of routes) this.table.set(`${route.kind} ${route.name ?? ''}`, route);
  }

  route(kind: RouteKind, name?: string): CompiledRoute | undefined {
    return this.table.get(`${kind} ${name ?? ''}`);
  }
}
