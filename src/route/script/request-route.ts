import { nearest } from '../../core/nearest.js';
import type { HealthState } from '../../engine/destination.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import { reasonPhrase } from '../../sip/reply.js';
import { optional, wireText } from './arguments.js';
import { BranchRoute } from './branch-route.js';
import { LINE_BREAK, MessageFunctions } from './message-functions.js';
import type { Routes } from './routes.js';
import type { ScriptCall } from './script-call.js';

type TextOrNumber = string | number;

const MARKS: Readonly<Record<string, HealthState>> = {
  i: 'inactive',
  I: 'inactive',
  '0': 'inactive',
  a: 'active',
  A: 'active',
  '1': 'active',
  p: 'probing',
  P: 'probing',
  '2': 'probing',
};

/** The request route: decides what becomes of one request. */
export class RequestRoute extends MessageFunctions {
  constructor(
    protected readonly call: ScriptCall,
    route = 'request',
  ) {
    super(call.env, call.pvars, route, call.request.message, call.headers);
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
   * Selects a destination and puts it into $du. Both forms are understood: ('part:1,2', '0,4', 'fuD M 5, fuS M 2') and
   * (set, alg, flags, partition, max_res).
   */
  ds_select_dst(
    set: TextOrNumber,
    alg: TextOrNumber,
    flags?: TextOrNumber,
    partition?: string,
    max_res?: TextOrNumber,
  ): boolean {
    return this.select('dst', set, alg, flags, partition, max_res);
  }

  /** As ds_select_dst, but rewrites host, port and parameters of the request-URI. */
  ds_select_domain(
    set: TextOrNumber,
    alg: TextOrNumber,
    flags?: TextOrNumber,
    partition?: string,
    max_res?: TextOrNumber,
  ): boolean {
    return this.select('domain', set, alg, flags, partition, max_res);
  }

  /** Puts the next destination of the list that flag f kept into $du; false when there is none. */
  ds_next_dst(partition?: string): boolean {
    return this.next('dst', partition);
  }

  /** As ds_next_dst, in the request-URI. */
  ds_next_domain(partition?: string): boolean {
    return this.next('domain', partition);
  }

  /**
   * Marks the destination last used: inactive (i I 0, or nothing), active (a A 1) or probing (p P 2: counts toward the
   * threshold). Both orders are understood: (partition, state) of 2.1 and (state, partition) of today. Any other state
   * does nothing and is true, as recorded.
   */
  ds_mark_dst(first?: string, second?: string): boolean {
    this.running('ds_mark_dst');
    let state = optional(this.pvars, first)?.trim();
    let name = optional(this.pvars, second)?.trim();
    if (name !== undefined && MARKS[name] !== undefined && (state === undefined || MARKS[state] === undefined)) {
      [state, name] = [name, state];
    }
    const partition = this.env.engine.partition(name ?? '');
    if (partition === undefined) return this.refused('ds_mark_dst', `no partition "${name}"`);
    const destination = this.call.dispatch.current(partition);
    if (destination === undefined) return this.done(-1);
    const to = state === undefined || state === '' ? 'inactive' : MARKS[state];
    if (to !== undefined) {
      const code = this.pvars.replyCode;
      const reason = 'script function ds_mark()';
      this.env.engine.states.apply({ destination, kind: 'set', to, origin: 'script', reason, code });
    }
    return this.done(1);
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
   * a URI the place is the one $du and the request-URI name now. False for what is no SIP URI and for a twelfth branch.
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

  /** Names the failure route that is called when the place relayed to next does not take the request; '' for none. */
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
    const hops = this.call.request.message.maxForwards;
    if (hops >= 0) return this.done(hops === 0 ? -1 : 1);
    const given = Number(this.text(max));
    this.call.maxForwards = Number.isInteger(given) && given > 0 && given <= 255 ? given : 70;
    return this.done(2);
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

  private select(
    mode: 'dst' | 'domain',
    set: TextOrNumber,
    alg: TextOrNumber,
    flags: TextOrNumber | undefined,
    partition: string | undefined,
    maxResults: TextOrNumber | undefined,
  ): boolean {
    const name = `ds_select_${mode}`;
    this.running(name);
    const { call, env, pvars } = this;
    const given = parseSelectArguments({
      set: this.text(set),
      alg: this.text(alg),
      flags: optional(pvars, flags),
      partition: optional(pvars, partition),
      maxResults: optional(pvars, maxResults),
    });
    if (typeof given === 'string') return this.refused(name, given);
    const found = env.engine.partition(given.partition);
    if (found === undefined) return this.refused(name, `no partition "${given.partition}"`);
    const isSet = mode === 'dst' && pvars.destinationUri !== undefined;
    switch (call.dispatch.select(found, given.targets, call.scope, isSet)) {
      case 'kept':
        return this.done(1);
      case 'failed':
        env.tally.failed(found.name);
        return this.done(-1);
      case 'selected':
        env.tally.selected(found.name);
        return this.done(call.use(found, mode) ? 1 : -1);
    }
  }

  private next(mode: 'dst' | 'domain', partition: string | undefined): boolean {
    const name = `ds_next_${mode}`;
    this.running(name);
    const wanted = optional(this.pvars, partition)?.trim() ?? '';
    const found = this.env.engine.partition(wanted);
    if (found === undefined) return this.refused(name, `no partition "${wanted}"`);
    return this.done(this.call.next(found, mode) ? 1 : -1);
  }

  private arm(kind: 'failure' | 'branch' | 'reply', name: string): boolean {
    this.running(`t_on_${kind}`);
    const wanted = this.text(name);
    if (wanted === '' || wanted === '0') {
      this.call.armed[kind] = undefined;
      return this.done(1);
    }
    const routes: Routes = this.call.script.routes;
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
