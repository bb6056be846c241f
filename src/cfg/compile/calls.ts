import { messageOf } from '../../core/errors.js';
import type { PvarValue } from '../../pvar/context.js';
import type { Expression, FunctionCall, RouteCall, RouteKind } from '../ast.js';
import { argumentRange, type CompiledArgument, type DialectName, type FunctionDefinition } from '../function-table.js';
import { EXIT, type ScriptRun } from '../runtime.js';
import { staticName } from './analysis.js';
import { ArgumentCompiler } from './arguments.js';
import type { CompiledCall } from './call.js';
import type { CompileContext } from './context.js';
import type { CompiledExpression } from './expression.js';
import type { SubRoutes } from './sub-routes.js';

const NOTHING: CompiledCall = { invoke: () => -1 };

/** Compiles calls of functions and routes within one route. */
export class CallCompiler {
  private readonly args: ArgumentCompiler;

  constructor(
    private readonly context: CompileContext,
    private readonly subRoutes: SubRoutes,
    /** Kinds of the entry routes that reach the current route. */
    private readonly reached: ReadonlySet<RouteKind>,
    /** Whether no entry route reaches the current route. */
    private readonly unreached: boolean,
    private readonly expression: (node: Expression) => CompiledExpression,
    private readonly preceding: ReadonlyMap<FunctionCall, string>,
  ) {
    this.args = new ArgumentCompiler(context, expression);
  }

  /** Compiles a call. `clears`: $rc is set to 0 when the call begins. */
  compile(node: FunctionCall | RouteCall, clears = false): CompiledCall {
    if (node.kind === 'call') return this.function(node, clears);
    return clears ? cleared(this.route(node)) : this.route(node);
  }

  private function(node: FunctionCall, clears: boolean): CompiledCall {
    const { context } = this;
    const { dialect, functions, problems } = context;
    const named = functions.find(dialect.name, node.name);
    const found = named.filter(
      ({ since, until }) =>
        (since === undefined || dialect.name !== 'kamailio' || dialect.later) &&
        (until === undefined || until >= dialect.generation),
    );
    const loaded = found.filter((each) => this.isLoaded(each));
    if (loaded.length === 0) return clears ? cleared(this.unknown(node, found[0])) : this.unknown(node, found[0]);
    const count = node.args.length;
    const definition = loaded.find(({ parameters, recorded }) => {
      if (dialect.name === 'kamailio' && recorded?.counts.includes(count) === false) return false;
      const [least, max] = argumentRange(parameters);
      return count >= least && count <= max;
    });
    if (definition === undefined) {
      problems.error(
        'argument-count',
        node.at,
        `${node.name}() takes ${rangeText(loaded, dialect.name)}, not ${count}`,
      );
      return NOTHING;
    }
    // As recorded, Kamailio's grammar allows few of its own statements in onsend_route: those on flags and the log.
    if (
      dialect.name === 'kamailio' &&
      this.subRoutes.currentKind === 'onsend' &&
      definition.module === 'core' &&
      definition.keepsReturnCode === true &&
      !/flag|^x?log/.test(definition.name)
    ) {
      problems.error('route-kind', node.at, `${node.name}() may not be called from an onsend route`);
      return NOTHING;
    }
    if (dialect.name === 'kamailio' && definition.recorded !== undefined) {
      const { currentKind, nameless } = this.subRoutes;
      if (definition.recorded.inRoute(count, currentKind, nameless)) return this.bound(node, definition, clears);
      problems.error('route-kind', node.at, `${node.name}() may not be called from ${wordsOf(currentKind, nameless)}`);
      return NOTHING;
    }
    const routes =
      dialect.name === 'opensips' ? (definition.documented?.routes ?? definition.routes) : definition.routes;
    if (routes !== 'any') {
      const kinds = dialect.calls.checksThroughCalls ? this.reached : [this.subRoutes.currentKind];
      for (const kind of kinds) {
        if (routes.includes(kind)) continue;
        problems.error('route-kind', node.at, `${node.name}() may not be called from a ${kind} route`);
        return NOTHING;
      }
    }
    return this.bound(node, definition, clears);
  }

  private bound(node: FunctionCall, definition: FunctionDefinition, clears: boolean): CompiledCall {
    const { context } = this;
    const args: (CompiledArgument | undefined)[] = [];
    let fits = true;
    for (const [i, parameter] of definition.parameters.entries()) {
      const arg = node.args[i];
      if (arg === undefined) {
        if (parameter.optional !== true) {
          context.problems.error('argument-count', node.at, `${node.name}(): ${parameter.name} is missing`);
          fits = false;
        }
        args.push(undefined);
        continue;
      }
      const reason =
        context.dialect.name === 'kamailio' && arg.kind === 'string'
          ? definition.recorded?.refuses(i, arg.value)
          : undefined;
      if (reason !== undefined) {
        context.problems.error('argument-type', arg.at, `${node.name}(): ${reason}`, true);
        fits = false;
      }
      const compiled = reason === undefined ? this.args.compile(arg, parameter, definition, i) : undefined;
      if (compiled === undefined) fits = false;
      args.push(compiled);
    }
    if (!fits) return NOTHING;
    let closure: ReturnType<FunctionDefinition['compile']>;
    try {
      closure = definition.compile(args, {
        at: node.at,
        dialect: context.dialect.name,
        generation: context.dialect.generation,
        routes: this.reached,
        facts: context.facts,
        after: this.preceding.get(node),
      });
    } catch (error) {
      context.problems.error('argument-type', node.at, `${node.name}(): ${messageOf(error)}`, true);
      return NOTHING;
    }
    return this.guarded(node, definition, args, closure, clears);
  }

  private guarded(
    node: FunctionCall,
    definition: FunctionDefinition,
    args: readonly (CompiledArgument | undefined)[],
    closure: ReturnType<FunctionDefinition['compile']>,
    clears: boolean,
  ): CompiledCall {
    const { keepsReturnCode } = definition;
    const keeps = keepsReturnCode === true || (clears && keepsReturnCode === 'in expressions');
    // As recorded of Kamailio, a function that returns 0 ends the script as "return 0" does.
    const zero = this.context.dialect.name === 'kamailio';
    const finish = (run: ScriptRun, code: number): number => {
      if (!keeps) run.pvars.returnCode = code;
      if (code === 0) {
        run.stop = EXIT;
        run.zero = zero;
      }
      return code;
    };
    const fault = (run: ScriptRun, error: unknown): number => {
      run.fault(node.at, `${node.name}(): ${messageOf(error)}`);
      return finish(run, -1);
    };
    const misfit = this.context.dialect.calls.typedArguments ? argumentTypeCheck(definition, args) : undefined;
    const call =
      misfit === undefined
        ? closure
        : (run: ScriptRun): number | Promise<number> => {
            const reason = misfit(run);
            if (reason === undefined) return closure(run);
            run.fault(node.at, `${node.name}(): ${reason}`);
            return -1;
          };
    const invoke = (run: ScriptRun): number => {
      const { pvars } = run;
      if (clears) pvars.returnCode = 0;
      try {
        const result = call(run);
        // The function returned a promise where waiting is not possible: it counts as failed.
        const code = typeof result === 'number' ? result : -1;
        if (!keeps) pvars.returnCode = code;
        if (code === 0) {
          run.stop = EXIT;
          run.zero = zero;
        }
        return code;
      } catch (error) {
        return fault(run, error);
      }
    };
    if (definition.waits !== true) return { invoke };
    return {
      invoke,
      invokeLater: (run) => {
        if (clears) run.pvars.returnCode = 0;
        try {
          const code = call(run);
          if (typeof code === 'number') return finish(run, code);
          return code.then((each) => finish(run, each)).catch((error: unknown) => fault(run, error));
        } catch (error) {
          return fault(run, error);
        }
      },
    };
  }

  private isLoaded(definition: FunctionDefinition): boolean {
    if (definition.module === 'core') return true;
    const { modules } = this.context.tree;
    const homes = this.modulesOf(definition).split('|');
    return homes.some((name) => name === 'core' || modules.some((each) => each.name === name));
  }

  /** The modules that have a function in this dialect, with "|" between them. */
  private modulesOf({ module, recorded, documented }: FunctionDefinition): string {
    return (this.context.dialect.name === 'kamailio' ? recorded?.module : documented?.module) ?? module;
  }

  private unknown(node: FunctionCall, unloaded: FunctionDefinition | undefined): CompiledCall {
    const { context } = this;
    const { functions, dialect, problems } = context;
    const meant = problems.full ? undefined : functions.near(dialect.name, node.name, dialect.generation);
    const hint = meant === undefined ? '' : `; did you mean ${meant}()?`;
    const missing = unloaded === undefined ? functions.missing(node.name, dialect.name) : undefined;
    const message =
      missing !== undefined
        ? `function ${node.name}() of module ${missing} is not supported`
        : unloaded === undefined
          ? `unknown function ${node.name}()${hint}`
          : `${node.name}() is a function of module ${this.modulesOf(unloaded).replaceAll('|', ' or ')}, which is not loaded`;
    if (!context.logUnknown && !this.unreached) {
      problems.error('unknown-function', node.at, message);
      return NOTHING;
    }
    problems.warning('unknown-function', node.at, message);
    return {
      invoke: (run) => {
        run.fault(node.at, message);
        run.pvars.returnCode = -1;
        return -1;
      },
    };
  }

  private route(node: RouteCall): CompiledCall {
    const { context, subRoutes } = this;
    const params = node.args.map((arg) => (arg === undefined ? undefined : this.expression(arg)));
    const parameters =
      params.length === 0
        ? undefined
        : (run: ScriptRun) => {
            const map = new Map<string, PvarValue>();
            for (const [i, each] of params.entries()) map.set(String(i + 1), each?.read(run) ?? null);
            return map;
          };
    // As recorded, Kamailio replaces no variables in a quoted route name.
    const literal =
      context.dialect.syntax.quotedRouteNames && node.name.kind === 'string' ? node.name.value : undefined;
    const name = literal ?? staticName(node.name);
    if (context.dialect.name === 'kamailio' && subRoutes.currentKind === 'onsend')
      context.problems.error('route-kind', node.at, 'route() may not be called from an onsend route');
    if (name !== undefined) {
      const target = subRoutes.find(name);
      const empty = context.dialect.flow.emptyRoutesUndefined && target !== undefined && subRoutes.isEmpty(name);
      if (target === undefined || empty) {
        const meant = empty ? undefined : subRoutes.similarTo(name);
        const hint = empty ? ': it has no statement' : meant === undefined ? '' : `; did you mean "${meant}"?`;
        context.problems.error('unknown-route', node.at, `route "${name}" is not defined${hint}`);
        return NOTHING;
      }
      return subRoutes.call(() => target, parameters, node.at, context.callWaits(node));
    }
    const format = node.name.kind === 'string' ? context.format(node.name.value, node.name.at) : undefined;
    const computed = node.name.kind === 'string' ? undefined : this.expression(node.name);
    const read = (run: ScriptRun): string =>
      format !== undefined ? format.evaluate(run.pvars) : String(computed?.read(run) ?? '');
    return subRoutes.call(
      (run) => {
        const wanted = read(run);
        const target = subRoutes.find(wanted);
        if (target === undefined) run.fault(node.at, `route "${wanted.slice(0, 64)}" is not defined`);
        return target;
      },
      parameters,
      node.at,
      context.callWaits(node),
    );
  }
}

/** The same call, which first sets $rc to 0. */
function cleared({ invoke, invokeLater }: CompiledCall): CompiledCall {
  const clear = (run: ScriptRun): ScriptRun => {
    run.pvars.returnCode = 0;
    return run;
  };
  return {
    invoke: (run) => invoke(clear(run)),
    invokeLater: invokeLater === undefined ? undefined : (run) => invokeLater(clear(run)),
  };
}

/**
 * Makes a check, for functions of OpenSIPS, that argument values have the types that the function requires. The check
 * returns what is wrong, or undefined.
 */
function argumentTypeCheck(
  { parameters }: FunctionDefinition,
  args: readonly (CompiledArgument | undefined)[],
): ((run: ScriptRun) => string | undefined) | undefined {
  const checks: { arg: CompiledArgument; int: boolean; name: string }[] = [];
  for (const [i, arg] of args.entries()) {
    const parameter = parameters[i];
    const kind = parameter?.kind;
    if (arg?.bare !== true || parameter === undefined) continue;
    if (kind === 'int' || kind === 'string' || kind === 'regex')
      checks.push({ arg, int: kind === 'int', name: parameter.name });
  }
  if (checks.length === 0) return undefined;
  return (run) => {
    for (const { arg, int, name } of checks) {
      const value = arg.value(run);
      if (value === null) return `${name} is NULL`;
      // Variables such as $rp count as a number and as a string.
      if (int && typeof value !== 'number' && arg.variable?.digits !== true) return `${name} is a string, not a number`;
    }
    return undefined;
  };
}

function wordsOf(kind: RouteKind, nameless: boolean): string {
  return kind === 'onreply' && nameless ? 'the reply route without a name' : `a ${kind} route`;
}

function rangeText(definitions: readonly FunctionDefinition[], dialect: DialectName): string {
  const ranges = definitions.map(({ parameters, recorded }) => {
    if (dialect === 'kamailio' && recorded !== undefined) return recorded.counts.join(' or ');
    const [least, max] = argumentRange(parameters);
    return least === max ? String(least) : `${least} to ${max}`;
  });
  const text = ranges.join(' or ');
  return `${text} argument${text === '1' ? '' : 's'}`;
}
