import type { PvarValue } from '../pvar/context.js';
import { CommandFault, type MiValue, type ScriptCommand } from '../script/commands.js';
import { probability } from './cfgutils.js';

/** Shared variables that commands may make. */
const MOST_VARIABLES = 10_000;

const module = 'cfgutils';

function shown(name: string, value: PvarValue): MiValue {
  return { name, type: typeof value === 'number' ? 'integer' : 'string', value };
}

/** The management commands of cfgutils of OpenSIPS: shared variables, and the probability of rand_event(). */
export const cfgutilsCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'shv_set',
    help: 'sets a shared variable ($shv)',
    changes: true,
    parameters: ['name', 'type', 'value'],
    required: 3,
    run(env, { name = '', type = '', value = '' }) {
      const number = type === 'int' ? Number(value) : undefined;
      if (number === undefined && type !== 'str') throw new CommandFault(400, 'the type is int or str');
      if (number !== undefined && !/^[+-]?\d{1,10}$/.test(value)) throw new CommandFault(400, 'the value is no number');
      if (!env.shared.has(name) && env.shared.size >= MOST_VARIABLES)
        throw new CommandFault(400, `there are ${MOST_VARIABLES} shared variables, which is the most`);
      env.shared.set(name, number ?? value);
      return 'OK';
    },
  },
  {
    module,
    mi: 'shv_get',
    help: 'shows a shared variable, or all of them',
    changes: false,
    parameters: ['name'],
    required: 0,
    run(env, { name }) {
      if (name === undefined)
        return [...env.shared].slice(0, MOST_VARIABLES).map(([each, value]) => shown(each, value));
      const value = env.shared.get(name);
      if (value === undefined) throw new CommandFault(404, 'there is no such shared variable');
      return shown(name, value);
    },
  },
  {
    module,
    mi: 'rand_set_prob',
    help: 'sets the probability of rand_event()',
    changes: true,
    parameters: ['prob_proc'],
    required: 1,
    run(env, { prob_proc: text = '' }) {
      const percent = Number(text);
      if (!/^\d{1,3}$/.test(text) || percent > 100)
        throw new CommandFault(400, 'the probability is a number from 0 to 100');
      env.modules.of(probability).percent = percent;
      return 'OK';
    },
  },
  {
    module,
    mi: 'rand_reset_prob',
    help: 'puts the probability of rand_event() back',
    changes: true,
    parameters: [],
    required: 0,
    run(env) {
      env.modules.of(probability).percent = probability.create(env.modules.module(module)).percent;
      return 'OK';
    },
  },
  {
    module,
    mi: 'rand_get_prob',
    help: 'shows the probability of rand_event()',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => `The actual probability is ${env.modules.of(probability).percent} percent.`,
  },
];
