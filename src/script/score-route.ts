import type { PvarScope } from '../pvar/context.js';
import type { ScoredDestination } from '../route/request-scope.js';
import { CfgScope, MessageRun } from './call.js';
import type { ScriptEnvironment } from './environment.js';

/**
 * Runs the route that algo_route names (algorithm 10) for a destination, which the route reads as $param(dst_uri),
 * $param(attrs) and $param(script_attrs). Returns its result; undefined where the file has no such route, or the route
 * waits for something.
 */
export function scoreByRoute(
  env: ScriptEnvironment,
  name: string,
  scope: PvarScope,
  { uri, attrs, scriptAttrs }: ScoredDestination,
): number | undefined {
  const route = env.script.route('request', name);
  const outer = scope instanceof CfgScope ? scope.run : undefined;
  if (route === undefined || route.waits || outer === undefined) return undefined;
  const { pvars } = outer;
  const { params, returnCode } = pvars;
  const run = new MessageRun(env, outer.routeKind, pvars, outer.message, outer.source, outer.edits, outer.call);
  run.transaction = outer.transaction;
  run.branch = outer.branch;
  run.depth = outer.depth + 1;
  pvars.params = new Map([
    ['dst_uri', uri],
    ['attrs', attrs],
    ['script_attrs', scriptAttrs ?? ''],
  ]);
  void route.run(run);
  pvars.run = outer;
  pvars.params = params;
  pvars.returnCode = returnCode;
  return run.returned;
}
