import { ownText } from '../core/own-text.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import { copiedEntries } from './copied-entries.js';
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
import { dialogs } from './dialog/table.js';
import { scopeOf } from './script-variable.js';

/** A counter of a script. */
interface ScriptCounter {
  readonly group: string;
  value: number;
  readonly resets: boolean;
}

/** Counters one script may make, and characters of a name. */
const MOST_COUNTERS = 10_000;
const LONGEST_NAME = 1024;

/** "name", "group:name", "group.name"; "name/no_reset" in parameters. */
function nameOf(text: string): { readonly group: string | undefined; readonly name: string } {
  const match = /^([\w-]+)[:.](.+)$/s.exec(text.trim());
  return match === null ? { group: undefined, name: text.trim() } : { group: match[1], name: match[2] ?? '' };
}

class Counters {
  readonly all = new Map<string, ScriptCounter>();

  constructor(readonly group: string) {}

  define(text: string, group = this.group): void {
    const [full = '', option = ''] = text.split('/');
    const { group: own = group, name } = nameOf(full);
    if (!this.all.has(name)) this.all.set(name, { group: own, value: 0, resets: option !== 'no_reset' });
  }

  copy(): Counters {
    const copy = new Counters(this.group);
    for (const [name, counter] of copiedEntries(this.all)) copy.all.set(name, counter);
    return copy;
  }

  /** Undefined when there is none, and there are too many to make one, or its name is too long. Names outlive messages. */
  find(text: string, make: boolean): ScriptCounter | undefined {
    const { group = this.group, name } = nameOf(text);
    let counter = this.all.get(name);
    if (counter === undefined && make && this.all.size < MOST_COUNTERS && text.length <= LONGEST_NAME) {
      counter = { group: ownText(group), value: 0, resets: true };
      this.all.set(ownText(name), counter);
    }
    return counter;
  }
}

const statistics = {
  module: 'statistics',
  create(parameters: ModuleParameters): Counters {
    return this.renew(new Counters('dynamic'), parameters);
  },
  renew(before: Counters, parameters: ModuleParameters): Counters {
    for (const each of parameters.all('variable')) before.define(String(each));
    return before;
  },
  copy: (counters: Counters): Counters => counters.copy(),
};

const scriptCounters = {
  module: 'counters',
  create(parameters: ModuleParameters): Counters {
    return this.renew(new Counters(parameters.text('script_cnt_grp_name', 'script')), parameters);
  },
  renew(before: Counters, parameters: ModuleParameters): Counters {
    for (const each of parameters.all('script_counter')) before.define(String(each).split(/[\s/]/)[0] ?? '');
    return before;
  },
  copy: (counters: Counters): Counters => counters.copy(),
};

/** "+1", "-3", "5": added or taken away. */
function updated(counter: ScriptCounter, text: string): boolean {
  const match = /^\s*([+-]?)(\d{1,10})\s*$/.exec(text);
  if (match === null) return false;
  const number = Number(match[2]);
  counter.value += match[1] === '-' ? -number : number;
  return true;
}

const stats: FunctionSpec[] = [
  {
    name: 'update_stat',
    // A number since OpenSIPS 3.0, before that a text with a sign.
    parameters: [param('statistic', 'string'), param('change', 'expression')],
    summary: 'adds to a statistic, or takes from it: "+1", "-1"',
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

/** Iterators of stat_iter_init() by name: statistics of a group that have not been shown yet. */
const iterators = new PerCall((): Map<string, (readonly [string, number])[]> => new Map());
/** Iterators of one message. */
const MOST_ITERATORS = 16;

const walks: FunctionSpec[] = [
  {
    name: 'stat_iter_init',
    dialects: OPENSIPS,
    parameters: [param('group', 'string'), param('iterator', 'string')],
    summary: 'begins to go through the statistics of a group',
    compile:
      ([group, iterator]) =>
      (run) => {
        const wanted = textOf(group, run);
        const { all } = run.env.modules.of(statistics);
        const known = iterators.of(run.pvars);
        if (known.size >= MOST_ITERATORS) return -1;
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
    summary: 'the next statistic of an iterator; false behind the last',
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
  ...moduleFunctions('statistics', [...stats, ...walks]),
  ...moduleFunctions('counters', [
    counted('cnt_inc', [counter], (each) => {
      each.value++;
    }),
    counted('cnt_add', [counter, param('number', 'int')], (each, by) => {
      each.value += by;
    }),
    counted('cnt_reset', [counter], (each) => {
      each.value = 0;
    }),
  ]),
];

/** $stat(name): one of the script, of its modules, or of the product. */
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
        // A counter below zero is shown as a number of 32 bits without a sign.
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
  }
  if (loaded.has('counters')) {
    const found = modules.of(scriptCounters).find(name, false);
    if (found !== undefined) return found.value;
  }
  if (!loaded.has('dialog')) return undefined;
  const { name: short } = nameOf(name);
  return dialogStatistics(modules)
    .find((each) => each.name === short)
    ?.value();
}

/** One number of a module that listings show. */
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
    value: () => counters.expiredSessions,
    reset: () => {
      counters.expiredSessions = 0;
    },
  };
  return [
    ...(modules.loaded.has('sst') ? [sessions] : []),
    { group, name: 'active_dialogs', value: () => counters.active },
    { group, name: 'early_dialogs', value: () => counters.early },
    ...(['processed', 'expired', 'failed'] as const).map((each) => ({
      group,
      name: `${each}_dialogs`,
      value: () => counters[each],
      reset: () => {
        counters[each] = 0;
      },
    })),
  ];
}

/** The statistics of a script and its modules. */
export function moduleStatistics(modules: ModuleStates): ModuleStatistic[] {
  const out: ModuleStatistic[] = modules.loaded.has('dialog') ? dialogStatistics(modules) : [];
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
