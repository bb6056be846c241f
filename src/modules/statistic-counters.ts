import { trimmed } from '../core/characters.js';
import { ownText } from '../core/own-text.js';
import type { SharedValues } from '../core/shared-values.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { copiedList } from './copied-entries.js';

/** A counter that a script has made. */
export interface ScriptCounter {
  readonly group: string;
  value: number;
  readonly resets: boolean;
  add(by: number): void;
}

/** A counter of this process. */
class OwnCounter implements ScriptCounter {
  constructor(
    readonly group: string,
    readonly resets: boolean,
    public value = 0,
  ) {}

  add(by: number): void {
    this.value += by;
  }
}

/** A counter of all processes that run the script. */
class SharedCounter implements ScriptCounter {
  constructor(
    readonly group: string,
    readonly resets: boolean,
    private readonly values: ValueMap<PvarValue>,
    private readonly name: string,
  ) {}

  get value(): number {
    return Number(this.values.get(this.name, 0) ?? 0);
  }

  set value(number: number) {
    this.values.set(this.name, number, undefined);
  }

  add(by: number): void {
    this.values.alone(() => {
      this.value += by;
    });
  }
}

/** Maximum number of counters of one script, and maximum length of a name. */
const MAX_COUNTERS = 10_000;
const LONGEST_NAME = 1024;

/** Parses "name", "group:name" or "group.name", and "name/no_reset" in parameters. */
export function nameOf(text: string): { readonly group: string | undefined; readonly name: string } {
  const match = /^([\w-]+)[:.](.+)$/s.exec(trimmed(text));
  return match === null ? { group: undefined, name: trimmed(text) } : { group: match[1], name: match[2] ?? '' };
}

/** Statistics of dialogs, summed over all processes. */
const DIALOG_STATISTICS = ['active_dialogs', 'early_dialogs', 'processed_dialogs', 'expired_dialogs', 'failed_dialogs'];

/** The name of a statistic without its group and options. */
export function statisticName(text: string): string {
  return nameOf(text.split('/')[0] ?? '').name;
}

/**
 * The statistics that are summed over all processes of a script: those that the parameters of its modules define, and
 * those of dialogs.
 */
export function statisticsOfAllProcesses(
  loaded: ReadonlySet<string>,
  parameter: (module: string, name: string) => readonly (string | number)[],
): ReadonlySet<string> {
  const counters = parameter('counters', 'script_counter').map((each) => String(each).split(/[ \t\r\n/]/)[0] ?? '');
  return new Set([
    ...[...parameter('statistics', 'variable'), ...counters].map((each) => statisticName(String(each))),
    ...(loaded.has('dialog') ? DIALOG_STATISTICS : []),
  ]);
}

/** The counters that the scripts of a file have made. */
export class Counters {
  private readonly known = new Map<string, ScriptCounter>();
  /** Shared values by name, with the groups that differ from the default: counters that any process has made. */
  private shared: { readonly values: ValueMap<PvarValue>; readonly groups: ValueMap<PvarValue> } | undefined;

  constructor(readonly group: string) {}

  /** From now on counters are shared with other processes. Must be called before anything is counted. */
  share(values: SharedValues | undefined, module: string): void {
    if (values === undefined || this.shared !== undefined) return;
    this.shared = {
      values: values.lastingTable(module, MAX_COUNTERS),
      groups: values.lastingTable(`${module} groups`, MAX_COUNTERS),
    };
    for (const [name, { group, resets }] of this.known) this.known.set(name, this.make(name, group, resets));
  }

  /** All counters by name. */
  get all(): ReadonlyMap<string, ScriptCounter> {
    for (const [name] of this.shared?.values.entries(0) ?? []) this.foreign(name);
    return this.known;
  }

  /** Creates a counter from "NAME" or "NAME/no_reset", unless there is one of that name. */
  define(text: string, group = this.group): void {
    const [full = '', option = ''] = text.split('/');
    const { group: own = group, name } = nameOf(full);
    if (!this.known.has(name)) this.known.set(name, this.make(name, own, option !== 'no_reset'));
  }

  /** Counters of the same values for a script that is only tried: it changes none of these. */
  copy(): Counters {
    const copy = new Counters(this.group);
    const { all } = this;
    for (const [name, { group, resets, value }] of copiedList(all.size, all))
      copy.known.set(name, new OwnCounter(group, resets, value));
    return copy;
  }

  /**
   * The counter with a name, which is created if `make` is set. Undefined when there is none, when there are too many,
   * or when the name is too long.
   */
  find(text: string, make: boolean): ScriptCounter | undefined {
    const { group = this.group, name } = nameOf(text);
    const counter = this.known.get(name) ?? this.foreign(name);
    if (counter !== undefined || !make || text.length > LONGEST_NAME) return counter;
    return this.shared === undefined ? this.add(name, group) : this.shared.values.alone(() => this.add(name, group));
  }

  private add(name: string, group: string): ScriptCounter | undefined {
    // Counters of other processes are included: a full shared table would drop its oldest entry.
    if (this.known.size >= MAX_COUNTERS || (this.shared?.values.size ?? 0) >= MAX_COUNTERS) return undefined;
    const own = ownText(name);
    const counter = this.make(own, ownText(group), true);
    this.known.set(own, counter);
    return counter;
  }

  private make(name: string, group: string, resets: boolean): ScriptCounter {
    const { shared } = this;
    if (shared === undefined) return new OwnCounter(group, resets);
    if (group !== this.group) shared.groups.set(name, group, undefined);
    const counter = new SharedCounter(group, resets, shared.values, name);
    counter.add(0);
    return counter;
  }

  /** A counter that another process has made. */
  private foreign(name: string): ScriptCounter | undefined {
    const { shared, known } = this;
    if (shared === undefined || known.has(name) || shared.values.get(name, 0) === undefined) return undefined;
    const group = String(shared.groups.get(name, 0) ?? this.group);
    const counter = new SharedCounter(group, true, shared.values, name);
    known.set(ownText(name), counter);
    return counter;
  }
}

/** State of statistics: the counters of a script. */
export const statistics = {
  module: 'statistics',
  create(parameters: ModuleParameters, states: ModuleStates): Counters {
    return this.renew(new Counters('dynamic'), parameters, states);
  },
  renew(before: Counters, parameters: ModuleParameters, states: ModuleStates): Counters {
    before.share(states.shared, 'statistics');
    for (const each of parameters.all('variable')) before.define(String(each));
    return before;
  },
  copy: (counters: Counters): Counters => counters.copy(),
};
