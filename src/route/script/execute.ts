import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import { RouteExit } from './exit.js';
import { positionOf } from './fault.js';
import type { ScriptLog } from './script-log.js';

/** Maximum time in milliseconds that a route that awaits something may take. */
const ROUTE_LIMIT = 10_000;

/** How a route ended: "ended" normally, "dropped" by drop(), "failed" when it threw or took too long. */
export type RouteEnd = 'ended' | 'dropped' | 'failed';

/** Title of a failed route in log lines. */
export interface RouteTitle {
  /** File of the script. */
  readonly script: string;
  /** For example "request", "failure TO_NEXT". */
  readonly route: string;
  readonly callId?: string | undefined;
}

/**
 * Runs one route of a script. Never throws: what the script throws is logged with file and line. An asynchronous route
 * that does not end in time counts as failed; its later result is ignored.
 */
export function execute(
  title: RouteTitle,
  run: () => unknown,
  log: ScriptLog,
  clock: Clock,
): RouteEnd | Promise<RouteEnd> {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return ended(title, error, log);
  }
  if (!isThenable(result)) return 'ended';
  return new Promise<RouteEnd>((resolve) => {
    const cancel = clock.schedule(ROUTE_LIMIT, () => {
      resolve(failed(title, `took more than ${ROUTE_LIMIT / 1000} s`, log));
    });
    result.then(
      () => {
        cancel();
        resolve('ended');
      },
      (error) => {
        cancel();
        resolve(ended(title, error, log));
      },
    );
  });
}

/** Like `execute`, for routes that must be synchronous: one that returns a promise has failed. */
export function executeNow(title: RouteTitle, run: () => unknown, log: ScriptLog): RouteEnd {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return ended(title, error, log);
  }
  if (!isThenable(result)) return 'ended';
  result.then(undefined, () => undefined);
  return failed(title, 'must not wait for anything; it returned a promise', log);
}

function failed(title: RouteTitle, what: string, log: ScriptLog): RouteEnd {
  const { script, route, callId } = title;
  log.write('error', route, { file: script, route, callId }, `route script: the ${route} route ${what}`);
  return 'failed';
}

function ended(title: RouteTitle, thrown: unknown, log: ScriptLog): RouteEnd {
  if (thrown instanceof RouteExit) return thrown.dropped ? 'dropped' : 'ended';
  const { file, line } = positionOf(thrown, title.script);
  const position = `${file}${line === undefined ? '' : `:${line}`}`;
  log.write(
    'error',
    position,
    { err: thrown, file, line, route: title.route, callId: title.callId },
    `route script failed at ${position}: ${messageOf(thrown)}`,
  );
  return 'failed';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}
