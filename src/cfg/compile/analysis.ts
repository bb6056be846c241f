import type { Expression, RouteBlock, RouteCall, RouteKind, Statement } from '../ast.js';
import type { EnteredRoute } from '../script.js';

/** Functions and routes that one route calls, found without compiling it. */
interface Calls {
  readonly functions: Set<string>;
  readonly routes: Set<string>;
  /** Whether it calls a route by a computed name. */
  dynamic: boolean;
}

/** The call graph: which kinds of entry routes reach a route, and which routes may wait for something asynchronous. */
export interface Analysis {
  /** Kinds of the entry routes that call a named route, directly or through other routes. */
  reachedFrom(block: RouteBlock): ReadonlySet<RouteKind>;
  /** Whether a route ever runs: the program enters it, or a route that runs calls it. */
  isReached(block: RouteBlock): boolean;
  /** Whether a statement in it, or in a route it calls, may wait. */
  waits(block: RouteBlock): boolean;
  /** Whether the called route may wait; with a computed name, whether any route may. */
  callWaits(call: RouteCall): boolean;
}

/** Analyses all routes; `waiting` says which functions may wait. */
export function analyse(
  routes: readonly RouteBlock[],
  waiting: (name: string) => boolean,
  /** Named routes that modules run, such as those of timers. */
  entered: readonly EnteredRoute[] = [],
): Analysis {
  const calls = new Map<RouteBlock, Calls>(routes.map((block) => [block, callsOf(block.body)]));
  const subRoutes = new Map(
    routes.filter(({ kind, name }) => kind === 'request' && name !== undefined).map((block) => [block.name, block]),
  );
  const targets = (block: RouteBlock): RouteBlock[] => {
    const found: RouteBlock[] = [];
    for (const name of calls.get(block)?.routes ?? []) {
      const target = subRoutes.get(name);
      if (target !== undefined) found.push(target);
    }
    return found;
  };
  const waits = waitingRoutes(calls, subRoutes, targets, waiting);
  const reached = new Map<RouteBlock, Set<RouteKind>>();
  const mark = (start: RouteBlock, kind: RouteKind) => {
    const stack = [start];
    for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
      let kinds = reached.get(block);
      if (kinds === undefined) {
        kinds = new Set();
        reached.set(block, kinds);
      }
      if (kinds.has(kind)) continue;
      kinds.add(kind);
      stack.push(...targets(block));
    }
  };
  for (const block of routes) if (!subRoutes.has(block.name) || block.kind !== 'request') mark(block, block.kind);
  for (const { name, kind } of entered) {
    const block = subRoutes.get(name);
    if (block !== undefined) mark(block, kind);
  }
  const anyDynamic = [...calls.values()].some(({ dynamic }) => dynamic);
  const own = (block: RouteBlock): ReadonlySet<RouteKind> => new Set([block.kind]);
  return {
    reachedFrom: (block) => reached.get(block) ?? own(block),
    isReached: (block) => reached.has(block) || anyDynamic,
    waits: (block) => waits.has(block),
    callWaits(call) {
      const name = staticName(call.name);
      if (name === undefined) return [...subRoutes.values()].some((each) => waits.has(each));
      const target = subRoutes.get(name);
      return target !== undefined && waits.has(target);
    },
  };
}

/** The name of a route, when it is known at compile time. */
export function staticName(name: Expression): string | undefined {
  if (name.kind === 'word' || name.kind === 'int') return name.text;
  return name.kind === 'string' && !name.value.includes('$') ? name.value : undefined;
}

/** The routes that call a function that may wait, the routes that call those, and so on. */
function waitingRoutes(
  calls: ReadonlyMap<RouteBlock, Calls>,
  subRoutes: ReadonlyMap<string | undefined, RouteBlock>,
  targets: (block: RouteBlock) => readonly RouteBlock[],
  waiting: (name: string) => boolean,
): Set<RouteBlock> {
  const callers = new Map<RouteBlock, RouteBlock[]>();
  const dynamic: RouteBlock[] = [];
  const open: RouteBlock[] = [];
  for (const [block, each] of calls) {
    if (each.dynamic) dynamic.push(block);
    if ([...each.functions].some(waiting)) open.push(block);
    for (const target of targets(block)) {
      const list = callers.get(target);
      if (list === undefined) callers.set(target, [block]);
      else list.push(block);
    }
  }
  const found = new Set<RouteBlock>();
  for (let block = open.pop(); block !== undefined; block = open.pop()) {
    if (found.has(block)) continue;
    found.add(block);
    open.push(...(callers.get(block) ?? []));
    // A computed name may be that of any named route.
    if (subRoutes.get(block.name) === block) open.push(...dynamic.splice(0));
  }
  return found;
}

/** Functions that continue in a route, and the index of the argument that names the route. */
const NAMES_A_ROUTE: ReadonlyMap<string, number> = new Map([
  ['t_continue', 2],
  ['async_route', 0],
  ['async_ms_route', 0],
  ['async_task_route', 0],
  ['async_task_group_route', 0],
  ['dlg_on_answer', 0],
  ['dlg_on_timeout', 0],
  ['dlg_on_hangup', 0],
  ['async_task_data', 0],
  ['async_task_group_data', 0],
]);

function callsOf(body: readonly Statement[]): Calls {
  const calls: Calls = { functions: new Set(), routes: new Set(), dynamic: false };
  const expression = (each: Expression | undefined): void => {
    switch (each?.kind) {
      case 'call':
        {
          calls.functions.add(each.name);
          const named = each.args[NAMES_A_ROUTE.get(each.name) ?? -1];
          const route = named === undefined ? undefined : staticName(named);
          if (route !== undefined) calls.routes.add(route);
        }
        for (const arg of each.args) expression(arg);
        return;
      case 'route':
        {
          const name = staticName(each.name);
          if (name === undefined) calls.dynamic = true;
          else calls.routes.add(name);
        }
        for (const arg of each.args) expression(arg);
        return;
      case 'unary':
        expression(each.operand);
        return;
      case 'binary':
        expression(each.left);
        expression(each.right);
        return;
      case 'assign-expression':
        expression(each.assignment.value);
    }
  };
  const statement = (each: Statement): void => {
    switch (each.kind) {
      case 'assign':
        expression(each.value);
        return;
      case 'call-statement':
        expression(each.call);
        return;
      case 'if':
        expression(each.condition);
        each.body.forEach(statement);
        each.otherwise?.forEach(statement);
        return;
      case 'while':
        expression(each.condition);
        each.body.forEach(statement);
        return;
      case 'for':
        each.body.forEach(statement);
        return;
      case 'switch':
        expression(each.subject);
        for (const { body: statements } of each.cases) statements.forEach(statement);
        return;
      case 'async':
      case 'launch':
        return;
      default:
        each.values.forEach(expression);
    }
  };
  body.forEach(statement);
  return calls;
}
