import type { PvarValue } from '../pvar/context.js';
import type { ScriptEnvironment } from './environment.js';
import { runService } from './service-routes.js';

/** Raises an event of OpenSIPS: its event route runs, and the programs that have subscribed to it get it. */
export function raiseEvent(env: ScriptEnvironment, name: string, params: ReadonlyMap<string, PvarValue>): void {
  if (env.services.subscribed(name)) env.services.raise(name, params);
  void runService(env, 'event', name, params);
}
