import type { EnteredRoute } from '../cfg/script.js';
import { namedValues } from '../core/named-values.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { runNamed } from '../script/service-routes.js';

/** A timer with the routes it runs. */
export interface RouteTimer {
  readonly ms: number;
  readonly routes: readonly string[];
}

/** Minimum interval in milliseconds. */
const SHORTEST = 10;

/**
 * Timers of rtimer: "name=ta;interval=10;mode=1" and "timer=ta;route=NAME". An interval that ends with "u" is in
 * microseconds.
 */
export const routeTimers = {
  module: 'rtimer',
  /** Throws an Error for an invalid definition. */
  create(parameters: ModuleParameters): readonly RouteTimer[] {
    const interval = parameters.int('default_interval', 120);
    const timers = new Map<string, { ms: number; routes: string[] }>();
    for (const each of parameters.all('timer').map(String)) {
      const options = namedValues(each);
      const name = options.get('name');
      if (name === undefined || name === '') throw new Error(`timer "${each}" has no name`);
      const text = options.get('interval') ?? String(interval);
      const ms = text.endsWith('u') ? Number(text.slice(0, -1)) / 1000 : Number(text) * 1000;
      if (!(ms > 0)) throw new Error(`timer "${each}": the interval is not a number above 0`);
      if (timers.has(name)) throw new Error(`timer "${each}": there is a timer of that name already`);
      timers.set(name, { ms: Math.max(SHORTEST, ms), routes: [] });
    }
    for (const each of parameters.all('exec').map(String)) {
      const options = namedValues(each);
      const [timer, route] = [timers.get(options.get('timer') ?? ''), options.get('route')];
      if (timer === undefined || route === undefined || route === '')
        throw new Error(`exec "${each}" names no timer that is defined before it, or no route`);
      timer.routes.push(route);
    }
    return [...timers.values()];
  },
};

/** Name of the route in a value of the parameter "exec", whether or not the file has the route; undefined: none. */
export function timedRoute(exec: string): string | undefined {
  return namedValues(exec).get('route');
}

/** Names of the routes that timers of a file run, whether or not the file has them. */
export function timedRoutes(
  parameters: ReadonlyMap<string, ReadonlyMap<string, readonly (string | number)[]>>,
): readonly EnteredRoute[] {
  const all = parameters.get('rtimer')?.get('exec') ?? [];
  return all.flatMap((each) => {
    const name = timedRoute(String(each));
    return name === undefined ? [] : [{ name, kind: 'event' }];
  });
}

/** Starts the timers; the returned function stops them. */
export function startRouteTimers(env: () => ScriptEnvironment): () => void {
  const { modules, clock } = env();
  if (!modules.loaded.has('rtimer')) return () => undefined;
  let stopped = false;
  const stops = new Map<RouteTimer, () => void>();
  for (const timer of modules.of(routeTimers)) {
    const again = (): void => {
      if (stopped) return;
      for (const route of timer.routes) runNamed(env(), route);
      stops.set(timer, clock.schedule(timer.ms, again));
    };
    stops.set(timer, clock.schedule(timer.ms, again));
  }
  return () => {
    stopped = true;
    for (const stop of stops.values()) stop();
  };
}
