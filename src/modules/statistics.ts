import { trimmed } from '../core/characters.js';
import { ownText } from '../core/own-text.js';
import type { SharedValues } from '../core/shared-values.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import { copiedList } from './copied-entries.js';
import {
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { dialogs } from './dialog/state.js';
import { httpClientStatistics } from './http-client/functions.js';
import { registrarStatistics } from './registrar/statistics.js';
import { scopeOf } from './script-variable.js';
import { seriesFunctions, statisticSeries } from './statistic-series.js';

/** A counter that a script has made. */
interface ScriptCounter {
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
function nameOf(text: string): { readonly group: string | undefined; readonly name: string } {
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

class Counters {
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

  define(text: string, group = this.group): void {
    const [full = '', option = ''] = text.split('/');
    const { group: own = group, name } = nameOf(full);
    if (!this.known.has(name)) this.known.set(name, this.make(name, own, option !== 'no_reset'));
  }

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

const scriptCounters = {
  module: 'counters',
  create(parameters: ModuleParameters, states: ModuleStates): Counters {
    return this.renew(new Counters(parameters.text('script_cnt_grp_name', 'script')), parameters, states);
  },
  renew(before: Counters, parameters: ModuleParameters, states: ModuleStates): Counters {
    before.share(states.shared, 'counters');
    for (const each of parameters.all('script_counter')) before.define(String(each).split(/[ \t\r\n/]/)[0] ?? '');
    return before;
  },
  copy: (counters: Counters): Counters => counters.copy(),
};

/** Changes a counter by "+1", "-3" or "5". */
function updated(counter: ScriptCounter, text: string): boolean {
  const match = /^[ \t\r\n]*([+-]?)(\d{1,10})[ \t\r\n]*$/.exec(text);
  if (match === null) return false;
  const number = Number(match[2]);
  counter.add(match[1] === '-' ? -number : number);
  return true;
}

const stats: FunctionSpec[] = [
  {
    name: 'update_stat',
    // A number since OpenSIPS 3.0, before that a text with a sign.
    parameters: [param('statistic', 'string'), param('change', 'expression')],
    summary: 'adds to or subtracts from a statistic: "+1", "-1"',
    compile:
      ([name, change]) =>
      (run) => {
        const counter = run.env.modules.of(statistics).find(textOf(name, run), run.env.dialect === 'opensips');
        return code(counter !== undefined && updated(counter, textOf(change, run)));
      },
  },
  {
    name: 'reset_stat',
    parameters: [param('statistic', 'string')],
    summary: 'sets a statistic to zero',
    compile:
      ([name]) =>
      (run) => {
        const counter = run.env.modules.of(statistics).find(textOf(name, run), false);
        if (counter === undefined) return -1;
        if (counter.resets) counter.value = 0;
        return 1;
      },
  },
];

/** Iterators of stat_iter_init() by name: the remaining statistics of a group. */
const iterators = new PerCall((): Map<string, (readonly [string, number])[]> => new Map());
/** Maximum number of iterators of one message. */
const MAX_ITERATORS = 16;

const walks: FunctionSpec[] = [
  {
    name: 'stat_iter_init',
    dialects: OPENSIPS,
    parameters: [param('group', 'string'), param('iterator', 'string')],
    summary: 'starts an iteration over the statistics of a group',
    compile:
      ([group, iterator]) =>
      (run) => {
        const wanted = textOf(group, run);
        const { all } = run.env.modules.of(statistics);
        const known = iterators.of(run.pvars);
        if (known.size >= MAX_ITERATORS) return -1;
        const found = [...all].filter(([, each]) => each.group === wanted);
        known.set(
          textOf(iterator, run),
          found.map(([key, each]) => [key, each.value] as const),
        );
        return 1;
      },
  },
  {
    name: 'stat_iter_next',
    dialects: OPENSIPS,
    parameters: [param('name', 'writable'), param('value', 'writable'), param('iterator', 'string')],
    summary: 'the next statistic of an iterator; false after the last',
    compile:
      ([name, value, iterator]) =>
      (run) => {
        const next = iterators.of(run.pvars).get(textOf(iterator, run))?.shift();
        if (next === undefined) return -1;
        name?.variable?.assign(run.pvars, next[0]);
        value?.variable?.assign(run.pvars, next[1]);
        return 1;
      },
  },
];

function counted(
  name: string,
  parameters: FunctionSpec['parameters'],
  act: (counter: ScriptCounter, by: number) => void,
): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: parameters ?? [],
    summary: 'changes a counter of the script',
    compile:
      ([counter, by]) =>
      (run: MessageRun) => {
        const found = run.env.modules.of(scriptCounters).find(textOf(counter, run), false);
        if (found === undefined) return -1;
        act(found, by?.int(run) ?? 1);
        return 1;
      },
  };
}

const counter = param('counter', 'string');

/** Functions of statistics and counters. */
export const statisticsFunctions: ScriptFunction[] = [
  ...moduleFunctions('statistics', [...stats, ...walks, ...seriesFunctions]),
  ...moduleFunctions('counters', [
    counted('cnt_inc', [counter], (each) => {
      each.add(1);
    }),
    counted('cnt_add', [counter, param('number', 'int')], (each, by) => {
      each.add(by);
    }),
    counted('cnt_reset', [counter], (each) => {
      each.value = 0;
    }),
  ]),
];

/** $stat(name): a statistic of the script, of its modules, or of this program. */
export const statisticVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const name = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
    return {
      get: (context) => {
        const wanted = name(context);
        const { modules } = scopeOf(context).env;
        const own = ownStatistic(modules, wanted);
        // Kamailio shows a negative counter as an unsigned 32-bit number.
        if (own !== undefined && own < 0 && scopeOf(context).env.dialect === 'kamailio') return own >>> 0;
        return own ?? context.statistic(wanted) ?? null;
      },
      set: (context: PvarContext, value: PvarValue) => {
        const number = Number(value ?? 0);
        const found = scopeOf(context).env.modules.of(statistics).find(name(context), true);
        if (found !== undefined && !Number.isNaN(number)) found.value = number;
      },
    };
  },
};

function ownStatistic(modules: ModuleStates, name: string): number | undefined {
  const { loaded } = modules;
  if (loaded.has('statistics')) {
    const found = modules.of(statistics).find(name, false);
    if (found !== undefined) return found.value;
    const series = modules.of(statisticSeries).find(name);
    if (series !== undefined) return series.value();
  }
  if (loaded.has('counters')) {
    const found = modules.of(scriptCounters).find(name, false);
    if (found !== undefined) return found.value;
  }
  const { name: short } = nameOf(name);
  return [
    ...(loaded.has('dialog') ? dialogStatistics(modules) : []),
    ...registrarStatistics(modules),
    ...httpClientStatistics(modules),
  ]
    .find((each) => each.name === short)
    ?.value();
}

/** One statistic of a module, for listings. */
export interface ModuleStatistic {
  readonly group: string;
  readonly name: string;
  value(): number;
  reset?(): void;
}

function dialogStatistics(modules: ModuleStates): ModuleStatistic[] {
  const { counters } = modules.of(dialogs);
  const group = 'dialog';
  const sessions: ModuleStatistic = {
    group: 'sst',
    name: 'expired_sst',
    value: () => counters.value('expiredSessions'),
    reset: () => counters.reset('expiredSessions'),
  };
  return [
    ...(modules.loaded.has('sst') ? [sessions] : []),
    { group, name: 'active_dialogs', value: () => counters.value('active') },
    { group, name: 'early_dialogs', value: () => counters.value('early') },
    ...(['processed', 'expired', 'failed'] as const).map((each) => ({
      group,
      name: `${each}_dialogs`,
      value: () => counters.value(each),
      reset: () => counters.reset(each),
    })),
  ];
}

/** The statistics of a script and its modules. */
export function moduleStatistics(modules: ModuleStates): ModuleStatistic[] {
  const out: ModuleStatistic[] = modules.loaded.has('dialog') ? dialogStatistics(modules) : [];
  out.push(...registrarStatistics(modules), ...httpClientStatistics(modules));
  if (modules.loaded.has('statistics')) {
    for (const [name, each] of modules.of(statisticSeries).all)
      out.push({ group: each.profile.group, name, value: () => each.value() });
  }
  for (const key of [statistics, scriptCounters]) {
    if (!modules.loaded.has(key.module)) continue;
    for (const [name, each] of modules.of<Counters>(key).all) {
      const reset = (): void => {
        each.value = 0;
      };
      out.push({ group: each.group, name, value: () => each.value, ...(each.resets ? { reset } : {}) });
    }
  }
  return out;
}
