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
 * What selects destinations for a call. A partition of flavour kamailio, the default one or one that is named ("part:3"),
 * is asked in Kamailio's form: (set, alg[, limit]).
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
    this.running('ds_select_routes');
    const { run } = KAMAILIO_FUNCTIONS.ds_select_routes;
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(rules), this.text(mode), this.text(limit), name));
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
    const { run } = OPENSIPS_FUNCTIONS.ds_mark_dst;
    return this.done(run(this.site, optional(this.pvars, first), optional(this.pvars, second)));
  }

  /**
   * The call counts no longer as load of its destination. Always true; a strict partition does nothing for an INVITE whose
   * list has come to its end, as recorded.
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
    if (target === 'list') return this.refused(name, `${NOT_KAMAILIO}, or set, algorithm and limit are no numbers`);
    // Scripts in JavaScript may use the forms of 2.1 as well.
    const most = optional(pvars, maxResults);
    return this.done(selectOpensips(site, target, 'both', setText, algText, third, named, most));
  }

  /** Whether the partition is of flavour kamailio and the arguments are in Kamailio's form. */
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
