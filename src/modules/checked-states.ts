import type { ModuleStates } from '../script/environment.js';
import { accounting } from './acc/account.js';
import { authentication, subscribers } from './auth/settings.js';
import { contactSettings } from './contacts.js';
import { dialogs } from './dialog/state.js';
import { routingState } from './drouting/partitions.js';
import { destinationLists, gatewayLists } from './gateway-blacklists.js';
import { hashTables } from './htable/tables.js';
import { httpConnections } from './http-client/connections.js';
import { memoryQueues } from './mqueue.js';
import { treeVariables } from './mtree.js';
import { permissionTags } from './permissions.js';
import { redirectFilters } from './redirects.js';
import { contactPings } from './registrar/pings.js';
import { locationStore } from './registrar/store.js';
import { routeTimers } from './rtimer.js';
import { mediaEngine } from './rtpengine/engine.js';
import { rtpProxies } from './rtpproxy/engine.js';
import { sqlCacher } from './sql-cacher.js';
import { shakenSettings } from './stir-shaken/functions.js';
import { topologyMask } from './topoh/settings.js';
import { hidingSettings } from './topology-hiding.js';
import { topologyStore } from './topos/settings.js';
import { blacklistTable } from './user-blacklist.js';
import { aliasTable, dialTable, groupExpressions, groupTable } from './user-tables.js';
import { urlFilter } from './xhttp.js';

/**
 * Modules whose state is created when a file is checked, by name, since their parameters may be wrong. Creating a state
 * has no outside effect.
 */
export const CHECKED_STATES: readonly (readonly [module: string, make: (states: ModuleStates) => unknown])[] = [
  ['dialog', (states) => states.of(dialogs)],
  ['tm', (states) => states.of(contactSettings)],
  ['rtpengine', (states) => states.of(mediaEngine)],
  ['rtpproxy', (states) => states.of(rtpProxies)],
  ['drouting', (states) => states.of(routingState)],
  ['drouting', (states) => states.of(gatewayLists)],
  ['load_balancer', (states) => states.of(destinationLists)],
  ['topology_hiding', (states) => states.of(hidingSettings)],
  ['stir_shaken', (states) => states.of(shakenSettings)],
  ['acc', (states) => states.of(accounting)],
  ['topoh', (states) => states.of(topologyMask)],
  ['topos', (states) => states.of(topologyStore)],
  ['htable', (states) => states.of(hashTables)],
  ['usrloc', (states) => states.of(locationStore)],
  ['nathelper', (states) => states.of(contactPings)],
  ['alias_db', (states) => states.of(aliasTable)],
  ['group', (states) => states.of(groupTable)],
  ['group', (states) => states.of(groupExpressions)],
  ['speeddial', (states) => states.of(dialTable)],
  ['userblacklist', (states) => states.of(blacklistTable)],
  ['sql_cacher', (states) => states.of(sqlCacher)],
  ['auth', (states) => states.of(authentication)],
  ['auth_db', (states) => states.of(subscribers)],
  ['mqueue', (states) => states.of(memoryQueues)],
  ['mtree', (states) => states.of(treeVariables)],
  ['http_client', (states) => states.of(httpConnections)],
  ['permissions', (states) => states.of(permissionTags)],
  ['rtimer', (states) => states.of(routeTimers)],
  ['uac_redirect', (states) => states.of(redirectFilters)],
  ['xhttp', (states) => states.of(urlFilter)],
];
