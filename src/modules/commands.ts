import type { ScriptCommand } from '../script/commands.js';
import { cfgutilsCommands } from './cfgutils-commands.js';
import { dialogCommands } from './dialog/commands.js';
import { droutingCommands } from './drouting/commands.js';
import { fraudCommands } from './fraud/functions.js';
import { httpClientCommands } from './http-client/functions.js';
import { loadBalancerCommands } from './load-balancer/commands.js';
import { mqueueCommands } from './mqueue.js';
import { mtreeCommands } from './mtree.js';
import { nathelperCommands } from './nathelper-commands.js';
import { proxyCommands } from './proxy-commands.js';
import { regexCommands } from './regex-groups.js';
import { locationCommands } from './registrar/commands.js';
import { rtpengineCommands } from './rtpengine/commands.js';
import { rtpProxies } from './rtpproxy/engine.js';
import { sqlCacherCommands } from './sql-cacher.js';
import { tableCommands } from './table-commands.js';
import { tlsCommands } from './tls-commands.js';
import { tmCommands } from './tm-commands.js';
import { blacklistCommands } from './user-blacklist.js';

/** The management commands of all modules. */
export const MODULE_COMMANDS: readonly ScriptCommand[] = [
  ...cfgutilsCommands,
  ...dialogCommands,
  ...droutingCommands,
  ...fraudCommands,
  ...httpClientCommands,
  ...loadBalancerCommands,
  ...locationCommands,
  ...mqueueCommands,
  ...mtreeCommands,
  ...nathelperCommands,
  ...regexCommands,
  ...rtpengineCommands,
  ...proxyCommands('rtpproxy', (env) => env.modules.of(rtpProxies).sets, false),
  ...sqlCacherCommands,
  ...tableCommands,
  ...tlsCommands,
  ...tmCommands,
  ...blacklistCommands,
];
