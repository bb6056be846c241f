import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
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
import { Counters, nameOf, type ScriptCounter, statistics } from './statistic-counters.js';
import { seriesFunctions, statisticSeries } from './statistic-series.js';

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
