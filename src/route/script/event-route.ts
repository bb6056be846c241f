import { type PvarMessage, PvarScope, type PvarValue } from '../../pvar/context.js';
import { CoreFunctions } from './core-functions.js';
import type { RouteScriptEnvironment } from './environment.js';
import { execute } from './execute.js';
import type { LoadedScript } from './route-table.js';
import { RouteSite } from './site.js';

/** Parameters of an event by name, in order. */
export type EventParams = Readonly<Record<string, string | number | undefined>>;

/** An event route: $param(group), $param(address), $param(status) and so on are the parameters of the event. */
export class EventRoute extends CoreFunctions {
  private constructor(
    env: RouteScriptEnvironment,
    pvars: PvarScope,
    /** For example "E_DISPATCHER_STATUS". */
    readonly event: string,
    readonly params: EventParams,
  ) {
    super(new RouteSite(env, pvars, `event ${event}`));
  }

  /** @internal Runs the route for an event, or the one with another name, if it exists. Errors are logged. */
  static run(
    env: RouteScriptEnvironment,
    script: LoadedScript,
    event: string,
    params: EventParams,
    name = event,
  ): void {
    const routes = script.routes.event;
    const handler = routes !== undefined && Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (handler === undefined) return;
    const pvars = new PvarScope(NO_MESSAGE);
    pvars.clock = env.clock;
    pvars.lookUpStatistic = env.formats.statistic;
    pvars.lookUpTag = env.formats.tag;
    pvars.params = new Map<string, PvarValue>(Object.entries(params).map(([name, value]) => [name, value ?? null]));
    const route = new EventRoute(env, pvars, event, params);
    void execute({ script: script.file, route: `event ${event}` }, () => handler(route), env.faults, env.clock);
  }
}

/** An event has no message, so variables that read one have no value. */
const NO_MESSAGE: PvarMessage = {
  isRequest: true,
  method: undefined,
  requestUri: undefined,
  status: undefined,
  reason: undefined,
  header: () => undefined,
  headerCount: () => 0,
  headers: () => [],
  callId: undefined,
  cseqNumber: undefined,
  cseqMethod: undefined,
  from: undefined,
  to: undefined,
  body: undefined,
  text: '',
  length: 0,
};
