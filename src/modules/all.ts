import { FunctionTable } from '../cfg/function-table.js';
import type { MessageRun } from '../script/call.js';
import { accFunctions } from './acc/functions.js';
import { asyncFunctions } from './async.js';
import { authFunctions } from './auth/functions.js';
import { avpDatabaseFunctions } from './avp-database.js';
import { avpopsFunctions } from './avpops.js';
import { kamailioAvpopsFunctions } from './avpops-kamailio.js';
import { branchFunctions } from './branches.js';
import { cachedbFunctions } from './cachedb.js';
import { cfgutilsFunctions } from './cfgutils.js';
import { coreFunctions } from './core.js';
import { opensipsCoreFunctions } from './core-opensips.js';
import { coreUriFunctions } from './core-uri.js';
import { corexFunctions } from './corex.js';
import { dialogFunctions } from './dialog/functions.js';
import { sessionTimerFunctions } from './dialog/session-timers.js';
import { dialplanFunctions } from './dialplan.js';
import { dispatcherFunctions } from './dispatcher.js';
import { domainFunctions } from './domain.js';
import { droutingFunctions } from './drouting/functions.js';
import { enumFunctions } from './enum.js';
import { flagFunctions } from './flags.js';
import { fraudFunctions } from './fraud/functions.js';
import { globalFlagFunctions } from './global-flags.js';
import { textopsxFunctions } from './header-walks.js';
import { htableFunctions } from './htable/functions.js';
import { httpClientFunctions } from './http-client/functions.js';
import { addressFunctions } from './ip-addresses.js';
import { jsonFunctions } from './json.js';
import { jsonrpcFunctions } from './jsonrpcs.js';
import { janssonFunctions } from './kamailio-json/jansson.js';
import { kamailioJsonFunctions } from './kamailio-json/json.js';
import { loadBalancerFunctions } from './load-balancer/functions.js';
import { logFunctions } from './log.js';
import { mathFunctions } from './math.js';
import { mediaRelayFunctions } from './media-relay/functions.js';
import { messageFunctions } from './message.js';
import { miScriptFunctions } from './mi-script.js';
import { mqueueFunctions } from './mqueue.js';
import { mtreeFunctions } from './mtree.js';
import { natFunctions } from './nat.js';
import { natTraversalFunctions } from './nat-traversal.js';
import { moduleOfMissing } from './not-here.js';
import { observationFunctions } from './observation.js';
import { pathFunctions } from './path.js';
import { permissionsFunctions } from './permissions.js';
import { pikeFunctions } from './pike.js';
import { programFunctions } from './programs.js';
import { pvFunctions } from './pv.js';
import { rateLimitFunctions } from './rate-limit.js';
import { redirectFunctions } from './redirects.js';
import { regexFunctions } from './regex.js';
import { opensipsGroupFunctions, regexGroupFunctions } from './regex-groups.js';
import { registrarFunctions } from './registrar/functions.js';
import { replyFunctions } from './replies.js';
import { restClientFunctions } from './rest-client.js';
import { rewritingFunctions } from './rewriting.js';
import { rpidFunctions } from './rpid.js';
import { rrFunctions } from './rr.js';
import { rtpengineFunctions } from './rtpengine/functions.js';
import { rtpproxyFunctions } from './rtpproxy/functions.js';
import { sanityFunctions } from './sanity.js';
import { sdpopsFunctions } from './sdp/functions-kamailio.js';
import { sipmsgopsSdpFunctions } from './sdp/functions-opensips.js';
import { siptraceFunctions } from './siptrace.js';
import { kamailioUriFunctions } from './siputils-kamailio.js';
import { sqlFunctions } from './sql.js';
import { sqlCacherFunctions } from './sql-cacher.js';
import { sqlStatementFunctions } from './sql-statements.js';
import { statisticsFunctions } from './statistics.js';
import { statusReportFunctions } from './status-report.js';
import { stirShakenFunctions } from './stir-shaken/functions.js';
import { textFunctions } from './text.js';
import { kamailioTextFunctions } from './text-kamailio.js';
import { tlsFunctions } from './tls.js';
import { tmFunctions } from './tm.js';
import { kamailioTransactionFunctions } from './tm-kamailio.js';
import { tmrecFunctions } from './tmrec.js';
import { topologyHidingFunctions } from './topology-hiding.js';
import { toposFunctions } from './topos/functions.js';
import { tracerFunctions } from './tracer.js';
import { uacAuthFunctions } from './uac-auth.js';
import { uacRequestFunctions } from './uac-request.js';
import { userBlacklistFunctions } from './user-blacklist.js';
import { userTableFunctions } from './user-tables.js';
import { uuidFunctions } from './uuid.js';
import { xhttpFunctions } from './xhttp.js';
import { xhttpPromFunctions } from './xhttp-prom.js';

/** The table of functions, made on first use. */
let table: FunctionTable<MessageRun> | undefined;

/** All functions of cfg files, for both dialects. */
export function scriptFunctions(): FunctionTable<MessageRun> {
  table ??= new FunctionTable<MessageRun>(
    [
      ...coreFunctions,
      ...branchFunctions,
      ...opensipsCoreFunctions,
      ...coreUriFunctions,
      ...flagFunctions,
      ...logFunctions,
      ...replyFunctions,
      ...pvFunctions,
      ...tmFunctions,
      ...rpidFunctions,
      ...rrFunctions,
      ...textFunctions,
      ...kamailioTextFunctions,
      ...textopsxFunctions,
      ...corexFunctions,
      ...kamailioTransactionFunctions,
      ...kamailioUriFunctions,
      ...addressFunctions,
      ...jsonFunctions,
      ...janssonFunctions,
      ...kamailioJsonFunctions,
      ...uacRequestFunctions,
      ...messageFunctions,
      ...dispatcherFunctions,
      ...permissionsFunctions,
      ...domainFunctions,
      ...pikeFunctions,
      ...rateLimitFunctions,
      ...cfgutilsFunctions,
      ...mathFunctions,
      ...rewritingFunctions,
      ...natFunctions,
      ...pathFunctions,
      ...natTraversalFunctions,
      ...sanityFunctions,
      ...sipmsgopsSdpFunctions,
      ...sdpopsFunctions,
      ...cachedbFunctions,
      ...htableFunctions,
      ...globalFlagFunctions,
      ...dialogFunctions,
      ...sessionTimerFunctions,
      ...dialplanFunctions,
      ...mtreeFunctions,
      ...fraudFunctions,
      ...loadBalancerFunctions,
      ...regexFunctions,
      ...uuidFunctions,
      ...droutingFunctions,
      ...observationFunctions,
      ...tmrecFunctions,
      ...opensipsGroupFunctions,
      ...regexGroupFunctions,
      ...registrarFunctions,
      ...siptraceFunctions,
      ...tracerFunctions,
      ...restClientFunctions,
      ...httpClientFunctions,
      ...accFunctions,
      ...topologyHidingFunctions,
      ...statisticsFunctions,
      ...stirShakenFunctions,
      ...rtpengineFunctions,
      ...uacAuthFunctions,
      ...rtpproxyFunctions,
      ...mediaRelayFunctions,
      ...avpopsFunctions,
      ...kamailioAvpopsFunctions,
      ...sqlFunctions,
      ...sqlStatementFunctions,
      ...avpDatabaseFunctions,
      ...userTableFunctions,
      ...userBlacklistFunctions,
      ...sqlCacherFunctions,
      ...statusReportFunctions,
      ...redirectFunctions,
      ...enumFunctions,
      ...programFunctions,
      ...miScriptFunctions,
      ...mqueueFunctions,
      ...asyncFunctions,
      ...tlsFunctions,
      ...toposFunctions,
      ...authFunctions,
      ...xhttpFunctions,
      ...jsonrpcFunctions,
      ...xhttpPromFunctions,
    ],
    moduleOfMissing,
  );
  return table;
}
