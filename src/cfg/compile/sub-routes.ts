import { nearest } from '../../core/nearest.js';
import type { PvarValue } from '../../pvar/context.js';
import type { Position, RouteBlock, RouteKind } from '../ast.js';
import { BREAK, DROP, EXIT, NEXT, RETURN, type ScriptRun, type Signal } from '../runtime.js';
import type { NamedRoute } from '../script.js';
import type { CompiledCall } from './call.js';
import type { CompileContext } from './context.js';
import type { CompiledStatement } from './statement.js';

/** A named route that others call; `body` is set when the route is compiled. */
export interface SubRoute {
  readonly name: string;
  /** The text that $route shows. */
  readonly title: string;
  body: CompiledStatement | undefined;
}

type Parameters = ((run: ScriptRun) => ReadonlyMap<string, PvarValue>) | undefined;

const NO_PARAMETERS: ReadonlyMap<string, PvarValue> = new Map();

/** Finding a similar name takes some milliseconds among 20,000 routes. */
const MAX_SUGGESTIONS = 100;

/** The named routes of a file, and the calls of them. */
export class SubRoutes {
  /** Kind of the route that is being compiled. */
  currentKind: RouteKind = 'request';
  /** Whether the route being compiled has no name. */
  nameless = true;
  private readonly table = new Map<string, SubRoute>();
  /** The first block of each name in the file. */
  private readonly blocks = new Map<string, RouteBlock>();
  private suggestions = MAX_SUGGESTIONS;

  constructor(private readonly context: CompileContext) {
    for (const block of context.tree.routes) {
      const { kind, name } = block;
      if (kind !== 'request' || name === undefined) continue;
      this.table.set(name, { name, title: `route[${name}]`, body: undefined });
      if (!this.blocks.has(name)) this.blocks.set(name, block);
    }
  }

  /** A route by its name; undefined when there is none. */
  find(name: string): SubRoute | undefined {
    return this.table.get(name);
  }

  /** Whether the route of a name has no statement. */
  isEmpty(name: string): boolean {
    return this.blocks.get(name)?.body.length === 0;
  }

  /** The names of all routes. */
  names(): Iterable<string> {
    return this.table.keys();
  }

  /**
   * The name of a route that a wrong one may mean. A file with very many wrong names gets it for the first ones only.
   */
  similarTo(name: string): string | undefined {
    return this.suggestions-- > 0 ? nearest(name, this.table.keys()) : undefined;
  }

  /** A route that is looked up by name at run time, ready to be called; undefined when there is none. */
  callNamed(name: string): NamedRoute | undefined {
    const route = this.table.get(name);
    const block = this.blocks.get(name);
    if (route === undefined || block === undefined) return undefined;
    const { invoke, invokeLater } = this.call(() => route, undefined, block.at, true);
    return { call: async (run) => invokeLater?.(run) ?? invoke(run) };
  }

  /** Compiles a call of a route: one known at load, or one found at run time. */
  call(
    target: (run: ScriptRun) => SubRoute | undefined,
    parameters: Parameters,
    at: Position,
    waits: boolean,
  ): CompiledCall {
    const { depth } = this.context.bounds;
    // As recorded, each block around the call counts as one more level.
    const levels = 1 + (this.context.dialect.flow.blocksNest ? this.context.nesting : 0);
    const enter = (run: ScriptRun): Entered | undefined => {
      const route = target(run);
      if (route === undefined) return undefined;
      if (run.depth + levels > depth) {
        run.fault(at, `routes are nested deeper than ${depth}; route "${route.name}" is not called`);
        return undefined;
      }
      if (--run.work < 0) {
        run.fault(at, 'the script executes too many operations for one message');
        run.stop = EXIT;
        return undefined;
      }
      const { pvars } = run;
      const outer = pvars.params;
      pvars.params = parameters === undefined ? NO_PARAMETERS : parameters(run);
      pvars.returns = undefined;
      pvars.routes?.push(route.title);
      run.depth += levels;
      run.last = 1;
      return { route, outer };
    };
    const leave = (run: ScriptRun, { outer }: Entered, signal: Signal): number => {
      run.depth -= levels;
      run.pvars.params = outer;
      run.pvars.routes?.pop();
      return finished(run, signal, breakResult);
    };
    const { missingRouteCode, missingRouteSetsReturnCode } = this.context.dialect.calls;
    const { breakResult } = this.context.dialect.flow;
    const failed = (run: ScriptRun): number => {
      if (missingRouteSetsReturnCode) run.pvars.returnCode = missingRouteCode;
      return missingRouteCode;
    };
    const invoke = (run: ScriptRun): number => {
      const entered = enter(run);
      if (entered === undefined) return failed(run);
      return leave(run, entered, entered.route.body?.run(run) as Signal);
    };
    if (!waits) return { invoke };
    return {
      invoke,
      invokeLater: (run) => {
        const entered = enter(run);
        if (entered === undefined) return failed(run);
        const signal = entered.route.body?.run(run);
        if (signal instanceof Promise) return signal.then((each) => leave(run, entered, each));
        return leave(run, entered, signal as Signal);
      },
    };
  }
}

interface Entered {
  readonly route: SubRoute;
  readonly outer: ReadonlyMap<string, PvarValue>;
}

/** The return code of a route, from how it ended; 0 ends the script. */
function finished(run: ScriptRun, signal: Signal, breakResult: number): number {
  let code: number;
  switch (signal) {
    case EXIT:
    case DROP:
      run.stop = signal;
      return 0;
    case RETURN:
      code = run.returned;
      break;
    case BREAK:
      code = breakResult;
      break;
    case NEXT:
      code = run.last;
  }
  if (signal === RETURN && code === 0) {
    run.stop = EXIT;
    run.zero = true;
  }
  run.pvars.returnCode = code;
  return code;
}
