import { SWITCH_WORDS } from '../../core/switch-words.js';
import type { GlobalParameter } from '../ast.js';

/** Parameters of Kamailio's core that scripts can read, with their defaults; observed with 5.6.3. */
const CORE: ReadonlyMap<string, number> = new Map(
  `debug=0 memdbg=4 dst_blocklist_expire=60 dst_blocklist_udp_imask=0 dst_blocklist_tcp_imask=0 dst_blocklist_tls_imask=0
    dst_blocklist_sctp_imask=0 dns_try_naptr=0 dns_udp_pref=30 dns_tcp_pref=20 dns_tls_pref=10 dns_sctp_pref=20 dns_retr_time=-1
    dns_slow_query_ms=0 dns_retr_no=-1 dns_servers_no=-1 dns_use_search_list=1 dns_search_full_match=1 dns_naptr_ignore_rfc=1
    dns_cache_flags=0 dns_srv_lb=0 dns_cache_negative_ttl=60 dns_cache_min_ttl=0 dns_cache_max_ttl=-1 dns_cache_del_nonexp=0
    dns_cache_rec_pref=0 mem_dump_pkg=0 max_while_loops=100 udp_mtu=0 udp_mtu_try_proto=0 udp4_raw_mtu=1500 force_rport=0 memlog=4
    mem_summary=12 mem_safety=1 mem_join=1 mem_status_mode=0 sip_parser_log_oneline=0 sip_parser_log=-1 corelog=-1 latency_cfg_log=3
    latency_log=-1 latency_limit_db=0 latency_limit_action=0 latency_limit_cfg=0 pv_cache_limit=2048 pv_cache_action=0`
    .split(/\s+/)
    .map((each) => each.split('='))
    .map(([name = '', value]) => [name, Number(value)]),
);

/**
 * The value of "group.name": a parameter that the file defines itself, or "core.name" of Kamailio's core. Undefined for
 * one that does not exist or that the core does not show.
 */
export function settingValue(path: string, parameters: readonly GlobalParameter[]): string | number | undefined {
  const core = path.startsWith('core.') ? path.slice('core.'.length) : undefined;
  if (core !== undefined && !CORE.has(core)) return undefined;
  const value = parameters.findLast(({ name }) => name === (core ?? path))?.value;
  if (value === undefined) return core === undefined ? undefined : CORE.get(core);
  if (value.kind !== 'word') return value.value;
  const on = SWITCH_WORDS.get(value.text.toLowerCase());
  return on === undefined ? value.text : Number(on);
}
