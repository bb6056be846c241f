import type { NextHop } from '../../proxy/decision.js';
import { executeNow } from './execute.js';
import { DROP } from './exit.js';
import { MessageFunctions } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { RouteCallSite } from './site.js';

/** A branch route: runs before a request is relayed; its changes apply to this branch only. */
export class BranchRoute extends MessageFunctions {
  private constructor(call: ScriptCall, route: string) {
    super(new RouteCallSite(call, route));
  }

  /** The branch is not sent. */
  drop(): never {
    throw DROP;
  }

  /**
   * @internal Runs the branch route and returns the next hop afterwards; undefined when the route dropped the branch.
   * What the script threw is thrown again, to end the relaying route.
   */
  static prepare(call: ScriptCall, name: string): NextHop | undefined {
    const handler = call.script.routes.branch?.[name];
    if (handler === undefined) return call.nextHop();
    const { pvars, scope, headers } = call;
    const { destinationUri, sendSocket } = pvars;
    const { requestUri } = scope;
    const title = { script: call.script.file, route: `branch ${name}`, callId: call.callId };
    call.headers = headers.copy();
    const route = new BranchRoute(call, title.route);
    const seen = call.env.trace?.watched(route, pvars, 2) ?? route;
    try {
      const end = executeNow(title, () => handler(seen), call.env.faults);
      if (end === 'failed') throw new BranchFailed(`the branch route "${name}" failed`);
      return end === 'dropped' || !call.relayable ? undefined : call.nextHop();
    } finally {
      route.end();
      pvars.branchIndex++;
      call.headers = headers;
      pvars.destinationUri = destinationUri;
      pvars.sendSocket = sendSocket;
      if (scope.requestUri !== requestUri) pvars.setRequestUri(requestUri);
    }
  }
}

/** Ends the route that relays; the error of the branch route has been logged. */
class BranchFailed extends Error {}
