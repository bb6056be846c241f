import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Engine } from '../../engine/engine.js';
import type { Format } from '../../pvar/format.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { DispatcherFormats } from '../request-scope.js';
import type { BlacklistCheck } from '../rules/rule-plan.js';
import type { SelectionTally } from '../rules/rules-router.js';
import type { ScriptLog } from './script-log.js';

/** What the functions of a script reach. */
export interface ScriptEnvironment {
  readonly engine: Engine;
  readonly sockets: LocalSockets;
  readonly formats: DispatcherFormats;
  /** setid_pvar: where ds_is_in_list writes the set it found. */
  readonly setidPvar: Format | undefined;
  /** attrs_pvname: where ds_is_from_list writes the attributes of what it found. */
  readonly attrsPvar?: Format | undefined;
  /** force_dst: ds_select_dst of a kamailio partition overwrites a $du that is there; default true. */
  readonly forceDst?: boolean | undefined;
  /** Begins to load a partition anew (ds_reload); false while it may not. Absent: it never may. */
  readonly reload?: ((partition: string) => boolean) | undefined;
  /** script_attrs_avp of a partition, as a name. */
  readonly scriptAttrsAvp: (partition: string) => string | undefined;
  readonly blocked: BlacklistCheck;
  readonly hasBlacklist: (name: string) => boolean;
  readonly tally: SelectionTally;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where faults of the script are written. */
  readonly faults: ScriptLog;
}
