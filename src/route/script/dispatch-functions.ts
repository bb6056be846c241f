import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { NOT_KAMAILIO, setReference } from '../dispatcher/references.js';
import { selectOpensips } from '../dispatcher/select.js';
import type { Target } from '../dispatcher/selections.js';
import { KAMAILIO_FUNCTIONS, OPENSIPS_FUNCTIONS } from '../dispatcher/table.js';
import { isWholeNumber, optional, type TextOrNumber } from './arguments.js';
import { MessageFunctions } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { RouteCallSite } from './site.js';

/**
 * Functions that select destinations for a call. For a partition of flavour kamailio, the default one or a named one
 * ("part:3"), the arguments have Kamailio's form: (set, alg[, limit]).
 */
export class DispatchFunctions extends MessageFunctions {
  declare protected readonly site: RouteCallSite;

  constructor(call: ScriptCall, route: string) {
    super(new RouteCallSite(call, route));
  }

  protected get call(): ScriptCall {
    return this.site.call;
  }

  /**
   * Selects a destination and writes it to $du. Three forms are accepted: ('part:1,2', '0,4', 'fuD M 5, fuS M 2'),
   * (set, alg, flags, partition, max_res), and Kamailio's (set, alg, limit). $retcode is 2 when algorithm 12 found more
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

  /** Like ds_select_dst, but rewrites host, port and parameters of the request-URI. */
  ds_select_domain(
    set: TextOrNumber,
    alg: TextOrNumber,
    flags?: TextOrNumber,
    partition?: string,
    max_res?: TextOrNumber,
  ): boolean {
    return this.select('domain', set, alg, flags, partition, max_res);
  }

  /**
   * Like ds_select_dst, but only keeps the list, from which ds_set_dst() or ds_next_dst() takes a destination (flavour
   * kamailio).
   */
  ds_select(set: TextOrNumber, alg: TextOrNumber, limit: TextOrNumber = 0, partition?: string): boolean {
    return this.select('list', set, alg, limit, partition, undefined);
  }

  /**
   * Selects in several sets and keeps all their destinations: "2=4;1=4;3=4" gives set=algorithm in the order to try.
   * Mode d writes the first to $du, r to the request-URI, x only keeps the list. The limit is the number of
   * destinations over all sets, 0 for all; the first of each set is always kept. Flavour kamailio only. The partition
   * may precede the rules: "part:2=4;1=4".
   */
  ds_select_routes(rules: string, mode: TextOrNumber, limit: TextOrNumber = 0, partition?: string): boolean {
    this.running('ds_select_routes');
    const { run } = KAMAILIO_FUNCTIONS.ds_select_routes;
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(rules), this.text(mode), this.text(limit), name));
  }

  /**
   * Writes the next destination of the list to $du; false when there is none. The list is kept by flag f or the module
   * parameter flags.
   */
  ds_next_dst(partition?: string): boolean {
    return this.next('dst', partition);
  }

  /** Like ds_next_dst, for the request-URI. */
  ds_next_domain(partition?: string): boolean {
    return this.next('domain', partition);
  }

  /** Writes the current destination to $du again; false when the list is empty (flavour kamailio). */
  ds_set_dst(partition?: string): boolean {
    return this.again('dst', partition);
  }

  /** Like ds_set_dst, for the request-URI. */
  ds_set_domain(partition?: string): boolean {
    return this.again('domain', partition);
  }

  /**
   * Marks the destination used last: inactive (i I 0, or no argument), active (a A 1) or probing (p P 2: counts toward
   * the threshold). Both orders are accepted: (partition, state) of 2.1 and (state, partition) of today. As recorded,
   * any other state has no effect and returns true. In a partition of flavour kamailio the state has letters such as
   * "ip" or "tp"; any other letter returns false.
   */
  ds_mark_dst(first?: string, second?: string): boolean {
    this.running('ds_mark_dst');
    const { run } = OPENSIPS_FUNCTIONS.ds_mark_dst;
    return this.done(run(this.site, optional(this.pvars, first), optional(this.pvars, second)));
  }

  /**
   * Stops counting the call as load of its destination. Always true. As recorded, a strict partition does nothing for
   * an INVITE whose list is used up.
   */
  ds_load_unset(partition?: string): boolean {
    this.running('ds_load_unset');
    return this.done(KAMAILIO_FUNCTIONS.ds_load_unset.run(this.site, optional(this.pvars, partition)));
  }

  private select(
    target: Target,
    set: TextOrNumber,
    alg: TextOrNumber,
    flags: TextOrNumber | undefined,
    partition: string | undefined,
    maxResults: TextOrNumber | undefined,
  ): boolean {
    const name = target === 'list' ? 'ds_select' : (`ds_select_${target}` as const);
    this.running(name);
    const { pvars, site } = this;
    const [setText, algText] = [this.text(set), this.text(alg)];
    const [third, named] = [optional(pvars, flags), optional(pvars, partition)];
    if (this.isKamailio(setText, algText, third, named)) {
      return this.done(KAMAILIO_FUNCTIONS[name].run(site, setText, algText, third, named));
    }
    if (target === 'list') return this.refused(name, `${NOT_KAMAILIO}, or set, algorithm and limit are not numbers`);
    // JavaScript scripts may use the forms of 2.1 too.
    const max = optional(pvars, maxResults);
    return this.done(selectOpensips(site, target, 'both', setText, algText, third, named, max));
  }

  /** Whether the partition is of flavour kamailio, and the arguments have Kamailio's form. */
  private isKamailio(set: string, alg: string, limit: string | undefined, name: string | undefined): boolean {
    const found = setReference(this.env.engine, set, name);
    if (typeof found === 'string' || found.setId === undefined) return false;
    if (kamailioOf(found.partition) === undefined) return false;
    return isWholeNumber(alg) && (limit === undefined || isWholeNumber(limit));
  }

  private next(target: 'dst' | 'domain', partition: string | undefined): boolean {
    const name = `ds_next_${target}` as const;
    this.running(name);
    return this.done(OPENSIPS_FUNCTIONS[name].run(this.site, optional(this.pvars, partition)));
  }

  private again(target: 'dst' | 'domain', partition: string | undefined): boolean {
    const name = `ds_set_${target}` as const;
    this.running(name);
    return this.done(KAMAILIO_FUNCTIONS[name].run(this.site, optional(this.pvars, partition) ?? ''));
  }
}
