import { moduleFunctions, type ScriptFunction } from '../define.js';
import { kamailioFunction } from '../kamailio-function.js';

/** Functions of Kamailio's topos. */
export const toposFunctions: ScriptFunction[] = moduleFunctions('topos', [
  kamailioFunction(
    'tps_set_context',
    'context',
    'accepted: contexts separate the programs that share one database, and what is hidden is kept in memory here',
    () => 1,
  ),
]);
