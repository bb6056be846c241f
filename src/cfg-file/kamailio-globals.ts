import type { GlobalParameter } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import { nearest } from '../core/nearest.js';
import { plainValue } from './parameters.js';

/** Numeric parameters of Kamailio's core (yes and no count as 1 and 0), observed with 5.6.3. */
const NUMBERS: ReadonlySet<string> = new Set(
  `advertised_port async_nonblock async_usleep async_workers auto_aliases bind_ipv6_link_local check_via children corelog debug
    disable_core_dump disable_sctp disable_tcp disable_tls dns dns_cache_del_nonexp dns_cache_flags dns_cache_gc_interval dns_cache_init
    dns_cache_max_ttl dns_cache_mem dns_cache_min_ttl dns_cache_negative_ttl dns_cache_rec_pref dns_naptr_ignore_rfc dns_retr_no dns_retr_time
    dns_sctp_pref dns_search_full_match dns_servers_no dns_srv_lb dns_srv_loadbalancing dns_tcp_pref dns_tls_pref dns_try_ipv6 dns_try_naptr
    dns_udp_pref dns_use_search_list dst_blocklist_expire dst_blocklist_gc_interval dst_blocklist_init dst_blocklist_mem
    dst_blocklist_udp_imask enable_sctp enable_tls exit_timeout force_rport fork fork_delay http_reply_hack http_reply_parse ip_free_bind
    latency_cfg_log latency_limit_action latency_limit_cfg latency_limit_db latency_log local_rport log_color log_prefix_mode log_stderror
    max_branches max_recursive_level max_while_loops maxbuffer mcast_loopback mcast_ttl mem_dbg mem_join mem_safety mem_status_mode
    mem_summary memdbg memlog mhomed mlock_pages modinit_delay msg_time onsend_route_reply open_files_limit phone2tel pmtu_discovery port
    pv_buffer_size pv_buffer_slots pv_cache_action pv_cache_limit reply_to_via rev_dns route_locks_size rt_policy rt_prio rt_timer1_policy
    rt_timer1_prio rt_timer2_policy rt_timer2_prio sctp_children ser_kill_timeout server_id server_signature shm_force_alloc shm shm_mem_size
    sip_parser_log sip_parser_log_oneline sip_parser_mode sip_warning socket_workers sql_buffer_size tcp_accept_aliases tcp_accept_haproxy
    tcp_accept_hep3 tcp_accept_no_cl tcp_accept_unique tcp_async tcp_buf_write tcp_children tcp_clone_rcvbuf tcp_conn_wq_max
    tcp_connect_timeout tcp_connection_lifetime tcp_connection_match tcp_crlf_ping tcp_defer_accept tcp_delayed_ack tcp_fd_cache tcp_keepalive
    tcp_keepcnt tcp_keepidle tcp_keepintvl tcp_linger2 tcp_max_connections tcp_no_connect tcp_rd_buf_size tcp_reuse_port tcp_script_mode tcp_send_timeout tcp_syncnt
    dns_cache_delete_nonexpired dns_sctp_preference dns_tcp_preference dns_tls_preference dns_udp_preference ipfreebind ip_nonlocal_bind
    mem_log received_route_mode tls_disable tls_enable tlslog tcp_wait_data tcp_wq_blk_size tcp_wq_max tls_log tls_max_connections tls_port_no udp4_raw udp4_raw_mtu udp4_raw_ttl udp_mtu use_dns_cache
    use_dns_failover use_dst_blocklist verbose_startup wait_worker1_mode wait_worker1_time wait_worker1_usleep real_time auto_bind_ipv6`.split(
    /\s+/,
  ),
);

/** Numbers and strings introduced between 5.7 and 6.1, by the core cookbooks. */
const LATER_NUMBERS: ReadonlySet<string> = new Set(
  `auto_domains dns_rev_via dns_use_cache dns_use_failover maxsndbuffer mem_add_size msg_recv_max_size return_mode rpc_exec_delta
    tcp_accept_iplimit tcp_check_timer tcp_main_threads tcp_msg_data_timeout tcp_msg_read_timeout tls_threads_mode udp_receiver_mode`.split(
    /\s+/,
  ),
);
const LATER_STRINGS: ReadonlySet<string> = new Set(['async_tkv_evcb', 'async_tkv_gname', 'xavp_via_reply_params']);

/** Parameters that are strings in quotes. */
const STRINGS: ReadonlySet<string> = new Set(
  `async_workers_group cfgengine hdr_name_extra_chars log_engine_data log_engine_type log_name log_prefix server_header stats_name_separator
    uri_host_extra_chars user_agent_header version_table xavp_via_fields xavp_via_params`.split(/\s+/),
);

/** Parameters that are a string or a bare word, and those with a syntax of their own. */
const OTHERS: ReadonlySet<string> = new Set(
  `mpath loadpath modules_path stun_refresh_interval stun_allow_stun stun_allow_fp use_dst_blacklist dst_blacklist_init dst_blacklist_mem
    dst_blacklist_expire dst_blacklist_gc_interval dst_blacklist_udp_imask max_tcp_connections max_tls_connections
    gid group mcast run_dir rundir uid user wdir workdir chroot
    advertised_address tos log_facility poll_method tcp_poll_method ipv6_hex_style udp_mtu_try_proto tcp_source_ipv4 tcp_source_ipv6 listen
    alias bind`.split(/\s+/),
);

/** Parameters with a syntax of their own that 5.7 introduced. */
const LATER_OTHERS: ReadonlySet<string> = new Set(['socket', 'domain']);

/** The message for an unknown parameter: suggests a similar name, or says which version introduced it. */
function unknown(name: string, { later }: Dialect): string {
  if (!later && [LATER_NUMBERS, LATER_STRINGS, LATER_OTHERS].some((each) => each.has(name))) {
    return `unknown parameter "${name}": it needs Kamailio 5.7 or later`;
  }
  const names = [
    ...NUMBERS,
    ...STRINGS,
    ...OTHERS,
    ...(later ? [...LATER_NUMBERS, ...LATER_STRINGS, ...LATER_OTHERS] : []),
  ];
  const meant = nearest(name, names);
  return `unknown parameter "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/** Why Kamailio refuses a parameter of its core; undefined when it accepts it, or when it is a "group.name". */
export function kamailioGlobalFault({ name, value }: GlobalParameter, dialect: Dialect): string | undefined {
  if (name.includes('.')) return undefined;
  const isNumber = NUMBERS.has(name) || (dialect.later && LATER_NUMBERS.has(name));
  const isString = STRINGS.has(name) || (dialect.later && LATER_STRINGS.has(name));
  const isOther = OTHERS.has(name) || (dialect.later && LATER_OTHERS.has(name));
  if (!isNumber && !isString && !isOther) return unknown(name, dialect);
  if (value === undefined) return undefined;
  const plain = plainValue(value);
  if (isNumber) {
    const good =
      typeof plain === 'number' ||
      (value.kind === 'word' && /^(?:yes|no|true|false|on|off|enable|disable)$/i.test(plain));
    return good ? undefined : `parameter "${name}" must be a number`;
  }
  if (isString && value.kind !== 'string') return `parameter "${name}" must be a string in quotes`;
  return undefined;
}
