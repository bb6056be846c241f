import { trimEnd, trimmed } from '../../core/characters.js';
import type { AvpStore } from '../../pvar/avp-store.js';
import type { PvarScope, PvarValue } from '../../pvar/context.js';
import { OPENSIPS_FUNCTIONS } from '../dispatcher/table.js';
import { logLevel, WRITTEN_LEVELS } from '../functions/log-levels.js';
import { evaluated, formatOf, optional, writableOf } from './arguments.js';
import type { RouteScriptEnvironment } from './environment.js';
import { EXIT } from './exit.js';
import type { RouteSite } from './site.js';

/**
 * Functions that every route of a script has. A function returns true where OpenSIPS returns a positive code, and the
 * code is then in $retcode. Arguments are numbers, or strings in which pseudo-variables are replaced:
 * "$var(part):$avp(set)".
 */
export class CoreFunctions {
  private ended = false;

  constructor(protected readonly site: RouteSite) {}

  protected get env(): RouteScriptEnvironment {
    return this.site.env;
  }

  protected get pvars(): PvarScope {
    return this.site.pvars;
  }

  /** The value of a variable ("$fU"), or a text with its variables replaced ("$fU@$ci"). */
  get(format: string): PvarValue {
    return formatOf(format).evaluateValue(this.pvars);
  }

  /** Assigns to a variable: set('$var(setid)', '1, 2'), set('$du', null). Throws for a read-only variable. */
  set(variable: string, value: PvarValue): void {
    writableOf(variable).assign(this.pvars, value);
  }

  /** A text with its variables replaced; a variable that is not set becomes "<null>". */
  format(text: string): string {
    return formatOf(text).evaluate(this.pvars);
  }

  /** The AVPs of the transaction. */
  get avps(): AvpStore {
    return this.pvars.avps;
  }

  /** $retcode: return code of the last function. */
  get retcode(): number {
    return this.pvars.returnCode;
  }

  /** Ends the route. */
  exit(): never {
    throw EXIT;
  }

  /** Writes a log line: xlog('call from $fU'), at level notice, or xlog('L_WARN', 'no way to $ru'). */
  xlog(levelOrText: string, text?: string): boolean {
    const level = text === undefined ? 'NOTICE' : (logLevel(levelOrText)?.level ?? 'NOTICE');
    const written = WRITTEN_LEVELS[level];
    if (this.env.log.isLevelEnabled(written)) {
      this.env.log[written]({ route: this.site.route }, trimEnd(this.format(text ?? levelOrText)));
    }
    return this.done(1);
  }

  /**
   * Counts the destinations of a set in the states that the filter names (a A 1 active, i I 0 inactive, p P 2 probing)
   * and writes the number into a variable. False for a set that does not exist; then nothing is written.
   */
  ds_count(set: string | number, filter: string | number, result: string, partition?: string): boolean {
    const { run } = OPENSIPS_FUNCTIONS.ds_count;
    return this.done(
      run(this.site, this.text(set), this.text(filter), writableOf(result), optional(this.pvars, partition)),
    );
  }

  /**
   * Whether an address and port (0 or '' for any) belong to a destination, in one set or in all ('part:', -1, or
   * omitted). Two forms are accepted: (ip, port, set, active_only) and (ip, port, set, partition, active_only,
   * pattern). The set of the first match is written to setid_pvar (when no set was given), its attributes to attrs_avp.
   */
  ds_is_in_list(
    ip: string,
    port: string | number,
    set?: string | number,
    partitionOrActiveOnly?: string | number | boolean,
    activeOnly?: string | number | boolean,
    pattern?: string,
  ): boolean {
    const fourth = partitionOrActiveOnly;
    const isFlag = typeof fourth !== 'string' || (activeOnly === undefined && /^[01]?$/.test(trimmed(fourth)));
    const partition = isFlag ? undefined : evaluated(this.pvars, fourth);
    const active = isFlag ? fourth : activeOnly;
    const { run } = OPENSIPS_FUNCTIONS.ds_is_in_list;
    return this.done(
      run(
        this.site,
        this.text(ip),
        this.text(port),
        set === undefined ? '' : this.text(set),
        partition,
        typeof active === 'boolean' ? (active ? '1' : '0') : optional(this.pvars, active),
        optional(this.pvars, pattern),
      ),
    );
  }

  /** Attaches attributes to the destinations of a set with this address (port 0: any). False when there are none. */
  ds_push_script_attrs(
    attrs: string,
    ip: string,
    port: string | number,
    set: string | number,
    partition?: string,
  ): boolean {
    const { run } = OPENSIPS_FUNCTIONS.ds_push_script_attrs;
    const [text, address] = [this.text(attrs), this.text(ip)];
    return this.done(run(this.site, text, address, this.text(port), this.text(set), optional(this.pvars, partition)));
  }

  /**
   * Writes the attributes that a script attached to a destination into a variable, "" when there are none. False for an
   * unknown destination.
   */
  ds_get_script_attrs(uri: string, set: string | number, partition: string | undefined, result: string): boolean {
    const { run } = OPENSIPS_FUNCTIONS.ds_get_script_attrs;
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(uri), this.text(set), name, writableOf(result)));
  }

  /**
   * @internal Called when the route has ended: from now on its functions must not be called, since its decision is
   * being carried out.
   */
  end(): void {
    this.ended = true;
  }

  /**
   * Throws when a function that changes the call is called after the route has ended, as happens when a promise was not
   * awaited.
   */
  protected running(name: string): void {
    if (this.ended) throw new Error(`${name}() was called after the route had ended: use await for what takes time`);
  }

  protected done(code: number): boolean {
    this.pvars.returnCode = code;
    return code > 0;
  }

  /** Returns false and sets -1 for invalid arguments, with a log line that is limited in rate. */
  protected refused(name: string, reason: string): boolean {
    return this.done(this.site.refused(name, reason));
  }

  protected text(argument: string | number): string {
    return evaluated(this.pvars, argument);
  }
}
