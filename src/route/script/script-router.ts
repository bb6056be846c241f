import type { AckRoute, RouteDecision, RoutedRequest, RouteOrigin, Router } from '../../proxy/decision.js';
import { reasonPhrase } from '../../sip/reply.js';
import type { RouteScriptEnvironment } from './environment.js';
import { execute, type RouteEnd } from './execute.js';
import { RequestRoute } from './request-route.js';
import type { LoadedScript } from './route-table.js';
import { ScriptCall } from './script-call.js';
import { ScriptPlan } from './script-plan.js';

/** Routes by a script: its request route runs for every request, including an ACK for a 2xx. */
export class ScriptRouter implements Router {
  /** The script checks Max-Forwards itself, by mf_process_maxfwd_header. */
  readonly checksMaxForwards = true;

  constructor(
    private readonly env: RouteScriptEnvironment,
    /** undefined while the script is being loaded: requests are then answered with 503. */
    private readonly script: LoadedScript | undefined,
  ) {}

  route(request: RoutedRequest): RouteDecision | Promise<RouteDecision> {
    const { script } = this;
    if (script === undefined) return { kind: 'reply', code: 503, reason: reasonPhrase(503) };
    if (request.message.method === 'BYE') this.callEnded(request.message.callId);
    const call = new ScriptCall(this.env, script, request);
    const end = this.run(call);
    return end instanceof Promise ? end.then((how) => decision(call, how)) : decision(call, end);
  }

  routeAck(request: RoutedRequest): AckRoute | undefined | Promise<AckRoute | undefined> {
    const { script } = this;
    if (script === undefined) return undefined;
    const call = new ScriptCall(this.env, script, request);
    const end = this.run(call);
    const found = (how: RouteEnd): AckRoute | undefined => {
      const hop = how === 'failed' ? undefined : call.hops[0];
      return hop === undefined ? undefined : { hop, edits: [] };
    };
    return end instanceof Promise ? end.then(found) : found(end);
  }

  /**
   * A dialog has ended: its call stops counting as load. In a strict partition the script does that (ds_load_update).
   */
  private callEnded(callId: string): void {
    for (const { flavour } of this.env.engine.partitions) if (flavour.endsCallsItself) flavour.endCall(callId);
  }

  private run(call: ScriptCall): RouteEnd | Promise<RouteEnd> {
    const route = new RequestRoute(call);
    const seen = this.env.trace?.watched(route, call.pvars, 1) ?? route;
    const title = { script: call.script.file, route: 'request', callId: call.callId };
    const end = execute(title, () => call.script.routes.request(seen), this.env.faults, this.env.clock);
    if (end instanceof Promise) {
      return end.then((how) => {
        route.end();
        return how;
      });
    }
    route.end();
    return end;
  }
}

const SCRIPT: RouteOrigin = { rule: 'script' };

function decision(call: ScriptCall, end: RouteEnd): RouteDecision {
  const { reply, hops, recordRoute } = call;
  // The end of a request is only seen when it is relayed with state.
  if (end === 'failed' || reply !== undefined || hops.length === 0 || call.stateless) call.ended(0);
  if (end === 'failed') return { kind: 'reply', code: 500, reason: reasonPhrase(500), origin: SCRIPT };
  if (reply !== undefined) return { kind: 'reply', ...reply, origin: SCRIPT };
  const [first] = hops;
  if (first === undefined) return { kind: 'drop' };
  if (call.stateless) return { kind: 'stateless', hop: first, recordRoute, edits: [] };
  return { kind: 'relay', plan: new ScriptPlan(call) };
}
