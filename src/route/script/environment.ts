import type { Logger } from '../../core/logger.js';
import type { DispatcherEnvironment } from '../dispatcher/site.js';
import type { DispatcherFormats } from '../request-scope.js';
import type { DialogGate } from '../rules/dialog-gate.js';
import type { BlacklistCheck } from '../rules/rule-plan.js';
import type { RouteTrace } from './call-path.js';
import type { ScriptLog } from './script-log.js';

/** What the functions of a script reach. */
export interface RouteScriptEnvironment extends DispatcherEnvironment {
  readonly formats: DispatcherFormats;
  readonly blocked: BlacklistCheck;
  readonly hasBlacklist: (name: string) => boolean;
  /** Who may go on by a Route inside a dialog; undefined: the script alone decides. */
  readonly dialogs?: Pick<DialogGate, 'mayPass'> | undefined;
  readonly log: Logger;
  /** Follows what its routes call; undefined: nobody does. */
  readonly trace?: RouteTrace | undefined;
  /** Where faults of the script are written. */
  readonly faults: ScriptLog;
}
