import type { GlobalParameter, SettingValue } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import type { Problems } from '../cfg/problem.js';
import { SWITCH_WORDS } from '../core/switch-words.js';
import { FACILITY } from '../modules/log.js';
import { plainValue } from './parameters.js';

/** The type of a parameter's value. */
type Kind =
  /** A number without a sign, or yes and no for 1 and 0. */
  | 'count'
  /** Like a count, but a sign may stand before the number. */
  | 'number'
  /** A string in quotes. */
  | 'string'
  /** A string in quotes or a word. */
  | 'word'
  /** A syntax of its own, or a parameter of earlier versions. */
  | 'other';

interface Parameter {
  readonly kind: Kind;
  /** Introduced between 5.7 and 6.1. */
  readonly later: boolean;
}

/** Parameters of Kamailio's core, as observed with 5.6.3; later ones by the core cookbooks. */
const PARAMETERS: ReadonlyMap<string, Parameter> = new Map([
  ...named(
    'count',
    false,
    `advertised_port async_nonblock async_usleep async_workers auto_aliases auto_bind_ipv6 bind_ipv6_link_local check_via children
    disable_core_dump disable_sctp disable_tcp disable_tls dns dns_cache_del_nonexp dns_cache_delete_nonexpired dns_cache_flags
    dns_cache_gc_interval dns_cache_init dns_cache_max_ttl dns_cache_mem dns_cache_min_ttl dns_cache_negative_ttl dns_cache_rec_pref
    dns_naptr_ignore_rfc dns_retr_no dns_retr_time dns_search_full_match dns_servers_no dns_srv_lb dns_srv_loadbalancing dns_try_ipv6
    dns_try_naptr dns_use_search_list dst_blocklist_expire dst_blocklist_gc_interval dst_blocklist_init dst_blocklist_mem
    dst_blocklist_udp_imask enable_sctp enable_tls exit_timeout force_rport fork fork_delay http_reply_hack http_reply_parse
    latency_limit_action latency_limit_cfg latency_limit_db local_rport log_color log_prefix_mode log_stderror max_branches max_recursive_level
    max_while_loops maxbuffer mcast_loopback mcast_ttl mhomed mlock_pages modinit_delay msg_time onsend_route_reply open_files_limit phone2tel
    pmtu_discovery port pv_buffer_size pv_buffer_slots pv_cache_action pv_cache_limit real_time reply_to_via rev_dns route_locks_size rt_policy
    rt_prio rt_timer1_policy rt_timer1_prio rt_timer2_policy rt_timer2_prio sctp_children ser_kill_timeout server_id server_signature shm
    shm_force_alloc shm_mem_size sip_warning socket_workers sql_buffer_size tcp_accept_aliases tcp_accept_haproxy tcp_accept_hep3
    tcp_accept_no_cl tcp_accept_unique tcp_async tcp_buf_write tcp_children tcp_clone_rcvbuf tcp_conn_wq_max tcp_connection_match tcp_crlf_ping
    tcp_defer_accept tcp_delayed_ack tcp_fd_cache tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl tcp_linger2 tcp_max_connections
    tcp_no_connect tcp_rd_buf_size tcp_reuse_port tcp_syncnt tcp_wq_blk_size tcp_wq_max tls_disable tls_enable tls_log tls_max_connections
    tls_port_no tlslog udp4_raw_mtu udp4_raw_ttl udp_mtu use_dns_cache use_dns_failover use_dst_blocklist verbose_startup wait_worker1_mode
    wait_worker1_time wait_worker1_usleep`,
  ),
  ...named(
    'number',
    false,
    `corelog debug dns_sctp_pref dns_sctp_preference dns_tcp_pref dns_tcp_preference dns_tls_pref dns_tls_preference dns_udp_pref
    dns_udp_preference ip_free_bind ip_nonlocal_bind ipfreebind latency_cfg_log latency_log mem_dbg mem_join mem_log mem_safety mem_status_mode
    mem_summary memdbg memlog received_route_mode sip_parser_log sip_parser_log_oneline sip_parser_mode tcp_connect_timeout
    tcp_connection_lifetime tcp_script_mode tcp_send_timeout tcp_wait_data udp4_raw`,
  ),
  ...named(
    'string',
    false,
    `async_workers_group cfgengine hdr_name_extra_chars ipv6_hex_style loadpath log_engine_data log_engine_type log_name log_prefix mpath
    server_header stats_name_separator uri_host_extra_chars user_agent_header version_table xavp_via_fields xavp_via_params`,
  ),
  ...named('word', false, 'chroot gid group mcast rundir run_dir uid user wdir workdir'),
  ...named(
    'other',
    false,
    `modules_path stun_refresh_interval stun_allow_stun stun_allow_fp use_dst_blacklist dst_blacklist_init dst_blacklist_mem
    dst_blacklist_expire dst_blacklist_gc_interval dst_blacklist_udp_imask max_tcp_connections max_tls_connections
    advertised_address tos log_facility poll_method tcp_poll_method udp_mtu_try_proto tcp_source_ipv4 tcp_source_ipv6 listen alias
    bind`,
  ),
  ...named(
    'count',
    true,
    `auto_domains dns_rev_via dns_use_cache dns_use_failover maxsndbuffer mem_add_size msg_recv_max_size return_mode rpc_exec_delta
    tcp_accept_iplimit tcp_check_timer tcp_main_threads tcp_msg_data_timeout tcp_msg_read_timeout tls_threads_mode udp_receiver_mode`,
  ),
  ...named('string', true, 'async_tkv_evcb async_tkv_gname xavp_via_reply_params'),
  ...named('other', true, 'socket domain'),
]);

function named(kind: Kind, later: boolean, names: string): [string, Parameter][] {
  return names.split(/\s+/).map((name) => [name, { kind, later }]);
}

/** The message for an unknown parameter: suggests a similar name, or says which version introduced it. */
function unknown(name: string, { later }: Dialect, problems: Problems): string {
  if (PARAMETERS.has(name)) return `unknown parameter "${name}": it needs Kamailio 5.7 or later`;
  const names = () => [...PARAMETERS].flatMap(([each, parameter]) => (later || !parameter.later ? [each] : []));
  const meant = problems.similar(name, names);
  return `unknown parameter "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/** The type of a parameter; undefined for an unknown one, and for variables of modules ("tm.fr_timer"). */
function kindOf(name: string, { later }: Dialect): Kind | undefined {
  const parameter = PARAMETERS.get(name);
  if (parameter !== undefined) return later || !parameter.later ? parameter.kind : undefined;
  return /^kemi\.\w+_callback$/.test(name) ? 'string' : undefined;
}

/** Why Kamailio refuses a parameter; undefined when it accepts it. */
export function kamailioGlobalFault(
  { name, value }: GlobalParameter,
  dialect: Dialect,
  problems: Problems,
): string | undefined {
  const { later } = dialect;
  const kind = kindOf(name, dialect);
  if (kind === undefined && !name.includes('.')) return unknown(name, dialect, problems);
  if (value === undefined) return undefined;
  const isNumber = isNumberOrSwitch(value);
  const negative = isNumber && value.kind === 'int' && value.text.startsWith('-');
  switch (kind) {
    case 'number':
      return isNumber ? undefined : `parameter "${name}" must be a number`;
    case 'count':
      if (!isNumber || (negative && !later))
        return `parameter "${name}" must be ${later ? '' : 'yes, no or '}a number${later ? '' : ' without a sign'}`;
      return name === 'max_branches' ? branchesFault(value) : undefined;
    case 'string':
      return value.kind === 'string' ? undefined : `parameter "${name}" must be a string in quotes`;
    case 'word': {
      const good = value.kind === 'string' || (value.kind === 'word' && isName(value.text) && !isNumber);
      return good ? undefined : `parameter "${name}" must be a string in quotes or a name`;
    }
    case 'other':
      return ownSyntaxFault(name, value, isNumber && !negative);
    case undefined: {
      const good = value.kind === 'string' || (isNumber && !negative);
      return good ? undefined : `variable "${name}" must be a number without a sign or a string in quotes`;
    }
  }
}

/** What is wrong with the value of a parameter that has a syntax of its own. */
function ownSyntaxFault(name: string, value: SettingValue, isCount: boolean): string | undefined {
  const word = value.kind === 'word' ? value.text : '';
  switch (name) {
    case 'tos':
      return isCount || isName(word) ? undefined : 'parameter "tos" must be a number or a name such as IPTOS_LOWDELAY';
    case 'log_facility':
      return FACILITY.test(word)
        ? undefined
        : 'parameter "log_facility" must be the name of a facility, for example LOG_LOCAL0';
    case 'udp_mtu_try_proto':
      return /^(?:udp|tcp|tls|sctp|\*)$/i.test(word)
        ? undefined
        : 'parameter "udp_mtu_try_proto" must be UDP, TCP, TLS or SCTP';
    default:
      return undefined;
  }
}

function branchesFault(value: SettingValue): string | undefined {
  const count =
    value.kind === 'int' ? value.value : SWITCH_WORDS.get(String(plainValue(value)).toLowerCase()) === true ? 1 : 0;
  return count >= 1 && count < 32 ? undefined : 'parameter "max_branches" must be between 1 and 31';
}

function isNumberOrSwitch(value: SettingValue): boolean {
  return value.kind === 'int' || (value.kind === 'word' && SWITCH_WORDS.has(value.text.toLowerCase()));
}

function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** What is wrong with an alias. */
export function kamailioAliasFault(value: SettingValue): string | undefined {
  if (value.kind !== 'word' || value.text.includes('[') || /^(?:\w+:)?[0-9a-f]*:[0-9a-f:]*:/i.test(value.text))
    return undefined;
  const text = value.text.replace(/^(?:udp|tcp|tls|ws|wss|sctp):/i, '');
  // As observed, "*" may stand for the port, which is any, and for the host, which is none.
  if (/^\*:\d+$/.test(text) && text === value.text) return undefined;
  if (!/^[\w(](?:.*[^.])?$/.test(text) || /^(?:udp|tcp|tls|ws|wss|sctp|\*)$/i.test(text))
    return 'the name or address of a host is expected';
  return /:(?!(?:\d+|\*)\)?$)/.test(text) ? 'the number of a port is expected after the colon' : undefined;
}
