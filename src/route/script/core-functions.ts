import { countDestinations } from '../../engine/count.js';
import type { Destination } from '../../engine/destination.js';
import { findInList } from '../../engine/in-list.js';
import type { AvpStore } from '../../pvar/avp-store.js';
import { integerOf, type PvarScope, type PvarValue } from '../../pvar/context.js';
import { evaluated, formatOf, optional, setReference, writableOf } from './arguments.js';
import type { ScriptEnvironment } from './environment.js';
import { EXIT } from './exit.js';

/** Log levels as xlog names them, "L_WARN"; "warn" is understood too. */
const LEVELS: Readonly<Record<string, 'error' | 'warn' | 'info' | 'debug'>> = {
  ALERT: 'error',
  CRIT: 'error',
  ERR: 'error',
  ERROR: 'error',
  WARN: 'warn',
  NOTICE: 'info',
  INFO: 'info',
  DBG: 'debug',
  DEBUG: 'debug',
};

/**
 * What every route of a script can do. A function answers true where OpenSIPS returns a positive code, and leaves the
 * code in $retcode. Arguments are numbers, or strings in which pseudo-variables are replaced: "$var(part):$avp(set)".
 */
export class CoreFunctions {
  private ended = false;

  constructor(
    protected readonly env: ScriptEnvironment,
    protected readonly pvars: PvarScope,
    /** "request", "failure TO_NEXT": for log lines. */
    protected readonly route: string,
  ) {}

  /** The value of a variable ("$fU"), or a text with its variables replaced ("$fU@$ci"). */
  get(format: string): PvarValue {
    return formatOf(format).evaluateValue(this.pvars);
  }

  /** Assigns to a variable: set('$var(setid)', '1, 2'), set('$du', null). Throws for one that cannot be written. */
  set(variable: string, value: PvarValue): void {
    writableOf(variable).assign(this.pvars, value);
  }

  /** A text with its variables replaced; those that are not set are written "<null>". */
  format(text: string): string {
    return formatOf(text).evaluate(this.pvars);
  }

  /** The AVPs of the transaction. */
  get avps(): AvpStore {
    return this.pvars.avps;
  }

  /** $retcode: what the last function returned. */
  get retcode(): number {
    return this.pvars.returnCode;
  }

  /** Ends the route here. */
  exit(): never {
    throw EXIT;
  }

  /** Writes a log line: xlog('call from $fU'), xlog('L_WARN', 'no way to $ru'). */
  xlog(text: string): boolean;
  xlog(level: string, text: string): boolean;
  xlog(first: string, second?: string): boolean {
    const level = second === undefined ? 'info' : (LEVELS[first.replace(/^L_/, '').toUpperCase()] ?? 'info');
    if (this.env.log.isLevelEnabled(level)) {
      this.env.log[level]({ route: this.route }, this.format(second ?? first).trimEnd());
    }
    return this.done(1);
  }

  /**
   * Counts the destinations of a set in the states the filter names (a A 1 active, i I 0 inactive, p P 2 probing) and
   * writes the number into a variable. False for a set that does not exist; nothing is written then.
   */
  ds_count(set: string | number, filter: string | number, result: string, partition?: string): boolean {
    const found = setReference(this.env.engine, this.text(set), optional(this.pvars, partition));
    if (typeof found === 'string') return this.refused('ds_count', found);
    const count =
      found.setId === undefined
        ? undefined
        : countDestinations(found.partition, found.setId, String(evaluated(this.pvars, filter)));
    if (count === undefined) return this.done(-1);
    writableOf(result).assign(this.pvars, count);
    return this.done(1);
  }

  /**
   * Whether an address and port (0 or '' for any) are those of a destination, in one set or in all ('part:', -1, or left
   * out). Both forms are understood: (ip, port, set, active_only) and (ip, port, set, partition, active_only, pattern).
   * Of the first match the set goes to setid_pvar, when no set was given, and the attributes to attrs_avp.
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
    const isFlag = typeof fourth !== 'string' || (activeOnly === undefined && /^[01]?$/.test(fourth.trim()));
    const partition = isFlag ? undefined : evaluated(this.pvars, fourth);
    const found = setReference(this.env.engine, set === undefined ? '' : this.text(set), partition);
    if (typeof found === 'string') return this.refused('ds_is_in_list', found);
    const portNumber = integerOf(this.text(port)) ?? 0;
    const destination = findInList(found.partition, {
      ip: this.text(ip),
      port: portNumber,
      setId: found.setId,
      activeOnly: this.flag(isFlag ? fourth : activeOnly),
      pattern: pattern === undefined ? undefined : this.text(pattern),
    });
    if (destination === undefined) return this.done(-1);
    if (found.setId === undefined || found.setId === -1) this.env.setidPvar?.assign(this.pvars, destination.setId);
    const { attrsAvp } = found.partition.options;
    // Empty ones too, as recorded: those of an earlier match must not stand for this one's.
    if (attrsAvp !== undefined) this.avps.set(attrsAvp, destination.row.attrs);
    return this.done(1);
  }

  /** Attaches attributes to the destinations of a set with this address (port 0: any). False when there are none. */
  ds_push_script_attrs(
    attrs: string,
    ip: string,
    port: string | number,
    set: string | number,
    partition?: string,
  ): boolean {
    const found = setReference(this.env.engine, this.text(set), optional(this.pvars, partition));
    if (typeof found === 'string') return this.refused('ds_push_script_attrs', found);
    pushScriptAttrs(
      found.partition.destinationsAt(this.text(ip).replace(/^\[(.*)\]$/, '$1')),
      this.text(attrs),
      integerOf(this.text(port)) ?? 0,
      found.setId === -1 ? undefined : found.setId,
    );
    // Also where no destination has that address, as recorded.
    return this.done(1);
  }

  /**
   * Writes the attributes a script attached to a destination into a variable, an empty text where there are none. False
   * for a destination that is not there.
   */
  ds_get_script_attrs(uri: string, set: string | number, partition: string | undefined, result: string): boolean {
    const found = setReference(this.env.engine, this.text(set), optional(this.pvars, partition));
    if (typeof found === 'string') return this.refused('ds_get_script_attrs', found);
    const destination = found.partition.find(found.setId ?? -1, this.text(uri));
    if (destination === undefined) return this.done(-1);
    writableOf(result).assign(this.pvars, destination.health.scriptAttrs ?? '');
    return this.done(1);
  }

  /** @internal Nothing may be done from here on: the route has ended, and what it decided is being carried out. */
  end(): void {
    this.ended = true;
  }

  /** Guards what changes a call against handlers that go on after their route has ended, as one that was not awaited. */
  protected running(name: string): void {
    if (this.ended) throw new Error(`${name}() was called after the route had ended: await what it waits for`);
  }

  protected done(code: number): boolean {
    this.pvars.returnCode = code;
    return code > 0;
  }

  /** Returns -1 for arguments that cannot be understood, with a warning that limits itself. */
  protected refused(name: string, reason: string): boolean {
    this.env.faults.write(
      'warn',
      `${this.route} ${name}`,
      { route: this.route },
      `script function ${name}(): ${reason}`,
    );
    return this.done(-1);
  }

  protected text(argument: string | number): string {
    return evaluated(this.pvars, argument);
  }

  private flag(value: string | number | boolean | undefined): boolean {
    if (typeof value === 'boolean' || value === undefined) return value === true;
    const text = this.text(value).trim();
    return text !== '' && text !== '0';
  }
}

/** Sets the script attributes of those destinations that have this port (0: any), in one set or all; returns how many. */
export function pushScriptAttrs(
  destinations: readonly Destination[],
  attrs: string,
  port: number,
  setId: number | undefined,
): number {
  let count = 0;
  for (const destination of destinations) {
    if (setId !== undefined && destination.setId !== setId) continue;
    if (port !== 0 && !destination.resolved.some((address) => address.port === port)) continue;
    destination.health.scriptAttrs = attrs;
    count++;
  }
  return count;
}
