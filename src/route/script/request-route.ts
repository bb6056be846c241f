import { BLACKLIST_FUNCTIONS } from '../functions/targets.js';
import { called, type TextOrNumber } from './arguments.js';
import { DispatchFunctions } from './dispatch-functions.js';
import { LINE_BREAK } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { MAX_FORWARDS, REPLY, TARGETS, TRANSACTION } from './shared-tables.js';

const { opensips: TM, both: TM_BOTH } = TRANSACTION;
const { core: CORE, kamailio: BRANCHES, rr: RR } = TARGETS;

/** The request route: decides what becomes of one request. */
export class RequestRoute extends DispatchFunctions {
  constructor(call: ScriptCall, route = 'request') {
    super(call, route);
  }

  /** $ru, the request-URI as it stands now. */
  get ru(): string {
    return this.call.scope.requestUri;
  }

  /** $du, where the request goes in place of the request-URI; null for nowhere else. */
  get du(): string | null {
    return this.pvars.destinationUri ?? null;
  }

  /**
   * Relays the request, under a transaction, to $du or to the request-URI when there is no $du, and to the branches that
   * were added, all at once. It leaves when the route has ended, as it is now. False when it was relayed or answered
   * before, or goes nowhere.
   */
  t_relay(): boolean {
    this.running('t_relay');
    return this.done(called(this.site, TM.t_relay));
  }

  /**
   * Adds a branch: t_relay() sends the request there as well, at the same time, and the first 2xx ends the others. Without
   * a URI the target is what $du and the request-URI name now. False for what is not a SIP URI and for a twelfth branch.
   */
  append_branch(uri?: string, q: TextOrNumber = ''): boolean {
    this.running('append_branch');
    return this.done(called(this.site, BRANCHES.append_branch, uri, q));
  }

  /** Forwards the request without a transaction. */
  forward(): boolean {
    this.running('forward');
    return this.done(called(this.site, CORE.forward));
  }

  /** Names the failure route that is called when the hop relayed to next does not take the request; '' for none. */
  t_on_failure(name: string): boolean {
    this.running('t_on_failure');
    return this.done(called(this.site, TM.t_on_failure, name));
  }

  /** Names the branch route that is called before each relaying; '' for none. */
  t_on_branch(name: string): boolean {
    this.running('t_on_branch');
    return this.done(called(this.site, TM.t_on_branch, name));
  }

  /** Names the reply route that is called with each reply; '' for none. */
  t_on_reply(name: string): boolean {
    this.running('t_on_reply');
    return this.done(called(this.site, TM.t_on_reply, name));
  }

  /** Whether the caller gave up. */
  t_was_cancelled(): boolean {
    return this.done(called(this.site, TM.t_was_cancelled));
  }

  /** Whether this request belongs to a transaction that is known: never, those do not come here. */
  t_check_trans(): boolean {
    return this.done(called(this.site, TM_BOTH.t_check_trans));
  }

  /**
   * Answers the request. A provisional code is sent at once, a final one when the route has ended. False when the request
   * was relayed or answered before, and for ACK, which has no answer.
   */
  send_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('send_reply', code, reason);
  }

  /** send_reply by its older name. */
  sl_send_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('sl_send_reply', code, reason);
  }

  /** send_reply by its name in the transaction module. */
  t_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('t_reply', code, reason);
  }

  /** Adds header lines to replies that send_reply gives: append_to_reply('Retry-After: 30\r\n'). */
  append_to_reply(text: string): boolean {
    const given = this.lines(text);
    if (given === undefined) return this.refused('append_to_reply', LINE_BREAK);
    return this.done(REPLY.both.append_to_reply.run(this.site, given));
  }

  /** Stays in the path of the dialog. */
  record_route(): boolean {
    this.running('record_route');
    return this.done(called(this.site, RR.record_route));
  }

  /** Follows the Route header; false when the request does not come along a route recorded here. */
  loose_route(): boolean {
    this.running('loose_route');
    return this.done(called(this.site, RR.loose_route));
  }

  /**
   * Checks Max-Forwards: false (-1) when it is used up; a request without one gets `max` (2); otherwise 1. It is counted
   * down by relaying.
   */
  mf_process_maxfwd_header(max: TextOrNumber): boolean {
    this.running('mf_process_maxfwd_header');
    return this.done(called(this.site, MAX_FORWARDS.mf_process_maxfwd_header, max));
  }

  /** From now on the request is not relayed to addresses of this black list. False for a list that does not exist. */
  use_blacklist(name: string): boolean {
    this.running('use_blacklist');
    return this.done(called(this.site, BLACKLIST_FUNCTIONS.use_blacklist, name));
  }

  /** Undoes use_blacklist. */
  unuse_blacklist(name: string): boolean {
    return this.done(called(this.site, BLACKLIST_FUNCTIONS.unuse_blacklist, name));
  }

  private answer(name: keyof typeof REPLY.opensips, code: TextOrNumber, reason: string): boolean {
    this.running(name);
    const number = Number(this.text(code));
    if (!Number.isInteger(number) || number < 100 || number > 699)
      throw new RangeError(`"${code}" is not a status code`);
    return this.done(called(this.site, REPLY.opensips[name], number, reason));
  }
}
