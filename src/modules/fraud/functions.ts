import type { MessageRun } from '../../script/call.js';
import { CommandFault, type ScriptCommand } from '../../script/commands.js';
import type { ModuleParameters } from '../../script/environment.js';
import { intOf, moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from '../define.js';
import { dialogs } from '../dialog/state.js';
import { FraudFigures, judge, type Level } from './state.js';

const module = 'fraud_detection';
/** Maximum length of a user and a number. */
const LONGEST = 256;

function figuresOf(parameters: ModuleParameters, before?: FraudFigures): FraudFigures {
  return new FraudFigures(parameters.flag('use_utc_time', false), before);
}

/** Kept when the file is reloaded. */
const figuresState = {
  module,
  create: (parameters: ModuleParameters): FraudFigures => figuresOf(parameters),
  renew: (before: FraudFigures, parameters: ModuleParameters): FraudFigures => figuresOf(parameters, before),
};

// Return codes of check_fraud(), as documented.
const NO_RULE = 2;
const CODES: Readonly<Record<Level, number>> = { fine: 1, warning: -1, critical: -2 };
const FAILED = -3;

/**
 * Counts a call and compares the figures of its user with the rule. The call is then followed to its end for the
 * figures that depend on it.
 */
function check(run: MessageRun, user: string, number: string, profile: number): number {
  const { env } = run;
  if (user === '' || user.length > LONGEST || number.length > LONGEST) return FAILED;
  const figures = env.modules.of(figuresState);
  const rule = figures.rule(env, profile, number);
  if (rule === undefined) return NO_RULE;
  const table = env.modules.loaded.has('dialog') ? env.modules.of(dialogs) : undefined;
  const dialog = table?.of(run) ?? table?.begin(run);
  const own = figures.count(env, user, number, rule);
  // A request within a dialog does not count as another call: a peer may send any number of them until the dialog ends.
  if (dialog !== undefined && run.message.toTag === '') {
    own.concurrent++;
    dialog.atEnd.push(() => {
      own.concurrent--;
      if (dialog.answeredAt === 0) return;
      own.duration = Math.floor((dialog.endedAt - dialog.answeredAt) / 1000);
      judge(env, rule, { user, number }, [['call duration', own.duration]]);
    });
  }
  const watched = ['calls per minute', 'total calls', 'concurrent calls', 'sequential calls'] as const;
  return CODES[
    judge(
      env,
      rule,
      { user, number },
      watched.map((what) => [what, figures.value(env, what, user, own)]),
    )
  ];
}

/** check_fraud() of fraud_detection. */
export const fraudFunctions: ScriptFunction[] = moduleFunctions(module, [
  {
    name: 'check_fraud',
    dialects: OPENSIPS,
    parameters: [param('user', 'string'), param('number', 'string'), param('profile', 'int')],
    routes: ['request'],
    summary:
      'counts a call of a user; 2 where no rule of the profile covers the number, -1 for a warning, -2 where a figure is critical',
    compile:
      ([user, number, profile]) =>
      (run) =>
        check(run, textOf(user, run), textOf(number, run), intOf(profile, run, 0)),
  },
]);

/** The management commands of fraud_detection. */
export const fraudCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'show_fraud_stats',
    help: 'shows the figures of a user for a prefix',
    changes: false,
    parameters: ['user', 'prefix'],
    required: 2,
    run(env, { user = '', prefix = '' }) {
      const figures = env.modules.of(figuresState);
      const own = figures.of(env, user, prefix);
      if (own === undefined) throw new CommandFault(404, 'No stats for the user and the prefix');
      return {
        cpm: figures.value(env, 'calls per minute', user, own),
        total_calls: figures.value(env, 'total calls', user, own),
        concurrent_calls: own.concurrent,
        seq_calls: figures.value(env, 'sequential calls', user, own),
      };
    },
  },
  {
    module,
    mi: 'fraud_reload',
    help: 'reads the rules of fraud_detection again; figures stay',
    changes: true,
    parameters: [],
    required: 0,
    async run(env) {
      if (!(await env.reloadTables())) throw new CommandFault(500, 'the table cannot be read, the old rules stay');
      return 'OK';
    },
  },
];
