import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import type { TransactionState } from './state.js';

/**
 * Callbacks of modules for events of the script engine. Must not throw. `run` is the route execution in which the event
 * happens, `env` what all runs share; their types are not named here, since the files would import each other.
 */
export interface ScriptHooks<Run = object, Environment = object> {
  /** A message was received, before its routes run; false: it is dropped. */
  readonly received: readonly ((env: Environment, message: SipMessage, source: Source) => boolean)[];
  /** A transaction was created. */
  readonly began: readonly ((run: Run, transaction: TransactionState) => void)[];
  /** Loose routing found a Route of this proxy; its parameters are `call.matchedRouteParams`. */
  readonly routed: readonly ((run: Run) => void)[];
  /** An ACK for a 2xx is sent. */
  readonly acknowledged: readonly ((run: Run) => void)[];
  /** A CANCEL for a pending call was answered. */
  readonly cancelled: readonly ((run: Run) => void)[];
}

/** Hooks when no module has any. */
export const NO_HOOKS: ScriptHooks = { received: [], began: [], routed: [], acknowledged: [], cancelled: [] };
