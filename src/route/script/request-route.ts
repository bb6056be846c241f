import { BLACKLIST_FUNCTIONS } from '../functions/targets.js';
import { called, type TextOrNumber } from './arguments.js';
import { DispatchFunctions } from './dispatch-functions.js';
import { LINE_BREAK } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { MAX_FORWARDS, REPLY, TARGETS, TRANSACTION } from './shared-tables.js';

const { opensips: TM, both: TM_BOTH } = TRANSACTION;
const { core: CORE, kamailio: BRANCHES, rr: RR } = TARGETS;

/** The request route: decides what is done with a request. */
export class RequestRoute extends DispatchFunctions {
  constructor(call: ScriptCall, route = 'request') {
    super(call, route);
  }

  /** $ru, the current request-URI. */
  get ru(): string {
    return this.call.scope.requestUri;
  }

  /** $du, the next hop instead of the request-URI; null when it is not set. */
  get du(): string | null {
    return this.pvars.destinationUri ?? null;
  }

  /**
   * Relays the request with a transaction to $du, or to the request-URI when $du is not set, and in parallel to the
   * added branches. It is sent when the route has ended, with the changes made so far. False when it was relayed or
   * answered before, or the target is not a SIP URI.
   */
  t_relay(): boolean {
    this.running('t_relay');
    return this.done(called(this.site, TM.t_relay));
  }

  /**
   * Adds a branch: t_relay() sends the request there in parallel, and the first 2xx ends the other branches. Without a
   * URI the branch gets the current $du and request-URI. False for a text that is not a SIP URI, and when eleven
   * branches were added already.
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

  /** Sets the failure route that runs when the next hop fails; '' for none. */
  t_on_failure(name: string): boolean {
    this.running('t_on_failure');
    return this.done(called(this.site, TM.t_on_failure, name));
  }

  /** Sets the branch route that runs before each relaying; '' for none. */
  t_on_branch(name: string): boolean {
    this.running('t_on_branch');
    return this.done(called(this.site, TM.t_on_branch, name));
  }

  /** Sets the reply route that runs for each reply; '' for none. */
  t_on_reply(name: string): boolean {
    this.running('t_on_reply');
    return this.done(called(this.site, TM.t_on_reply, name));
  }

  /** Whether the caller sent CANCEL. */
  t_was_cancelled(): boolean {
    return this.done(called(this.site, TM.t_was_cancelled));
  }

  /** Whether this request belongs to a known transaction: always false, since such requests do not reach a script. */
  t_check_trans(): boolean {
    return this.done(called(this.site, TM_BOTH.t_check_trans));
  }

  /**
   * Answers the request. A provisional reply is sent at once, a final one when the route has ended. False when the
   * request was relayed or answered before, and for ACK, which gets no reply.
   */
  send_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('send_reply', code, reason);
  }

  /** Older name of send_reply. */
  sl_send_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('sl_send_reply', code, reason);
  }

  /** Name of send_reply in the transaction module. */
  t_reply(code: TextOrNumber, reason: string): boolean {
    return this.answer('t_reply', code, reason);
  }

  /** Adds header lines to replies that send_reply sends: append_to_reply('Retry-After: 30\r\n'). */
  append_to_reply(text: string): boolean {
    const given = this.lines(text);
    if (given === undefined) return this.refused('append_to_reply', LINE_BREAK);
    return this.done(REPLY.both.append_to_reply.run(this.site, given));
  }

  /** Adds Record-Route, so that later requests of the dialog pass through this proxy. */
  record_route(): boolean {
    this.running('record_route');
    return this.done(called(this.site, RR.record_route));
  }

  /** Follows the Route header; false when the request does not follow a route recorded here. */
  loose_route(): boolean {
    this.running('loose_route');
    return this.done(called(this.site, RR.loose_route));
  }

  /**
   * Checks Max-Forwards: false (-1) when it is 0; 2 when the request has none and gets `max`; otherwise 1. Relaying
   * decrements it.
   */
  mf_process_maxfwd_header(max: TextOrNumber): boolean {
    this.running('mf_process_maxfwd_header');
    return this.done(called(this.site, MAX_FORWARDS.mf_process_maxfwd_header, max));
  }

  /** From now on the request is not relayed to addresses in this black list. False for a list that does not exist. */
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
