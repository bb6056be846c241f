import type { ConfigurationTree } from '../../cfg/ast.js';
import type { Dialect } from '../../cfg/dialect.js';
import { mediaRelayVariables } from '../../modules/media-relay/variables.js';
import { tlsVariables } from '../../modules/tls.js';

/** Variables of OpenSIPS 3 that exist only when their module is loaded. */
const OF_MODULES: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['json', ['json', 'json_pretty', 'json_compact', 'json_compact_noescape']],
  ['statistics', ['stat']],
  ['cfgutils', ['env', 'shv', 'RANDOM', 'ctime']],
  ['uuid', ['uuid']],
  ['sql_cacher', ['sql_cached_value']],
  ['tls_mgm', tlsVariables('opensips').map(([name]) => name)],
  ['topology_hiding', ['TH_callee_callid']],
  ['stir_shaken', ['identity']],
  ['rr', ['rr_params']],
  ['rtpengine', ['rtpstat', 'rtpquery']],
  ['rtp_relay', mediaRelayVariables.map(([name]) => name)],
  [
    'tm',
    [
      'bavp',
      'T_id',
      'T_branch_idx',
      'T_branch_last_reply_code',
      'T_reply_code',
      'T_ruri',
      'T_fr_timeout',
      'T_fr_inv_timeout',
    ],
  ],
  ['ratelimit', ['rl_count']],
  ['benchmark', ['BM_time_diff']],
  ['nat_traversal', ['source_uri', 'keepalive.socket']],
  ['mqueue', ['mqk', 'mqv', 'mq_size']],
  ['acc', ['acc_extra', 'acc_leg', 'acc_current_leg']],
  [
    'dialog',
    [
      ...[
        'DLG_count',
        'DLG_ctx_json',
        'DLG_did',
        'DLG_dir',
        'DLG_end_reason',
        'DLG_flags',
        'DLG_json',
        'DLG_lifetime',
        'DLG_status',
        'DLG_timeout',
      ],
      'dlg_val',
    ],
  ],
];

/** Names that JavaScript routes and rules, kamailio.cfg or older files know and OpenSIPS 3 does not. */
const UNSUPPORTED = ['hdr_cnt', 'T_reply_reason', 'bR'];

const NONE: ReadonlySet<string> = new Set();

/** Variables that a file for OpenSIPS 3 or later cannot use, since their module is not loaded. */
export function hiddenVariables({ name, generation }: Dialect, { modules }: ConfigurationTree): ReadonlySet<string> {
  if (name !== 'opensips' || generation < 3) return NONE;
  const loaded = new Set(modules.map((each) => each.name));
  const hidden = OF_MODULES.filter(([module]) => !loaded.has(module)).flatMap(([, names]) => names);
  return new Set([...hidden, ...UNSUPPORTED, ...(generation > 3 ? ['br'] : [])]);
}
