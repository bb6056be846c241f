import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { parseRoutes, type RoutesMode, routesMode } from '../../engine/kamailio/select-routes.js';
import type { Partition } from '../../engine/partition.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import type { SelectTarget } from '../../engine/selection.js';
import { optional, setReference } from './arguments.js';
import { MessageFunctions } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { NOT_KAMAILIO } from './set-functions.js';

/** An argument as scripts give it: a number, or a text that may hold pseudo-variables. */
export type TextOrNumber = string | number;

/** Where a selection goes: $du, the request-URI, or nowhere but the list. */
type Mode = 'dst' | 'domain' | 'list';

const ROUTES_MODES: Readonly<Record<RoutesMode, Mode>> = {
  destination: 'dst',
  'request-uri': 'domain',
  list: 'list',
};

const INTEGER = /^\s*[+-]?[0-9]{1,10}\s*$/;

/**
 * What selects destinations for a call. A partition of flavour kamailio, the default one or one that is named ("part:3"),
 * is asked in Kamailio's form: (set, alg[, limit]).
 */
export class DispatchFunctions extends MessageFunctions {
  constructor(
    protected readonly call: ScriptCall,
    route: string,
  ) {
    super(call.env, call.pvars, route, call.request.message, call.headers);
  }

  /**
   * Selects a destination and puts it into $du. All forms are understood: ('part:1,2', '0,4', 'fuD M 5, fuS M 2'),
   * (set, alg, flags, partition, max_res), and Kamailio's (set, alg, limit). $retcode is 2 where algorithm 12 found more
   * destinations than a request may have branches.
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

  /** As ds_select_dst, but only keeps the list: ds_set_dst() or ds_next_dst() goes to one of it (flavour kamailio). */
  ds_select(set: TextOrNumber, alg: TextOrNumber, limit: TextOrNumber = 0, partition?: string): boolean {
    return this.select('list', set, alg, limit, partition, undefined);
  }

  /**
   * Selects in several sets, "2=4;1=4;3=4" is set=algorithm in the order they are to be tried, and keeps all their
   * destinations. Mode d puts the first into $du, r into the request-URI, x only keeps the list. The limit counts over all
   * sets, 0 for all; the first of each set is kept whatever it says. FlavourName kamailio only; the partition may stand
   * before the rules, "part:2=4;1=4".
   */
  ds_select_routes(rules: string, mode: TextOrNumber, limit: TextOrNumber = 0, partition?: string): boolean {
    const name = 'ds_select_routes';
    this.running(name);
    const text = this.text(rules);
    const colon = text.lastIndexOf(':');
    const given = optional(this.pvars, partition)?.trim() ?? '';
    const wanted = colon < 0 ? given : text.slice(0, colon).trim();
    // Rules may come with the call: what the script says of the partition is not theirs to change.
    if (given !== '' && wanted !== given) return this.refused(name, `the rules name partition "${wanted}"`);
    const found = this.env.engine.partition(wanted);
    if (found === undefined) return this.refused(name, `no partition "${wanted}"`);
    if (kamailioOf(found) === undefined) return this.refused(name, NOT_KAMAILIO);
    const modeText = this.text(mode).trim();
    const way = routesMode(modeText);
    if (way === undefined) return this.refused(name, `mode "${modeText}" is none of d, r, x`);
    const limitText = this.text(limit);
    if (!INTEGER.test(limitText)) return this.refused(name, `limit "${limitText}" is not a number`);
    const routes = parseRoutes(text.slice(colon + 1), 0, Number(limitText));
    const { dispatch, scope } = this.call;
    const { problem } = routes;
    // As recorded, what stands before a fault is used, though the answer is no.
    const usable =
      problem === undefined || found.options.compat === 'strict' ? { ...routes, problem: undefined } : routes;
    if (way === 'destination' && this.keepsDestination) return this.done(-1);
    const verdict = dispatch.selectRoutes(found, usable, scope, way);
    const code = this.selected(found, ROUTES_MODES[way], verdict === 'selected');
    return problem === undefined ? this.done(code) : this.refused(name, problem);
  }

  /** Puts the next destination of the list that flag f, or the module parameter flags, kept into $du; false when there is none. */
  ds_next_dst(partition?: string): boolean {
    return this.next('dst', partition);
  }

  /** As ds_next_dst, in the request-URI. */
  ds_next_domain(partition?: string): boolean {
    return this.next('domain', partition);
  }

  /** Puts the destination in use into $du once more; false when the list is empty (flavour kamailio). */
  ds_set_dst(partition?: string): boolean {
    return this.again('dst', partition);
  }

  /** As ds_set_dst, in the request-URI. */
  ds_set_domain(partition?: string): boolean {
    return this.again('domain', partition);
  }

  /**
   * Marks the destination last used: inactive (i I 0, or nothing), active (a A 1) or probing (p P 2: counts toward the
   * threshold). Both orders are understood: (partition, state) of 2.1 and (state, partition) of today. Any other state
   * does nothing and is true, as recorded. In a partition of flavour kamailio the state is its letters, "ip" or "tp", and
   * any other letter is false.
   */
  ds_mark_dst(first?: string, second?: string): boolean {
    this.running('ds_mark_dst');
    const { engine } = this.env;
    let state = optional(this.pvars, first)?.trim();
    let name = optional(this.pvars, second)?.trim();
    const turned = name !== undefined && isState(name) && (state === undefined || !isState(state));
    if (turned) [state, name] = [name, state];
    const partition = engine.partition(name ?? '');
    if (partition === undefined) return this.refused('ds_mark_dst', `no partition "${name}"`);
    const lists = this.call.dispatch.of(partition);
    const { flavour } = partition;
    const destination = flavour.marksFirstOfList ? lists?.first : lists?.current;
    if (destination === undefined) return this.done(-1);
    const code = this.pvars.replyCode;
    const signal = { destination, kind: 'set', origin: 'script', reason: 'script function ds_mark()', code } as const;
    const wanted = flavour.markOf(state ?? '');
    if (wanted === undefined) return this.refused('ds_mark_dst', `state "${state}" is none of a, i, d, t, p`);
    engine.states.apply({ ...signal, ...wanted });
    return this.done(1);
  }

  /**
   * The call counts no longer as load of its destination. Always true; a strict partition does nothing for an INVITE whose
   * list has come to its end, as recorded.
   */
  ds_load_unset(partition?: string): boolean {
    this.running('ds_load_unset');
    const { engine } = this.env;
    for (const each of this.kamailioPartitions(partition)) {
      const found = engine.partition(each.partition.name);
      const lists = found && this.call.dispatch.of(found);
      const counted = lists?.first !== undefined && lists.call !== undefined;
      if (each.strict && this.message.method === 'INVITE' && !counted) continue;
      each.endCall(this.message.callId);
    }
    return this.done(1);
  }

  private select(
    mode: Mode,
    set: TextOrNumber,
    alg: TextOrNumber,
    flags: TextOrNumber | undefined,
    partition: string | undefined,
    maxResults: TextOrNumber | undefined,
  ): boolean {
    const name = mode === 'list' ? 'ds_select' : `ds_select_${mode}`;
    this.running(name);
    const { call, env, pvars } = this;
    const third = optional(pvars, flags);
    const kamailio = this.kamailioTarget(this.text(set), this.text(alg), third, optional(pvars, partition));
    if (kamailio !== undefined) return this.done(this.selectKamailio(mode, kamailio.partition, kamailio.target));
    if (mode === 'list') return this.refused(name, `${NOT_KAMAILIO}, or set, algorithm and limit are no numbers`);
    const given = parseSelectArguments({
      set: this.text(set),
      alg: this.text(alg),
      flags: third,
      partition: optional(pvars, partition),
      maxResults: optional(pvars, maxResults),
    });
    if (typeof given === 'string') return this.refused(name, given);
    const found = env.engine.partition(given.partition);
    if (found === undefined) return this.refused(name, `no partition "${given.partition}"`);
    const isSet = mode === 'dst' && pvars.destinationUri !== undefined;
    const verdict = call.dispatch.select(found, given.targets, call.scope, isSet);
    return this.done(verdict === 'kept' ? 1 : this.selected(found, mode, verdict === 'selected'));
  }

  /** The arguments in Kamailio's form, when the partition is of that flavour and they are of that form. */
  private kamailioTarget(
    set: string,
    alg: string,
    limit: string | undefined,
    name: string | undefined,
  ): { partition: Partition; target: SelectTarget } | undefined {
    const found = setReference(this.env.engine, set, name);
    if (typeof found === 'string' || found.setId === undefined || kamailioOf(found.partition) === undefined)
      return undefined;
    if (!INTEGER.test(alg) || (limit !== undefined && !INTEGER.test(limit))) return undefined;
    const most = Number(limit ?? 0);
    const maxResults = most > 0 ? most : Number.POSITIVE_INFINITY;
    return {
      partition: found.partition,
      target: { setId: found.setId, algorithm: Number(alg), flags: 0, maxResults },
    };
  }

  /** force_dst is off and $du is set: it must not be overwritten. */
  private get keepsDestination(): boolean {
    return this.env.forceDst === false && this.pvars.destinationUri !== undefined;
  }

  private selectKamailio(mode: Mode, partition: Partition, target: SelectTarget): number {
    const { call } = this;
    if (mode === 'dst' && this.keepsDestination) return -1;
    return this.selected(partition, mode, call.dispatch.selectOne(partition, target, call.scope) !== undefined);
  }

  /** Puts what was selected where the mode says. The return code: 1, 2 when there were too many branches, -1. */
  private selected(partition: Partition, mode: Mode, ok: boolean): number {
    const { call, env } = this;
    if (!ok) {
      env.tally.failed(partition.name);
      return -1;
    }
    env.tally.selected(partition.name);
    if (mode === 'list') call.keep(partition);
    else if (!call.use(partition, mode, true)) {
      call.dispatch.of(partition)?.call?.end();
      return -1;
    }
    return call.addParallel(partition, mode) ? 1 : 2;
  }

  private next(mode: 'dst' | 'domain', partition: string | undefined): boolean {
    const found = this.partition(`ds_next_${mode}`, partition);
    return found !== undefined && this.done(this.call.next(found, mode) ? 1 : -1);
  }

  private again(mode: 'dst' | 'domain', partition: string | undefined): boolean {
    const name = `ds_set_${mode}`;
    const found = this.partition(name, partition);
    if (found === undefined) return false;
    if (kamailioOf(found) === undefined) return this.refused(name, NOT_KAMAILIO);
    const first = this.call.dispatch.of(found)?.useFirst();
    return this.done(first !== undefined && this.call.use(found, mode) ? 1 : -1);
  }

  private partition(name: string, argument: string | undefined): Partition | undefined {
    this.running(name);
    const wanted = optional(this.pvars, argument)?.trim() ?? '';
    const found = this.env.engine.partition(wanted);
    if (found === undefined) this.refused(name, `no partition "${wanted}"`);
    return found;
  }
}

/** Whether ds_mark_dst may mean a state by it. */
function isState(text: string): boolean {
  return /^(?:[012]|[aidtp]{1,2})$/i.test(text);
}
