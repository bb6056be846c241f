import type { ConfigurationTree } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import { tlsVariables } from '../modules/tls.js';

/** Variables that Kamailio 5.6.3 refuses unless their module is loaded. Those of pv are always accepted. */
const OF_MODULES: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['tmx', ['T_branch_idx', 'T_reply_code', 'T_reply_reason', 'T_rpl', 'T_req']],
  ['rr', ['route_uri', 'fti', 'tti']],
  ['textopsx', ['hfitname', 'hfitbody', 'blitval']],
  ['htable', ['sht', 'shtex', 'shtcn', 'shtcv', 'shtinc', 'shtdec', 'shtitkey', 'shtitval', 'shtrecord']],
  ['uac', ['uac_req']],
  ['dialog', ['DLG_count', 'DLG_status', 'DLG_lifetime', 'dlg', 'dlg_ctx', 'dlg_var']],
  ['dispatcher', ['dsv', 'dsg']],
  ['registrar', ['ulc']],
  ['sqlops', ['dbr']],
  ['cfgutils', ['RANDOM']],
  ['uuid', ['uuid']],
  ['xhttp', ['hu']],
  ['websocket', ['ws_conid']],
  ['jsonrpcs', ['jsonrpl']],
  ['tls', tlsVariables('kamailio').map(([name]) => name)],
];

/** Variables that 5.6.3 never accepts: only OpenSIPS or later versions have them. */
const UNSUPPORTED = ['an', 'oz', 'ru_q', 'shvinc', 'ctu', 'cts', 'rcv', 'dsg'];

const NONE: ReadonlySet<string> = new Set();

/** Variables that a kamailio.cfg may not use: their module is not loaded, or the version does not have them. */
export function hiddenKamailioVariables({ name, later }: Dialect, { modules }: ConfigurationTree): ReadonlySet<string> {
  if (name !== 'kamailio') return NONE;
  const loaded = new Set(modules.map((each) => each.name));
  const hidden = OF_MODULES.filter(([module]) => !loaded.has(module)).flatMap(([, names]) => names);
  return new Set([...hidden, ...(later ? [] : UNSUPPORTED)]);
}
