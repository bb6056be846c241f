import { trimmed } from '../core/characters.js';
import { coreHash } from '../core/core-hash.js';
import { timeRecurrence } from '../core/time-recurrence.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { lockFunctions } from './locks.js';

/** Initial probability of rand_event() in percent. */
export const probability = {
  module: 'cfgutils',
  create: (parameters: ModuleParameters) => ({ percent: parameters.int('initial_probability', 10) }),
  copy: ({ percent }: { percent: number }) => ({ percent }),
};

type Holds = (now: number) => boolean;

/**
 * Parses one time recurrence, or several in parentheses, combined with "&" (and), "/" (or), "!" (not). Throws an Error
 * for other texts.
 */
function recurrence(text: string): Holds {
  if (!/^[ \t\r\n!]*\(|^[ \t\r\n]*!/.test(text)) return single(text);
  const tokens = text
    .split(/([()!&])/)
    .map((each) => trimmed(each))
    .filter(Boolean);
  let at = 0;
  const term = (depth: number): Holds => {
    if (depth > 16) throw new Error('a time recurrence is nested too deeply');
    const token = tokens[at++];
    if (token === '!') {
      const inner = term(depth + 1);
      return (now) => !inner(now);
    }
    if (token !== '(') return single(token ?? '');
    const inner = all(depth + 1);
    if (tokens[at++] !== ')') throw new Error('a time recurrence has no ")"');
    return inner;
  };
  const all = (depth: number): Holds => {
    let left = term(depth);
    for (;;) {
      const operator = tokens[at];
      if (operator !== '&' && operator !== '/') return left;
      at++;
      const [before, right] = [left, term(depth)];
      left = operator === '&' ? (now) => before(now) && right(now) : (now) => before(now) || right(now);
    }
  };
  const whole = all(0);
  if (at < tokens.length) throw new Error('a time recurrence has text after its end');
  return whole;
}

function single(text: string): Holds {
  const parsed = timeRecurrence(trimmed(text));
  return (now) => parsed?.holds(now) ?? true;
}

const waiting: FunctionSpec[] = (
  [
    ['sleep', 1000],
    ['usleep', 0.001],
  ] as const
).flatMap(([name, unit]) =>
  (
    [
      [OPENSIPS, 'int'],
      [KAMAILIO, 'string'],
    ] as const
  ).map(
    ([dialects, kind]): FunctionSpec => ({
      name,
      dialects,
      waits: true,
      async: true,
      parameters: [param('time', kind)],
      summary: 'waits; other messages are handled meanwhile',
      compile:
        ([time]) =>
        (run) => {
          const ms = Math.min(60_000, Math.max(0, Number(textOf(time, run)) || 0) * unit);
          // As recorded, async(sleep(0)) does not resume at once; here it resumes after the other pending work.
          if (ms < 1 && run.asynchronous) return afterAll(run);
          if (ms < 1) return 1;
          return new Promise<number>((resolve) => {
            run.env.clock.schedule(ms, () => resolve(1));
          });
        },
    }),
  ),
);

function afterAll({ env }: MessageRun): Promise<number> {
  return new Promise((resolve) => {
    env.clock.schedule(env.tm.frTimeout, () => resolve(1));
  });
}

/** Functions of cfgutils. */
export const cfgutilsFunctions: ScriptFunction[] = moduleFunctions('cfgutils', [
  {
    name: 'pv_unset',
    dialects: KAMAILIO,
    parameters: [param('variable', 'writable')],
    summary: 'unsets a variable',
    compile:
      ([variable]) =>
      (run) => {
        variable?.variable?.assign(run.pvars, null);
        return 1;
      },
  },
  {
    name: 'rand_event',
    parameters: [optional('percent', 'int')],
    summary: 'true with a probability',
    compile:
      ([percent]) =>
      (run) => {
        const wanted = intOf(percent, run, run.env.modules.of(probability).percent);
        return code(run.env.random.uint32() % 100 < wanted);
      },
  },
  {
    name: 'check_time_rec',
    dialects: OPENSIPS,
    parameters: [param('recurrence', 'string'), optional('at', 'int')],
    summary: 'whether a time recurrence holds now, or at a time in seconds; "(a) & !(b)", "(a) / (b)" join several',
    compile: ([text, at]) => {
      const fixed = typeof text?.constant === 'string' ? recurrence(text.constant) : undefined;
      return (run) => {
        const now = at === undefined ? run.env.clock.now() : (at.int(run) ?? Number.NaN) * 1000;
        try {
          return code((fixed ?? recurrence(textOf(text, run)))(now));
        } catch {
          return -1;
        }
      };
    },
  },
  ...(['opensips', 'kamailio'] as const).map(
    (dialect): FunctionSpec => ({
      name: 'rand_set_prob',
      dialects: [dialect],
      parameters: [param('percent', dialect === 'opensips' ? 'int' : 'string')],
      summary: 'sets the probability of rand_event()',
      compile: ([percent]) => {
        const constant = Number((percent as Arg).text);
        if (constant > 100) throw new Error(`${constant} is not a percentage`);
        return (run) => {
          // A text that is not a number without a sign counts as 0.
          const value = intOf(percent, run, 0);
          if (value > 100 || (value < 0 && run.env.dialect === 'opensips')) return -1;
          run.env.modules.of(probability).percent = Math.max(0, value);
          return 1;
        };
      },
    }),
  ),
  {
    name: 'rand_reset_prob',
    summary: 'resets the probability of rand_event()',
    compile: () => (run) => {
      run.env.modules.of(probability).percent = run.env.modules.module('cfgutils').int('initial_probability', 10);
      return 1;
    },
  },
  {
    name: 'rand_get_prob',
    dialects: KAMAILIO,
    summary: 'the probability of rand_event()',
    compile: () => (run) => run.env.modules.of(probability).percent,
  },
  {
    name: 'core_hash',
    dialects: KAMAILIO,
    parameters: [param('text', 'string'), param('more', 'string'), param('size', 'string')],
    summary: 'a hash of two texts, from 1 to 2 to the power of the size',
    compile:
      ([text, more, size]) =>
      (run) => {
        // As recorded, the size is an exponent of 2, taken modulo 32, and results begin at 1.
        const number = Number(textOf(size, run)) || 0;
        const second = textOf(more, run);
        const slots = number <= 0 ? 2 : 2 ** (number % 32);
        return coreHash(textOf(text, run), second === '' ? undefined : second, slots) + 1;
      },
  },
  ...['pkg_status', 'pkg_summary', 'shm_status', 'shm_summary'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      summary: 'accepted without effect',
      compile: () => () => 1,
    }),
  ),
  ...waiting,
  ...lockFunctions,
  {
    name: 'check_route_exists',
    dialects: KAMAILIO,
    parameters: [param('route', 'string')],
    summary: 'whether there is a route of that name',
    compile:
      ([name]) =>
      (run) =>
        // As recorded, "0" names the request route.
        code(textOf(name, run) === '0' || run.env.script.subRoute(textOf(name, run)) !== undefined),
  },
  {
    name: 'route_if_exists',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('route', 'string')],
    summary: 'runs a route if it exists',
    compile:
      ([name]) =>
      (run) => {
        const route = run.env.script.subRoute(textOf(name, run));
        return route === undefined ? -1 : route.call(run);
      },
  },
  {
    name: 'abort',
    summary: 'writes an error to the log; a script cannot end the process',
    compile: () => (run) => {
      run.env.peerLog.error({ callId: run.message.callId }, 'script: abort() was called');
      return 0;
    },
  },
]);
