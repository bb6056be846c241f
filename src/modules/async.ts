import { PeerShare } from '../core/peer-share.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import { PerCall } from '../script/per-call.js';
import { answerTrying, beginTransaction } from '../script/relay.js';
import { runNamed } from '../script/service-routes.js';
import { type Arg, type FunctionSpec, intOf, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { own } from './script-variable.js';

/** Maximum number of requests that wait at once. */
const MAX_WAITING = 100_000;
/** Maximum waiting times in milliseconds, for arguments in seconds and in milliseconds, as in the original. */
const LONGEST = { seconds: 100_000, ms: 30_000 };

/** Requests and tasks that wait, by source; kept when the file is reloaded. */
const pending = {
  module: 'async',
  create: () => new PeerShare(),
  renew: (before: PeerShare) => before,
};

/**
 * Lets a request wait for a time; its transaction absorbs retransmissions meanwhile. A number is the function's code
 * when the request cannot wait.
 */
function pause(run: MessageRun, ms: number, max: number): Promise<void> | number {
  const { call, env } = run;
  const requests = env.modules.of(pending);
  const { address } = call.source;
  if (!(ms >= 0) || ms > max || !env.peers.admits('suspended_requests', requests, MAX_WAITING, address)) {
    env.peerLog.error(
      { callId: run.message.callId, ms, waiting: requests.used },
      'script: a request cannot be suspended for this time',
    );
    return -1;
  }
  const transaction = beginTransaction(run);
  if (transaction === undefined) return 0;
  answerTrying(transaction, call);
  requests.add(address);
  return new Promise((resolve) => {
    env.clock.schedule(ms, () => {
      requests.remove(address);
      resolve();
    });
  });
}

/** Runs a route after a time; the script ends with that route. */
function routeAfter(run: MessageRun, name: string, ms: number, max: number): Promise<number> | number {
  const route = run.env.script.subRoute(name);
  if (route === undefined) {
    run.env.peerLog.error({ callId: run.message.callId, route: name.slice(0, 64) }, 'script: there is no such route');
    return -1;
  }
  const paused = pause(run, ms, max);
  if (typeof paused === 'number') return paused;
  return paused.then(async () => {
    // As recorded, $rc is 0 at the start of the route. If the caller cancelled meanwhile, it has its reply already.
    run.pvars.returnCode = 0;
    await route.call(run);
    return 0;
  });
}

function sleepFor(run: MessageRun, ms: number, max: number): Promise<number> | number {
  const paused = pause(run, ms, max);
  return typeof paused === 'number' ? paused : paused.then(() => 1);
}

/** A time argument in milliseconds; NaN when it is 0 or not a number. */
const timeOf = (arg: Arg | undefined, run: MessageRun, unit: number): number => {
  const given = intOf(arg, run, 0);
  return given > 0 ? given * unit : Number.NaN;
};

const data = new PerCall(() => '');

function task(name: string, parameters: string, group: boolean): FunctionSpec {
  const at = group ? 2 : 1;
  return kamailioFunction(name, parameters, 'runs a route separately, with a text in $async(data)', (run, args) => {
    const { env, call: by } = run;
    const route = textOf(args[0], run);
    const text = textOf(args[at], run);
    const tasks = env.modules.of(pending);
    const { address } = by.source;
    if (env.script.subRoute(route) === undefined) return -1;
    if (!env.peers.admits('suspended_requests', tasks, MAX_WAITING, address)) return -1;
    tasks.add(address);
    env.clock.schedule(0, () => {
      tasks.remove(address);
      runNamed(env, route, ({ call }) => data.set(call, text));
    });
    return 1;
  });
}

/** Functions of async. */
export const asyncFunctions: ScriptFunction[] = moduleFunctions('async', [
  kamailioFunction(
    'async_route',
    'route seconds',
    'continues in a route after some seconds',
    (run, [name, time]) => routeAfter(run, textOf(name, run), timeOf(time, run, 1000), LONGEST.seconds),
    true,
  ),
  kamailioFunction(
    'async_ms_route',
    'route milliseconds',
    'continues in a route after some milliseconds',
    (run, [name, time]) => routeAfter(run, textOf(name, run), timeOf(time, run, 1), LONGEST.ms),
    true,
  ),
  kamailioFunction(
    'async_sleep',
    'seconds',
    'continues after some seconds',
    (run, [time]) => sleepFor(run, timeOf(time, run, 1000), LONGEST.seconds),
    true,
  ),
  kamailioFunction(
    'async_ms_sleep',
    'milliseconds',
    'continues after some milliseconds',
    (run, [time]) => sleepFor(run, timeOf(time, run, 1), LONGEST.ms),
    true,
  ),
  ...[
    ['async_task_route', 'route'],
    ['async_task_group_route', 'route group'],
  ].map(([name = '', parameters = '']) =>
    kamailioFunction(
      name,
      parameters,
      'continues in a route after the other pending work',
      (run, [route]) => routeAfter(run, textOf(route, run), 0, LONGEST.ms),
      true,
    ),
  ),
  task('async_task_data', 'route data', false),
  task('async_task_group_data', 'route group data', true),
]);

/** $async(data): the text passed to async_task_data(). */
export const asyncVariables: readonly [string, VariableDefinition][] = [
  [
    'async',
    {
      ...own((scope) => (scope.call === undefined ? null : data.known(scope.call)) ?? null),
      argument: 'required',
    },
  ],
];
