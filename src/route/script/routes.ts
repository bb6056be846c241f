import type { AlgoRoute } from './algo-route.js';
import type { BranchRoute } from './branch-route.js';
import type { EventRoute } from './event-route.js';
import type { FailureRoute } from './failure-route.js';
import type { LocalRoute } from './local-route.js';
import type { ReplyRoute } from './reply-route.js';
import type { RequestRoute } from './request-route.js';

/** Result of a route that must be synchronous: nothing, or a value that is ignored. */
// biome-ignore lint/suspicious/noConfusingVoidType: as a part of a union it lets functions without return pass, and no promise.
export type SynchronousResult = void | boolean | number | string;

/**
 * The routes of a script. Their names are the ones given to t_on_failure() and similar functions, in algo_route, and
 * those of events.
 */
export interface ScriptRoutes {
  /**
   * Runs for every request, except those of a known transaction: retransmissions, and CANCEL and ACK of a pending call.
   */
  readonly request: (r: RequestRoute) => unknown;
  /** Runs when the next hop has failed, if t_on_failure(NAME) was called before the relaying. */
  readonly failure?: Readonly<Record<string, (r: FailureRoute) => unknown>>;
  /** Runs before a request is relayed: t_on_branch(NAME). Must be synchronous. */
  readonly branch?: Readonly<Record<string, (r: BranchRoute) => SynchronousResult>>;
  /** Runs for a reply: t_on_reply(NAME). Must be synchronous. */
  readonly reply?: Readonly<Record<string, (r: ReplyRoute) => SynchronousResult>>;
  /** Runs before this proxy sends a request of its own, such as a probe. Must be synchronous. */
  readonly local?: (r: LocalRoute) => SynchronousResult;
  /** Runs for an event: E_DISPATCHER_STATUS. */
  readonly event?: Readonly<Record<string, (e: EventRoute) => unknown>>;
  /**
   * Returns the score of a destination for algorithm 10, the lowest is chosen first: named by the module parameter
   * algo_route.
   */
  readonly algo?: Readonly<Record<string, (d: AlgoRoute) => number>>;
}

/**
 * Gives the routes of a script their types: `export const routes = defineRoutes({ request(r) { ... } })`. Returns its
 * argument.
 */
export function defineRoutes<T extends ScriptRoutes>(routes: T): T {
  return routes;
}
