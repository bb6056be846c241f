import type { HopFailure } from '../../proxy/decision.js';
import type { SipMessage } from '../../sip/message.js';
import { RequestRoute } from './request-route.js';
import type { ScriptCall } from './script-call.js';
import { statusMatches } from './status.js';

/**
 * A failure route: the place a request was relayed to did not take it. t_relay() tries another one, send_reply() gives an
 * answer of our own, otherwise the best reply so far goes to the caller. As $du is empty here, the next place must be
 * chosen: by ds_next_dst(), ds_select_dst() or by hand. Further failures come here only if t_on_failure() is called again.
 */
export class FailureRoute extends RequestRoute {
  constructor(
    call: ScriptCall,
    route: string,
    private readonly failure: HopFailure,
    /** The final reply, undefined when none came. */
    readonly reply: SipMessage | undefined,
  ) {
    super(call, route);
  }

  /** Status code of the failure: 408 when nothing came, 503 when the request could not be sent. */
  get code(): number {
    return this.failure.code;
  }

  /** Whether nothing (final) was received: the code is our own. */
  get local(): boolean {
    return this.failure.local;
  }

  /** Whether the code of the failure matches a regular expression: t_check_status('408|5[0-9][0-9]'). */
  t_check_status(expression: string): boolean {
    return this.done(statusMatches(this.text(expression), this.failure.code) ? 1 : -1);
  }
}
