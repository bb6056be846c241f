import type { TransactionState } from './state.js';

/** What modules do besides what their functions do. Must not throw. `run` is the run at work. */
export interface ScriptHooks<Run = object> {
  /** A transaction begins. */
  readonly began: readonly ((run: Run, transaction: TransactionState) => void)[];
  /** Loose routing found a Route of this proxy; its parameters are `call.matchedRouteParams`. */
  readonly routed: readonly ((run: Run) => void)[];
  /** An ACK that acknowledges a 2xx leaves. */
  readonly acknowledged: readonly ((run: Run) => void)[];
  /** A CANCEL of a call under way was answered. */
  readonly cancelled: readonly ((run: Run) => void)[];
}

/** Hooks of a file without modules that have any. */
export const NO_HOOKS: ScriptHooks = { began: [], routed: [], acknowledged: [], cancelled: [] };
