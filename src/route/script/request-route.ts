import { nearest } from '../../core/nearest.js';
import { reasonPhrase } from '../../sip/reply.js';
import { maxForwardsFunctions } from '../functions/max-forwards.js';
import { called, type TextOrNumber, wireText } from './arguments.js';
import { BranchRoute } from './branch-route.js';
import { DispatchFunctions } from './dispatch-functions.js';
import { LINE_BREAK } from './message-functions.js';
import type { RouteTable } from './route-table.js';
import type { ScriptCall } from './script-call.js';
import type { CallSite } from './site.js';

/** A request that is relayed is counted down by the proxy. */
const { opensips: MAX_FORWARDS } = maxForwardsFunctions<CallSite>({
  add({ call }, limit) {
    call.maxForwards = limit > 0 && limit <= 255 ? limit : 70;
  },
  countDown: () => undefined,
});

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
    const { call } = this;
    if (call.reply !== undefined || call.hops.length > 0 || call.stateless) return this.done(-1);
    if (!call.relayable) return this.refused('t_relay', 'neither $du nor the request-URI is a SIP URI to relay to');
    const branches = call.branches.take();
    const main = branched(call);
    if (main !== undefined) call.hops.push(main);
    for (const branch of branches) {
      const hop = call.on(branch, () => (call.relayable ? branched(call) : undefined));
      if (hop !== undefined) call.hops.push(hop);
    }
    return this.done(call.hops.length > 0 ? 1 : -1);
  }

  /**
   * Adds a branch: t_relay() sends the request there as well, at the same time, and the first 2xx ends the others. Without
   * a URI the target is what $du and the request-URI name now. False for what is no SIP URI and for a twelfth branch.
   */
  append_branch(uri?: string, q: TextOrNumber = ''): boolean {
    this.running('append_branch');
    const { call, pvars } = this;
    const given = uri === undefined ? '' : wireText(this.text(uri)).trim();
    const fault = call.branches.add({
      requestUri: given === '' ? call.scope.requestUri : given,
      destinationUri: given === '' ? pvars.destinationUri : undefined,
      sendSocket: pvars.sendSocket,
      q: this.text(q).trim(),
      destination: given === '' ? call.destination : undefined,
    });
    return fault === undefined ? this.done(1) : this.refused('append_branch', fault);
  }

  /** Forwards the request without a transaction. */
  forward(): boolean {
    if (!this.t_relay()) return false;
    this.call.stateless = true;
    return this.done(1);
  }

  /** Names the failure route that is called when the hop relayed to next does not take the request; '' for none. */
  t_on_failure(name: string): boolean {
    return this.arm('failure', name);
  }

  /** Names the branch route that is called before each relaying; '' for none. */
  t_on_branch(name: string): boolean {
    return this.arm('branch', name);
  }

  /** Names the reply route that is called with each reply; '' for none. */
  t_on_reply(name: string): boolean {
    return this.arm('reply', name);
  }

  /** Whether the caller gave up. */
  t_was_cancelled(): boolean {
    return this.done(this.call.cancelled ? 1 : -1);
  }

  /** Whether this request belongs to a transaction that is known: never, those do not come here. */
  t_check_trans(): boolean {
    return this.done(-1);
  }

  /**
   * Answers the request. A provisional code is sent at once, a final one when the route has ended. False when the request
   * was relayed or answered before, and for ACK, which has no answer.
   */
  send_reply(code: TextOrNumber, reason: string): boolean {
    this.running('send_reply');
    const number = Number(this.text(code));
    if (!Number.isInteger(number) || number < 100 || number > 699) throw new RangeError(`"${code}" is no status code`);
    const phrase = wireText(this.format(reason))
      .replace(/[\x00-\x1f\x7f]+/g, ' ')
      .trim();
    const { request } = this.call;
    if (request.message.method === 'ACK') return this.done(-1);
    if (number >= 200) return this.done(this.call.answer(number, phrase) ? 1 : -1);
    request.transaction().replyWith(number, phrase === '' ? reasonPhrase(number) : phrase, this.call.replyHeaders);
    return this.done(1);
  }

  /** send_reply by its older name. */
  sl_send_reply(code: TextOrNumber, reason: string): boolean {
    return this.send_reply(code, reason);
  }

  /** send_reply by its name in the transaction module. */
  t_reply(code: TextOrNumber, reason: string): boolean {
    return this.send_reply(code, reason);
  }

  /** Adds header lines to replies that send_reply gives: append_to_reply('Retry-After: 30\r\n'). */
  append_to_reply(text: string): boolean {
    const given = this.lines(text);
    if (given === undefined) return this.refused('append_to_reply', LINE_BREAK);
    const lines = wireText(given).replace(/\r?\n/g, '\r\n');
    const whole = lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
    if (!/^(?:[!-9;-~]+[ \t]*:[^\r\n\0]*\r\n)+$/.test(whole))
      return this.refused('append_to_reply', 'not a header line');
    this.call.replyHeaders += whole;
    return this.done(1);
  }

  /** Stays in the path of the dialog. */
  record_route(): boolean {
    this.running('record_route');
    this.call.recordRoute = true;
    return this.done(1);
  }

  /** Follows the Route header; false when the request does not come along a route recorded here. */
  loose_route(): boolean {
    this.running('loose_route');
    return this.done(this.call.looseRoute() ? 1 : -1);
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
    const list = this.text(name).trim();
    if (!this.env.hasBlacklist(list)) return this.refused('use_blacklist', `no black list "${list}"`);
    if (!this.call.blacklists.includes(list)) this.call.blacklists.push(list);
    return this.done(1);
  }

  /** Undoes use_blacklist. */
  unuse_blacklist(name: string): boolean {
    const at = this.call.blacklists.indexOf(this.text(name).trim());
    if (at >= 0) this.call.blacklists.splice(at, 1);
    return this.done(at >= 0 ? 1 : -1);
  }

  private arm(kind: 'failure' | 'branch' | 'reply', name: string): boolean {
    this.running(`t_on_${kind}`);
    const wanted = this.text(name);
    if (wanted === '' || wanted === '0') {
      this.call.armed[kind] = undefined;
      return this.done(1);
    }
    const routes: RouteTable = this.call.script.routes;
    const table = routes[kind] ?? {};
    if (!Object.hasOwn(table, wanted)) {
      const meant = nearest(wanted, Object.keys(table));
      throw new Error(`no ${kind} route "${wanted}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`);
    }
    this.call.armed[kind] = wanted;
    return this.done(1);
  }
}

/** The next hop after the branch route had it; undefined when that dropped it. */
function branched(call: ScriptCall) {
  const name = call.armed.branch;
  return name === undefined ? call.nextHop() : BranchRoute.prepare(call, name);
}
