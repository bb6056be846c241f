import { FunctionTable } from '../cfg/function-table.js';
import type { MessageRun } from '../script/call.js';
import { accFunctions } from './acc/functions.js';
import { accessFunctions } from './access.js';
import { avpopsFunctions } from './avpops.js';
import { cfgutilsFunctions } from './cfgutils.js';
import { coreFunctions } from './core.js';
import { opensipsCoreFunctions } from './core-opensips.js';
import { coreUriFunctions } from './core-uri.js';
import { corexFunctions } from './corex.js';
import { dialogFunctions } from './dialog/functions.js';
import { dispatcherFunctions } from './dispatcher.js';
import { flagFunctions } from './flags.js';
import { addressFunctions } from './ip-addresses.js';
import { logFunctions } from './log.js';
import { mathFunctions } from './math.js';
import { messageFunctions } from './message.js';
import { natFunctions } from './nat.js';
import { pvFunctions } from './pv.js';
import { replyFunctions } from './replies.js';
import { rewritingFunctions } from './rewriting.js';
import { rrFunctions } from './rr.js';
import { rtpengineFunctions } from './rtpengine/functions.js';
import { sanityFunctions } from './sanity.js';
import { sdpFunctions } from './sdp.js';
import { sqlFunctions } from './sql.js';
import { statisticsFunctions } from './statistics.js';
import { storeFunctions } from './stores.js';
import { textFunctions } from './text.js';
import { kamailioTextFunctions } from './text-kamailio.js';
import { tmFunctions } from './tm.js';
import { topologyHidingFunctions } from './topology-hiding.js';
import { uacRequestFunctions } from './uac-request.js';

let table: FunctionTable<MessageRun> | undefined;

/** Every function of configuration files, of both dialects. */
export function scriptFunctions(): FunctionTable<MessageRun> {
  table ??= new FunctionTable<MessageRun>([
    ...coreFunctions,
    ...opensipsCoreFunctions,
    ...coreUriFunctions,
    ...flagFunctions,
    ...logFunctions,
    ...replyFunctions,
    ...pvFunctions,
    ...tmFunctions,
    ...rrFunctions,
    ...textFunctions,
    ...kamailioTextFunctions,
    ...corexFunctions,
    ...addressFunctions,
    ...uacRequestFunctions,
    ...messageFunctions,
    ...dispatcherFunctions,
    ...accessFunctions,
    ...cfgutilsFunctions,
    ...mathFunctions,
    ...rewritingFunctions,
    ...natFunctions,
    ...sanityFunctions,
    ...sdpFunctions,
    ...storeFunctions,
    ...dialogFunctions,
    ...accFunctions,
    ...topologyHidingFunctions,
    ...statisticsFunctions,
    ...rtpengineFunctions,
    ...avpopsFunctions,
    ...sqlFunctions,
  ]);
  return table;
}
