import type { Logger } from '../../core/logger.js';
import type { DispatcherEnvironment } from '../dispatcher/site.js';
import type { DispatcherFormats } from '../request-scope.js';
import type { DialogGate } from '../rules/dialog-gate.js';
import type { BlacklistCheck } from '../rules/rule-plan.js';
import type { RouteTrace } from './call-path.js';
import type { ScriptLog } from './script-log.js';

/** The parts of the program that the functions of a script use. */
export interface RouteScriptEnvironment extends DispatcherEnvironment {
  readonly formats: DispatcherFormats;
  readonly blocked: BlacklistCheck;
  readonly hasBlacklist: (name: string) => boolean;
  /** Decides whether a request may follow its Route inside a dialog; undefined: the script alone decides. */
  readonly dialogs?: Pick<DialogGate, 'mayPass'> | undefined;
  readonly log: Logger;
  /** Records the calls that its routes make; undefined: not recorded. */
  readonly trace?: RouteTrace | undefined;
  /** Log for faults of the script. */
  readonly faults: ScriptLog;
}
