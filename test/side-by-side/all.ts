import { existsSync } from 'node:fs';
import { ACCOUNTING } from './accounting.js';
import { ASTERISK_SBC } from './asterisk-sbc.js';
import { BROWSER_REGISTRAR } from './browser-registrar.js';
import { CALLERS_FILES } from './callers-files.js';
import { CARRIER_TRUNKS } from './carrier-trunks.js';
import { CLASS4_SWITCH } from './class4-switch.js';
import { DEBIAN_DEFAULT } from './debian-default.js';
import { FRAUD_FRONT } from './fraud-front.js';
import { FURTHER_FILES } from './further-files.js';
import { HOSTILE_PEERS } from './hostile-peers.js';
import { IP_TRUNK } from './ip-trunk.js';
import { TEAMS_TRUNKS_PBX, WHOLESALE_DECK } from './large-files.js';
import { MULTI_SITE } from './multi-site.js';
import { MULTI_TENANT_SBC } from './multi-tenant-sbc.js';
import { NUMBER_PORTABILITY } from './number-portability.js';
import { OFFICE_REGISTRAR } from './office-registrar.js';
import { OLD_HABITS } from './old-habits.js';
import type { OperatorFile } from './operator-file.js';
import { PATH_EDGE } from './path-edge.js';
import { PBX_FRONT } from './pbx-front.js';
import { POOL_TENANTS } from './pool-tenants.js';
import { PROBING_BALANCER } from './probing-balancer.js';
import { RESIDENTIAL } from './residential.js';
import { SQL_ROUTING } from './sql-routing.js';
import { STATELESS_EDGE } from './stateless-edge.js';
import { TEAMS_DIRECT } from './teams-direct.js';
import { TOPOS_BORDER } from './topos-border.js';
import { ASTERISK_FARM, TRUNK_CREDENTIALS } from './trunk-and-farm.js';
import { CHANNEL_LIMITS, VENDOR_LISTS } from './vendor-lists.js';
import { WEBRTC_PATH_EDGE } from './webrtc-path-edge.js';
import { WEBRTC_TLS } from './webrtc-tls.js';

/** Typical files of Kamailio operators, each of a different kind. */
export const OPERATOR_FILES: readonly OperatorFile[] = [
  PROBING_BALANCER,
  TOPOS_BORDER,
  CARRIER_TRUNKS,
  POOL_TENANTS,
  ACCOUNTING,
  IP_TRUNK,
  PATH_EDGE,
  SQL_ROUTING,
  WEBRTC_TLS,
  OFFICE_REGISTRAR,
  BROWSER_REGISTRAR,
  TEAMS_DIRECT,
  CLASS4_SWITCH,
  PBX_FRONT,
  FRAUD_FRONT,
  MULTI_SITE,
  VENDOR_LISTS,
  CHANNEL_LIMITS,
  TRUNK_CREDENTIALS,
  ASTERISK_FARM,
  WHOLESALE_DECK,
  TEAMS_TRUNKS_PBX,
  ASTERISK_SBC,
  MULTI_TENANT_SBC,
  NUMBER_PORTABILITY,
  OLD_HABITS,
  RESIDENTIAL,
  STATELESS_EDGE,
  WEBRTC_PATH_EDGE,
  ...FURTHER_FILES,
  ...CALLERS_FILES,
  ...[...DEBIAN_DEFAULT, HOSTILE_PEERS].filter(({ path }) => path !== undefined && existsSync(path)),
];
