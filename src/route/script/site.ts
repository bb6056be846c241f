import { trimmed } from '../../core/characters.js';
import type { PvarScope } from '../../pvar/context.js';
import type { FieldSpan, SipMessage } from '../../sip/message.js';
import type { DispatcherCallSite } from '../dispatcher/call.js';
import type { DispatcherSite } from '../dispatcher/site.js';
import type { MessageSite as SharedSite } from '../functions/site.js';
import type { RouteScriptEnvironment } from './environment.js';
import type { HeaderEdits } from './header-edits.js';
import type { ScriptCall } from './script-call.js';

/** The execution of a route, which its functions work on. */
export class RouteSite implements DispatcherSite {
  constructor(
    readonly env: RouteScriptEnvironment,
    readonly pvars: PvarScope,
    /** "request", "failure TO_NEXT": for log lines. */
    readonly route: string,
  ) {}

  refused(name: string, reason: string): number {
    const { env, route } = this;
    env.faults.write('warn', `${route} ${name}`, { route }, `script function ${name}(): ${reason}`);
    return -1;
  }
}

/** The execution of a route that handles a message. */
export class RouteMessageSite extends RouteSite implements SharedSite {
  constructor(
    env: RouteScriptEnvironment,
    pvars: PvarScope,
    route: string,
    readonly message: SipMessage,
    readonly edits: HeaderEdits,
  ) {
    super(env, pvars, route);
  }

  get replyStatus(): number | undefined {
    return this.message.isRequest ? this.pvars.replyCode : this.message.status;
  }

  fields(name: string): Iterable<FieldSpan> {
    return this.message.fields(trimmed(name));
  }
}

/** The execution of a route that handles the request of a call. */
export class RouteCallSite extends RouteMessageSite implements DispatcherCallSite {
  constructor(
    readonly call: ScriptCall,
    route: string,
  ) {
    super(call.env, call.pvars, route, call.request.message, call.headers);
  }
}
