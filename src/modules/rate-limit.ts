import { ownText } from '../core/own-text.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { algorithmOf, OPENSIPS_ALGORITHMS, opensipsAlgorithm, type PipeAlgorithm } from '../script/pipe-algorithms.js';
import { copiedList } from './copied-entries.js';
import {
  type Arg,
  code,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { newPipe, OwnPipes, type Pipe, type Pipes, pipesOf } from './pipes.js';
import { replyHere } from './replying.js';
import { scopeOf } from './script-variable.js';

interface RateState {
  /** Length of an interval in milliseconds. */
  readonly interval: number;
  readonly pipes: Pipes;
  /** Kamailio's queues: the pipe for a method, "*" for all others. */
  readonly queues: ReadonlyMap<string, string>;
  /** How many seconds the limit of a pipe is for: in OpenSIPS one, or an interval with limit_per_interval. */
  readonly factor: number;
  /** The algorithm of calls that name none. */
  readonly usual: PipeAlgorithm;
  /** The sliding window of "sbt": its slots, and the length of one in milliseconds. */
  readonly slots: number;
  readonly slotLength: number;
  /** Milliseconds after which an unused pipe of OpenSIPS is removed, and the pipes of the file, which are not. */
  readonly lifetime: number;
  readonly configured: ReadonlySet<string>;
}

/** Kamailio's parameter "pipe", observed with 5.6.3. */
export const PIPE = /^(\d+):(NOP|RED|TAILDROP|FEEDBACK|NETWORK):(\d+)$/;
/** Kamailio's parameter "queue", observed with 5.6.3. */
export const QUEUE = /^(\d+):(.+)$/s;

/** Maximum number of slots of a window. */
const MAX_SLOTS = 1000;

interface PipeState {
  /** Length of an interval in milliseconds. */
  readonly interval: number;
  readonly pipes: Pipes;
  readonly code: number;
  readonly reason: string;
}

/** State of ratelimit: pipes by name. A reload keeps the pipes with their counts. */
export const rateState = {
  module: 'ratelimit',
  create: (parameters: ModuleParameters, states: ModuleStates): RateState =>
    rateStateOf(pipesOf(states, 'ratelimit', MAX_PIPES), parameters),
  renew: ({ pipes }: RateState, parameters: ModuleParameters): RateState => rateStateOf(pipes, parameters),
  copy: (state: RateState): RateState => ({ ...state, pipes: copiedPipes(state.pipes) }),
};

/**
 * State from the parameters of ratelimit. Their pipes are added to `pipes`; for an existing one, also one of another
 * process, only the limit is set.
 */
function rateStateOf(pipes: Pipes, parameters: ModuleParameters): RateState {
  const seconds = parameters.int('timer_interval', 10);
  const configured = new Set<string>();
  for (const each of parameters.all('pipe')) {
    const [, name = '', algorithm = '', rate] = PIPE.exec(String(each)) ?? [];
    if (rate === undefined) continue;
    // Kamailio's parameter gives messages per second.
    const limit = Number(rate) * seconds;
    const make = (): Pipe => newPipe(limit, algorithmOf(algorithm) ?? 'none');
    pipes.change(String(Number(name)), (pipe) => void (pipe.limit = limit), make);
    configured.add(String(Number(name)));
  }
  const queues = new Map<string, string>();
  for (const each of parameters.all('queue')) {
    const [, name, method = ''] = QUEUE.exec(String(each)) ?? [];
    if (name === undefined) continue;
    queues.set(method.toUpperCase(), String(Number(name)));
  }
  const slotLength = Math.max(1, parameters.int('slot_period', 200));
  const slots = Math.floor((Math.max(1, parameters.int('window_size', 10)) * 1000) / slotLength);
  return {
    interval: seconds * 1000,
    pipes,
    queues,
    factor: parameters.flag('limit_per_interval', false) ? 1 : seconds,
    usual: opensipsAlgorithm(parameters.text('default_algorithm', 'TAILDROP')) ?? 'taildrop',
    slots: Math.min(MAX_SLOTS, Math.max(1, slots)),
    slotLength,
    lifetime: Math.max(1, seconds, parameters.int('expire_time', 3600)) * 1000,
    configured,
  };
}

/** Maximum number of pipes of one module. */
const MAX_PIPES = 100_000;

function copiedPipes(pipes: Pipes): Pipes {
  return new OwnPipes(
    [...copiedList(pipes.size, pipes)].map(([name, pipe]) => [name, { ...pipe, slots: [...pipe.slots] }]),
  );
}

/** Returns a function that creates a pipe with a limit, if there are not too many, also of its source. */
function making(
  { env, call }: MessageRun,
  pipes: Pipes,
  limit: number | undefined,
  algorithm: PipeAlgorithm | undefined = 'taildrop',
): () => Pipe | undefined {
  return () => {
    if (limit === undefined || pipes.size >= MAX_PIPES) return undefined;
    const source = ownText(call.source.address);
    if (pipes.shares !== undefined && !env.peers.admits('pipes', pipes.shares, MAX_PIPES, source)) return undefined;
    return { ...newPipe(limit, algorithm), source };
  };
}

/** Counts a message in the current interval; 1 while the pipe is below `limit`, else -1. */
function count(run: MessageRun, pipe: Pipe, interval: number, limit = pipe.limit): number {
  const now = run.env.clock.monotonic();
  if (now - pipe.since > interval) {
    pipe.before = now - pipe.since > 2 * interval ? 0 : pipe.count;
    pipe.count = 0;
    pipe.since = now;
  }
  pipe.count++;
  switch (pipe.algorithm) {
    case 'taildrop':
      return code(pipe.count <= limit);
    case 'red': {
      // The share of messages above the limit in the interval before is refused in this one, evenly spread.
      const share = pipe.before > limit ? limit / pipe.before : 1;
      return code(Math.floor(pipe.count * share) > Math.floor((pipe.count - 1) * share));
    }
    default:
      return 1;
  }
}

/** `limit` is for a whole interval. */
function rate(run: MessageRun, name: string, limit: number | undefined): number {
  const { pipes, interval } = run.env.modules.of(rateState);
  let result = -1;
  const counted = (pipe: Pipe): void => {
    if (limit !== undefined) pipe.limit = limit;
    result = count(run, pipe, interval);
    // As recorded where nothing waits in a socket: 0, which ends the script.
    if (pipe.algorithm === 'network') result = 0;
  };
  pipes.change(name, counted, making(run, pipes, limit));
  return result;
}

/** Counts a message in the sliding window of a pipe; 1 while there are not more in it than its limit, else -1. */
function slide(run: MessageRun, pipe: Pipe, { slots, slotLength }: RateState): number {
  const slot = Math.floor(run.env.clock.monotonic() / slotLength);
  const passed = Math.min(slots, Math.max(0, slot - pipe.slot));
  const kept = pipe.slots.slice(0, slots - passed);
  // Slots before the oldest with a count are not stored: most pipes are used once.
  pipe.slots = kept.length === 0 ? [0] : passed === 0 ? kept : [...new Array<number>(passed).fill(0), ...kept];
  pipe.slots.length = Math.min(slots, pipe.slots.length);
  pipe.slot = slot;
  pipe.since = slot * slotLength;
  pipe.slots[0] = (pipe.slots[0] ?? 0) + 1;
  pipe.count = pipe.slots.reduce((sum, each) => sum + each, 0);
  return code(pipe.count <= pipe.limit);
}

/** OpenSIPS' rl_check(): the limit and the algorithm of each call are those of the pipe from then on. */
function checked(run: MessageRun, name: string, limit: number, named: string): number {
  const state = run.env.modules.of(rateState);
  const { pipes, interval, factor } = state;
  const algorithm = (named === '' ? undefined : opensipsAlgorithm(named)) ?? state.usual;
  let result = -1;
  const counted = (pipe: Pipe): void => {
    pipe.algorithm = algorithm;
    pipe.limit = limit;
    result = algorithm === 'sbt' ? slide(run, pipe, state) : count(run, pipe, interval, limit * factor);
  };
  const make = making(run, pipes, limit, algorithm);
  pipes.change(name, counted, () => {
    // Else the names that peers choose would fill the table for good, and new ones would be refused.
    pipes.expire(run.env.clock.monotonic() - state.lifetime, state.configured);
    return make();
  });
  return result;
}

/** Counts the request in the pipe of the queue for its method; -1 when there is no queue, 1 when it has no pipe. */
function queued(run: MessageRun): number {
  const { queues, pipes } = run.env.modules.of(rateState);
  const name = queues.get(run.message.method.toUpperCase()) ?? queues.get('*');
  if (name === undefined) return -1;
  return pipes.has(name) ? rate(run, name, undefined) : 1;
}

/** Counts the request in the pipe with the number of an argument. As recorded, a negative number limits nothing. */
function numbered(pipe: Arg | undefined, run: MessageRun): number {
  const number = intOf(pipe, run, 0);
  return number < 0 ? 1 : rate(run, String(number), undefined);
}

/** State of pipelimit: pipes by name, and the reply of pl_drop(). */
const pipeState = {
  module: 'pipelimit',
  create: (parameters: ModuleParameters, states: ModuleStates): PipeState => ({
    interval: parameters.int('timer_interval', 10) * 1000,
    code: parameters.int('reply_code', 503),
    reason: parameters.text('reply_reason', 'Server Unavailable'),
    pipes: pipesOf(states, 'pipelimit', MAX_PIPES),
  }),
  copy: (state: PipeState): PipeState => ({ ...state, pipes: copiedPipes(state.pipes) }),
};

function pipelimit(run: MessageRun, name: string, limit: number | undefined, algorithm?: PipeAlgorithm): number {
  const { pipes, interval } = run.env.modules.of(pipeState);
  let result = -2;
  const counted = (pipe: Pipe): void => {
    // An existing pipe keeps its algorithm and gets the limit, unless that is 0; an unknown algorithm is ignored then.
    if (limit !== undefined && limit !== 0) pipe.limit = limit;
    result = count(run, pipe, interval);
  };
  // A pipe of the table is created at its first message, so that all processes share it.
  const row = algorithm === undefined ? run.env.tables.pipes.get(name) : { algorithm, limit };
  pipes.change(
    name,
    counted,
    making(run, pipes, row?.limit, row === undefined ? undefined : algorithmOf(row.algorithm)),
  );
  return result;
}

/** Functions of pipelimit and ratelimit. */
export const rateLimitFunctions: ScriptFunction[] = [
  ...moduleFunctions('pipelimit', [
    {
      name: 'pl_check',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string'), optional('algorithm', 'string'), optional('limit', 'string')],
      summary: 'whether a pipe is below its limit; -2 for an unknown one',
      compile:
        ([pipe, algorithm, limit]) =>
        (run) => {
          if (limit === undefined) return pipelimit(run, textOf(pipe, run), undefined);
          return pipelimit(run, textOf(pipe, run), intOf(limit, run, 0), algorithmOf(textOf(algorithm, run)));
        },
    },
    {
      name: 'pl_active',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string')],
      summary: 'whether there is a pipe of that name',
      compile:
        ([pipe]) =>
        (run) => {
          const name = textOf(pipe, run);
          return code(run.env.modules.of(pipeState).pipes.has(name) || run.env.tables.pipes.has(name));
        },
    },
    {
      name: 'pl_drop',
      dialects: KAMAILIO,
      parameters: [optional('retry after', 'string'), optional('maximum', 'string')],
      summary: 'answers with the code of the module and Retry-After',
      compile:
        ([least, max]) =>
        (run) => {
          const { code: status, reason } = run.env.modules.of(pipeState);
          const from = intOf(least, run, 0);
          const after =
            max === undefined ? from : from + (run.env.random.uint32() % Math.max(1, intOf(max, run, from) - from + 1));
          const lines = least === undefined ? '' : `Retry-After: ${after}\r\n`;
          const { call } = run;
          const before = call.replyLines;
          call.replyLines += lines;
          replyHere(run, status, reason, 'either');
          call.replyLines = before;
          return 1;
        },
    },
  ]),
  ...moduleFunctions('ratelimit', [
    {
      name: 'rl_check',
      dialects: OPENSIPS,
      parameters: [
        param('pipe', 'string'),
        param('limit', 'int'),
        { ...optional('algorithm', 'string'), values: OPENSIPS_ALGORITHMS },
      ],
      summary: 'whether a pipe is below its limit',
      compile:
        ([pipe, limit, algorithm]) =>
        (run) =>
          checked(run, textOf(pipe, run), intOf(limit, run, 0), textOf(algorithm, run)),
    },
    {
      name: 'rl_dec_count',
      dialects: OPENSIPS,
      parameters: [param('pipe', 'string')],
      summary: 'decrements the count of a pipe',
      compile:
        ([name]) =>
        (run) => {
          const { pipes } = run.env.modules.of(rateState);
          return code(pipes.change(textOf(name, run), (pipe) => void (pipe.count = Math.max(0, pipe.count - 1))));
        },
    },
    {
      name: 'rl_reset_count',
      dialects: OPENSIPS,
      parameters: [param('pipe', 'string')],
      summary: 'sets the count of a pipe to 0',
      compile:
        ([name]) =>
        (run) => {
          const { pipes } = run.env.modules.of(rateState);
          return code(pipes.change(textOf(name, run), (pipe) => void (pipe.count = 0)));
        },
    },
    {
      name: 'rl_values',
      dialects: OPENSIPS,
      parameters: [param('result', 'writable'), optional('pattern', 'regex')],
      summary: 'names of the pipes, those that match',
      compile:
        ([result, pattern]) =>
        (run) => {
          const regex = pattern?.regex(run);
          for (const [name] of run.env.modules.of(rateState).pipes)
            if (regex === undefined || regex.test(name)) result?.variable?.assign(run.pvars, name);
          return 1;
        },
    },
    {
      name: 'rl_check',
      dialects: KAMAILIO,
      parameters: [optional('pipe', 'string')],
      summary: 'whether a pipe is below its limit',
      compile:
        ([pipe]) =>
        (run) =>
          pipe === undefined ? queued(run) : numbered(pipe, run),
    },
    {
      name: 'rl_check_pipe',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string')],
      summary: 'whether a pipe is below its limit',
      compile:
        ([pipe]) =>
        (run) =>
          numbered(pipe, run),
    },
  ]),
];

/** $rl_count(pipe): its count; null for an unknown pipe. */
export const rateVariables: readonly [string, VariableDefinition][] = [
  [
    'rl_count',
    {
      argument: 'required',
      indexed: false,
      compile: (argument) => ({
        get: (context) => {
          const scope = scopeOf(context);
          const name = String(argument?.constant ?? argument?.read(context) ?? '');
          return scope.env.modules.of(rateState).pipes.get(name)?.count ?? null;
        },
      }),
    },
  ],
];
