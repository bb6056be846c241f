import { trimmed } from '../../core/characters.js';
import { MAX_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import type { HopFailure } from '../../proxy/decision.js';
import type { SipMessage } from '../../sip/message.js';
import { STATUS_FUNCTIONS } from '../functions/transaction.js';
import type { TextOrNumber } from './arguments.js';
import { RequestRoute } from './request-route.js';
import type { ScriptCall } from './script-call.js';
import { statusPattern } from './status.js';

/**
 * A failure route: runs when the hop that a request was relayed to has failed. t_relay() tries another hop,
 * send_reply() sends a reply of this proxy, otherwise the best reply so far is sent to the caller. $du is empty here
 * (except in a strict Kamailio partition), so the next hop must be chosen by ds_next_dst(), by ds_select_dst() or by
 * assignment. For further failures t_on_failure() must be called again.
 */
export class FailureRoute extends RequestRoute {
  constructor(
    call: ScriptCall,
    route: string,
    private readonly failure: HopFailure,
    /** The final reply; undefined when none was received. */
    readonly reply: SipMessage | undefined,
    /** Redirections received from all hops of the attempt. */
    private readonly redirections: readonly SipMessage[] = [],
  ) {
    super(call, route);
  }

  /** Status code of the failure: 408 when no reply was received, 503 when the request could not be sent. */
  get code(): number {
    return this.failure.code;
  }

  /** Whether this proxy generated the code because no final reply was received. */
  get local(): boolean {
    return this.failure.local;
  }

  /** Whether the code of the failure matches a regular expression: t_check_status('408|5[0-9][0-9]'). */
  t_check_status(expression: string): boolean {
    return this.done(STATUS_FUNCTIONS.t_check_status.run(this.site, statusPattern(this.text(expression))));
  }

  /**
   * Takes Contacts of the redirections (300 to 302) as the next targets: the preferred one becomes $ru, the others
   * become branches. Takes at most `total` of them, 0 for as many as a request may have branches, and at most `each`
   * from one reply; "total:each" is accepted too. Contacts that are left over are taken by the next call, so that
   * get_redirects(1) tries them one after the other. False when there are none.
   */
  get_redirects(total: TextOrNumber = 0, each: TextOrNumber = 0): boolean {
    this.running('get_redirects');
    const { call } = this;
    const [max, ofEach] = [...this.text(total).split(':'), this.text(each)].map(bound);
    if (max === undefined || ofEach === undefined) {
      return this.refused('get_redirects', `"${total}" and "${each}" are not numbers of Contacts`);
    }
    const { redirects } = call;
    for (const reply of this.redirections) call.followed = redirects.follow(reply, ofEach) ?? call.followed;
    const first = redirects.take();
    if (first === undefined) return this.done(-1);
    call.redirectTo(first);
    call.branches.take();
    for (let taken = 1; taken < Math.min(max, MAX_FURTHER_BRANCHES) && redirects.pending; taken++) {
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

/** A number of Contacts, 0 or "*" for no bound; undefined for any other text. */
function bound(text: string): number | undefined {
  const word = trimmed(text);
  if (word === '*' || /^0+$/.test(word)) return Number.POSITIVE_INFINITY;
  return /^[0-9]{1,9}$/.test(word) ? Number(word) : undefined;
}
