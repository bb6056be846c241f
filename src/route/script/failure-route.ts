import { MOST_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import type { HopFailure } from '../../proxy/decision.js';
import type { SipMessage } from '../../sip/message.js';
import { STATUS_FUNCTIONS } from '../functions/transaction.js';
import type { TextOrNumber } from './arguments.js';
import { RequestRoute } from './request-route.js';
import type { ScriptCall } from './script-call.js';
import { statusPattern } from './status.js';

/**
 * A failure route: the hop a request was relayed to did not take it. t_relay() tries another one, send_reply() gives an
 * answer of our own, otherwise the best reply so far goes to the caller. As $du is empty here (but in a strict Kamailio
 * partition), the next hop must be chosen: by ds_next_dst(), ds_select_dst() or by hand. Further failures come here
 * only if t_on_failure() is called again.
 */
export class FailureRoute extends RequestRoute {
  constructor(
    call: ScriptCall,
    route: string,
    private readonly failure: HopFailure,
    /** The final reply, undefined when none came. */
    readonly reply: SipMessage | undefined,
    /** Redirections that came, from all hops of the try. */
    private readonly redirections: readonly SipMessage[] = [],
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
    return this.done(STATUS_FUNCTIONS.t_check_status.run(this.site, statusPattern(this.text(expression))));
  }

  /**
   * Makes Contacts of the redirections (300 to 302) the next targets: the preferred one becomes $ru, others are added
   * as branches. At most `total` of them, 0 for as many as a request may have branches; at most `each` of one reply.
   * Also in the form "total:each". Those that were left over come with the next call, so that get_redirects(1) tries
   * them one after the other. False when there is none.
   */
  get_redirects(total: TextOrNumber = 0, each: TextOrNumber = 0): boolean {
    this.running('get_redirects');
    const { call } = this;
    const [most, ofEach] = [...this.text(total).split(':'), this.text(each)].map(bound);
    if (most === undefined || ofEach === undefined) {
      return this.refused('get_redirects', `"${total}" and "${each}" are no numbers of Contacts`);
    }
    const { redirects } = call;
    for (const reply of this.redirections) call.followed = redirects.follow(reply, ofEach) ?? call.followed;
    const first = redirects.take();
    if (first === undefined) return this.done(-1);
    call.redirectTo(first);
    call.branches.take();
    for (let taken = 1; taken < Math.min(most, MOST_FURTHER_BRANCHES) && redirects.pending; taken++) {
      const requestUri = redirects.take() as string;
      call.branches.add({
        requestUri,
        destinationUri: undefined,
        sendSocket: undefined,
        q: '',
        destination: undefined,
      });
    }
    return this.done(1);
  }
}

/** A number of Contacts, 0 or "*" for no bound; undefined for what is none. */
function bound(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '*' || /^0+$/.test(trimmed)) return Number.POSITIVE_INFINITY;
  return /^[0-9]{1,9}$/.test(trimmed) ? Number(trimmed) : undefined;
}
