/** Type of a global parameter's value. */
export type GlobalType = 'number' | 'string' | 'switch' | 'any';

/** A global parameter of OpenSIPS. */
export interface GlobalDefinition {
  readonly type: GlobalType;
  /** First and last version that has the parameter, as major * 10 + minor. */
  readonly since: number;
  readonly until: number;
  /** Its present name, or a text that says what replaced it. */
  readonly instead: string | undefined;
}

/**
 * Global parameters of OpenSIPS 1.6 to 4.1, from the documentation of its core. "name:n" takes a number, ":s" a string
 * in quotes, ":b" yes or no, ":a" anything; "@31" introduced in 3.1, "!24" last in 2.4, "=name" its present name.
 */
const TABLE = `
  abort_on_assert:b advertised_address:a advertised_port:a alias:a auto_aliases:b auto_scaling_cycle:n@30 auto_scaling_profile:a@30 check_via:b chroot:a debug_mode:b@22 db_version_table:s
  db_default_url:s db_max_async_connections:n disable_503_translation:b disable_core_dump:b disable_dns_blacklist:b disable_dns_failover:b disable_stateless_fwd:b dns:b rev_dns:b
  dns_retr_time:n dns_retr_no:n dns_servers_no:n dns_try_ipv6:b dns_try_naptr:b dns_use_search_list:b dst_blacklist:a enable_asserts:b event_pkg_threshold:n event_shm_threshold:n
  exec_dns_threshold:n exec_msg_threshold:n log_event_enabled:b@34 log_event_level_filter:n@34 log_json_buf_size:n@34 log_msg_buf_size:n@34 log_level:n@22 log_prefix:s log_stdout:b
  max_while_loops:n maxbuffer:n mcast_loopback:b mcast_ttl:n mem-group:a mem_group:a mem_warming:b mem_warming_enabled:b mem_warming_percentage:n mem_warming_pattern_file:s memdump:n mem_dump:n
  memlog:n mem_log:n mhomed:b mpath:s open_files_limit:n poll_method:a pv_print_buf_size:n query_buffer_size:n query_flush_time:n restart_persistency_cache_file:s
  restart_persistency_size:n server_header:s server_signature:b shm_hash_split_percentage:n shm_memlog_size:n shm_secondary_hash_size:n sip_warning:b socket:a@31 stderror_enabled:b@34
  stderror_level_filter:n@34 stderror_log_format:s@34 syslog_enabled:b@34 syslog_facility:a@34 syslog_level_filter:n@34 syslog_log_format:s@34 syslog_name:s@34 tcp_accept_aliases:b
  tcp_connect_timeout:n tcp_connection_lifetime:n tcp_keepalive:b tcp_keepcount:n tcp_keepidle:n tcp_keepinterval:n tcp_max_connections:n tcp_max_msg_time:n tcp_no_new_conn_bflag:a
  tcp_no_new_conn_rplflag:a tcp_parallel_read_on_workers:b@33 tcp_socket_backlog:n@31 tcp_threshold:n tcp_workers:a@30 timer_workers:n@30 tos:a udp_workers:a@30 user_agent_header:s
  wdir:a xlog_buf_size:n xlog_force_color:b xlog_print_level:n xlog_level:n@24 uid:a user:a gid:a group:a exec_msg_stats:b reply_to_via:b tcp_listen_backlog:n!32
  ssl_engine:s shm_assoc_count:n pkg_mem_size:n shm_mem_size:n server_id:n cluster_id:n tcp_parallel_handling:b sl_fwd_disabled:b user_agent:s tcp_accept_haproxy:b
  trust_received_hosts:b allowed_dns:a anycast:a ipv6_reply:b tcp_fin_timeout:n@34
  listen:a!30=socket children:n!24=udp_workers tcp_children:n!24=tcp_workers debug:n!22=log_level fork:b!21=debug_mode log_stderror:b!33=stderror_enabled log_facility:a!33=syslog_facility
  log_name:s!33=syslog_name port:n!24=socket disable_tcp:b!24 disable_tls:b!24 sock_mode:a!24 bin_listen:a!24 bin_children:n!24 sctp_children:n!24 disable_sctp:b!24 avp_aliases:s!24
  tls_method:a!24 tls_verify_server:b!24 tls_verify_client:b!24 tls_require_client_certificate:b!24 tls_certificate:s!24 tls_private_key:s!24 tls_ca_list:s!24 tls_ca_dir:s!24 tls_ciphers_list:s!24
  tls_client_domain_avp:s!24 tls_handshake_timeout:n!24 tls_send_timeout:n!24 tls_port_no:n!24 tls_server_domain:a!24 tls_client_domain:a!24 tls_crl_check_all:b!24 tls_crl_dir:s!24 tls_dh_params:s!24 tls_ec_curve:s!24
  tcp_send_timeout:n!24 tcp_max_msg_chunks:n!24 tcp_crlf_pingpong:b!24 tcp_async:b!24 tcp_max_msg_size:n!24 tcp_crlf_drop:b!24 tcp_poll_method:a!24 fork_delay:n!24 phone2tel:b!24 loose_route:b!24 unix_sock:a!24 fifo:a!24
  local_rport:b!24 dns_srv_lb:b!24 dst_blacklist_init:b!24 max_recursive_level:n!24 sip_warn:b!24 append_branches:b!24 enable_tls:b!24 mcast:a!24 cfg_line:a!24 cfg_file:a!24 async_workers:n timer_partitions:n`;

const TYPES: Readonly<Record<string, GlobalType>> = { n: 'number', s: 'string', b: 'switch', a: 'any' };

/** The parsed table, made on first use. */
let parsed: ReadonlyMap<string, GlobalDefinition> | undefined;

/** Global parameters of OpenSIPS by name. */
export function opensipsGlobals(): ReadonlyMap<string, GlobalDefinition> {
  parsed ??= new Map(
    TABLE.trim()
      .split(/\s+/)
      .map((each): [string, GlobalDefinition] => {
        const [, name = '', type = 'a', since = '0', until = '99', instead] =
          /^([\w-]+):([nsba])(?:@(\d+))?(?:!(\d+))?(?:=(\w+))?$/.exec(each) ?? [];
        return [name, { type: TYPES[type] ?? 'any', since: Number(since), until: Number(until), instead }];
      }),
  );
  return parsed;
}

/** For example "3.1" for 31. */
export function versionText(version: number): string {
  return `${Math.floor(version / 10)}.${version % 10}`;
}
