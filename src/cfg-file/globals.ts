import type { GlobalParameter, SettingValue } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import type { Problems } from '../cfg/problem.js';
import { parseSocket } from '../config/socket.js';
import { messageOf } from '../core/errors.js';
import type { TransportName } from '../core/uri.js';
import type { HostAlias } from '../script/environment.js';
import { kamailioGlobalFault } from './kamailio-globals.js';
import { FileBlacklists } from './opensips/blacklists.js';
import { opensipsGlobals } from './opensips/globals.js';
import { plainValue } from './parameters.js';

/** What the head of a file says, besides its modules. */
export interface GlobalSettings {
  /** Sockets as switchyard.json writes them. */
  readonly listen: string[];
  readonly aliases: HostAlias[];
  advertised: string | undefined;
  advertisedPort: string | undefined;
  /** Level of the log as the file names it. */
  logLevel: number;
  xlogLevel: number | undefined;
  maxWhileLoops: number | undefined;
  serverSignature: boolean;
  serverHeader: string | undefined;
  userAgentHeader: string | undefined;
  sipWarning: boolean;
  onsendReply: boolean;
  disable503: boolean;
  disableStatelessForward: boolean;
  forceRport: boolean;
  /** log_prefix of Kamailio: variables in it are read for each line. */
  linePrefix: string | undefined;
  defaultDbUrl: string | undefined;
  /** log_prefix of OpenSIPS. */
  logPrefix: string;
  /** assert() is looked at. */
  asserts: boolean;
  /** dst_blacklist of OpenSIPS. */
  readonly blacklists: FileBlacklists;
  /** "group.name" variables of Kamailio, for $sel(cfg_get...). */
  readonly groups: Map<string, string | number>;
  /** Certificate settings of the core (Kamailio's tls module has its own). */
  readonly defines: Map<string, string | number>;
}

/** Parameters that are accepted and mean nothing here: processes, memory, buffers, and what a single process does by itself. */
const WITHOUT_EFFECT = new Set(
  `children fork fork_delay group user uid gid chroot wdir workdir tcp_children udp_workers tcp_workers timer_workers socket_workers
  async_workers async_tkv_evcb auto_scaling_profile auto_scaling_cycle mlock_pages real_time rt_prio rt_policy rt_timer1_prio rt_timer1_policy
  rt_timer2_prio rt_timer2_policy shm_memlog_size shm_hash_split_percentage shm_secondary_hash_size pkg_mem_size shm_mem_size mem_join mem_safety
  mem_add_size mem_status_mode memlog mem_dbg memdump mem_warming mem_warming_enabled mem_warming_pattern_file mem_warming_percentage mem-group
  maxbuffer maxsndbuffer rcv_buf open_files_limit disable_core_dump abort_on_assert exec_dns_threshold exec_msg_threshold latency_log latency_cfg_log
  latency_limit_db latency_limit_action tcp_threshold dns rev_dns dns_try_ipv6 dns_try_naptr dns_use_search_list dns_retr_time dns_retr_no dns_servers_no
  dns_cache_init dns_use_cache use_dns_cache dns_cache_flags dns_cache_negative_ttl dns_cache_min_ttl dns_cache_max_ttl dns_cache_mem dns_cache_gc_interval
  dns_cache_del_nonexp dns_cache_rec_pref dns_naptr_ignore_rfc dns_sctp_pref dns_tcp_pref dns_tls_pref dns_udp_pref dns_search_full_match
  use_dns_failover dns_srv_lb dns_srv_loadbalancing disable_dns_failover disable_dns_blacklist dst_blacklist_init use_dst_blacklist dst_blacklist_mem
  dst_blacklist_expire dst_blacklist_gc_interval dst_blacklist_udp_imask dst_blacklist_tcp_imask check_via phone2tel reply_to_via sip_parser_log sip_parser_mode
  log_stderror log_facility log_name log_prefix log_prefix_mode log_color log_engine_type log_engine_data stderror_enabled syslog_enabled syslog_facility syslog_name
  syslog_level stderror_level stderror_level_filter syslog_level_filter log_stdout log_event_enabled log_event_level_filter log_json_buf_size log_msg_buf_size
  log_facility_json log_prefix_enabled xlog_buf_size xlog_force_color xlog_print_level xlog_default_level corelog latency
  tcp_accept_aliases tcp_async tcp_connection_lifetime tcp_connect_timeout tcp_con_lifetime tcp_conn_wq_max tcp_crlf_ping tcp_keepalive tcp_keepcount
  tcp_keepidle tcp_keepinterval tcp_keepinterval tcp_linger2 tcp_max_connections tcp_max_msg_time tcp_max_msg_chunks tcp_no_connect tcp_no_new_conn_bflag
  tcp_no_new_conn_rplflag tcp_poll_method tcp_rd_buf_size tcp_send_timeout tcp_source_ipv4 tcp_source_ipv6 tcp_wq_blk_size tcp_wq_max tcp_accept_no_cl
  tcp_accept_hep3 tcp_accept_haproxy tcp_clone_rcvbuf tcp_connection_match tcp_reuse_port tcp_script_mode tcp_accept_iplimit tcp_check_timer tcp_delayed_ack
  tcp_fd_cache tcp_defer_accept tcp_syncnt tcp_parallel_handling tcp_parallel_read_on_workers tcp_socket_backlog tcp_use_async tcp_max_open_conns
  tcp_wait_data tcp_event_rcv tcp_event_loops tcp_ev_loop tcp_main_threads tls_max_connections disable_tcp disable_tls enable_tls enable_sctp disable_sctp sctp_children
  pmtu_discovery poll_method mhomed mcast mcast_loopback mcast_ttl tos udp4_raw udp4_raw_mtu udp4_raw_ttl udp_mtu udp_mtu_try_proto udp_receiver_mode ipv6_hex_style
  auto_aliases auto_bind_ipv6 bind_ipv6_link_local sdp_get_ip_set statistics stats_name_separator enable_asserts enable_rtp_event
  version_table version_table_name cfgengine kemi max_recursive_level modinit_delay msg_time mdb max_while_loops_error onsend_route_reply
  mpath loadpath modules_path query_buffer_size query_flush_time db_version_table db_max_async_connections db_max_consec_retrys cluster_id server_id shv_xavp
  debug_mode dbg_level local_rport_flag local_rport tcp_linger pv_buffer_size pv_buffer_slots pv_print_buf_size pv_cache_limit pv_cache_action exit_timeout
  http_reply_parse http_reply_hack ip_free_bind uri_host_extra_chars hdr_name_extra_chars rpc_exec_delta stun_refresh_interval stun_allow_stun stun_allow_fp
  advertise_tos advertised_ip udp_probe mem_join_mode restart_persistency_cache_file restart_persistency_size restart_persistency disable_stateless_replies
  avp_aliases db_dbname fifo fifo_db_url sip_msg_lump_buf evrexec sl_fwd_disabled aliases_mode xavp_via_params xavp_via_fields xavp_via_reply_params
  timer_partition corelog_limit latency_log_time route_locks_size wait_worker1_mode wait_worker1_time wait_worker1_usleep async_nonblock async_usleep
  trace_to_database tls_ca_list force_tcp_alias warning_server_uri anycast_wait server_persistency`.split(/\s+/),
);

/** Reads the global parameters. Problems are added to `problems`. */
export function readGlobals(
  parameters: readonly GlobalParameter[],
  dialect: Dialect,
  problems: Problems,
  noted: (parameter: GlobalParameter) => void,
): GlobalSettings {
  const out: GlobalSettings = {
    listen: [],
    aliases: [],
    advertised: undefined,
    advertisedPort: undefined,
    logLevel: dialect.name === 'kamailio' ? 2 : 3,
    xlogLevel: undefined,
    maxWhileLoops: undefined,
    serverSignature: true,
    serverHeader: undefined,
    userAgentHeader: undefined,
    sipWarning: false,
    onsendReply: false,
    disable503: false,
    disableStatelessForward: false,
    forceRport: false,
    linePrefix: undefined,
    defaultDbUrl: undefined,
    logPrefix: '',
    asserts: true,
    blacklists: new FileBlacklists(),
    groups: new Map(),
    defines: new Map(),
  };
  let port: string | undefined;
  const bare: GlobalParameter[] = [];
  for (const parameter of parameters) {
    const { name, value, at } = parameter;
    const plain = value === undefined ? '' : plainValue(value);
    if (name.includes('.')) {
      out.groups.set(name, plain);
      continue;
    }
    const fault = dialect.name === 'kamailio' ? kamailioGlobalFault(parameter, dialect) : undefined;
    if (fault !== undefined) {
      problems.error('setting', at, fault);
      continue;
    }
    switch (name) {
      case 'listen':
      case 'socket':
      case 'bind':
        bare.push(parameter);
        break;
      case 'port':
        port = String(plain);
        break;
      case 'alias':
        for (const each of [value, ...parameter.rest])
          if (each !== undefined) out.aliases.push(aliasOf(String(plainValue(each))));
        break;
      case 'advertised_address':
        out.advertised = String(plain);
        break;
      case 'advertised_port':
        out.advertisedPort = String(plain);
        break;
      case 'debug':
      case 'log_level':
        out.logLevel = Number(plain);
        break;
      case 'xlog_level':
        out.xlogLevel = Number(plain);
        break;
      case 'max_while_loops':
        out.maxWhileLoops = Number(plain);
        break;
      case 'server_signature':
        out.serverSignature = isOn(plain);
        break;
      case 'server_header':
        out.serverHeader = String(plain);
        break;
      case 'user_agent_header':
        out.userAgentHeader = String(plain);
        break;
      case 'sip_warning':
        out.sipWarning = isOn(plain);
        break;
      case 'onsend_route_reply':
        out.onsendReply = isOn(plain);
        break;
      case 'disable_503_translation':
        out.disable503 = isOn(plain);
        break;
      case 'disable_stateless_fwd':
        out.disableStatelessForward = isOn(plain);
        break;
      case 'force_rport':
        out.forceRport = isOn(plain);
        break;
      case 'log_prefix':
        if (dialect.name === 'opensips') out.logPrefix = String(plain);
        else out.linePrefix = String(plain);
        break;
      case 'enable_asserts':
        out.asserts = isOn(plain);
        break;
      case 'dst_blacklist': {
        const wrong = out.blacklists.define([value, ...parameter.rest].map((each) => plainText(each)).join(''));
        if (wrong !== undefined) problems.error('setting', at, `dst_blacklist: ${wrong}`);
        break;
      }
      case 'db_default_url':
        out.defaultDbUrl = String(plain);
        break;
      default:
        if (dialect.name === 'kamailio' || opensipsGlobals().has(name)) noted(parameter);
    }
  }
  const shown = dialect.name === 'opensips' ? out.advertisedPort : undefined;
  for (const parameter of bare)
    listenOn(parameter, port, shown === undefined ? undefined : [out.advertised, shown], out, problems);
  if (out.listen.length === 0) out.listen.push(`udp:127.0.0.1:${port ?? '5060'}`);
  return out;
}

function plainText(value: SettingValue | undefined): string {
  return value === undefined ? '' : value.kind === 'string' ? JSON.stringify(value.value) : value.text;
}

/** "udp:host:port advertise host:port name "x" use_workers 4". */
function listenOn(
  { name, value, rest, at }: GlobalParameter,
  port: string | undefined,
  /** Host, if any, and port that listeners advertise that say nothing themselves. */
  shown: readonly [host: string | undefined, port: string] | undefined,
  out: GlobalSettings,
  problems: Problems,
): void {
  let text = value === undefined ? '' : String(plainValue(value)).trim();
  if (!/^(?:udp|tcp|tls|ws|wss|sctp|hep_udp|hep_tcp|bin|smpp|msrp)[a-z_]*:/i.test(text)) text = `udp:${text}`;
  if (/^(?:sctp|hep_|bin|smpp|msrp)/i.test(text)) {
    problems.warning('no-effect', at, `${name}=${text}: this transport is not served`);
    return;
  }
  text = text.replace(/^([a-z_]+:)\*(?=:|$)/i, '$10.0.0.0');
  if (!/:(?:\d+)$/.test(text.replace(/^[a-z]+:/i, '')) || /\]$/.test(text)) {
    text += `:${port ?? (/^tls/i.test(text) ? '5061' : '5060')}`;
  }
  const words = rest.map((each) => String(plainValue(each)));
  if (shown !== undefined && !words.some((each) => /^(?:as|advertise)$/i.test(each))) {
    const own = /^[a-z]+:(.*):\d+$/i.exec(text)?.[1] ?? '';
    text += ` as ${shown[0] ?? own}:${shown[1]}`;
  }
  for (let i = 0; i < words.length; i++) {
    const word = (words[i] as string).toLowerCase();
    if (word === 'as' || word === 'advertise') text += ` as ${words[++i]}`;
    else if (word === 'name' || word === 'tag') text += ` name ${words[++i]}`;
    else if (word === 'use_workers' || word === 'use_children' || word === 'use_auto_scaling_profile') i++;
  }
  try {
    parseSocket(text);
    if (!out.listen.includes(text)) out.listen.push(text);
  } catch (error) {
    problems.error('setting', at, `${name}=${text}: ${messageOf(error)}`);
  }
}

/** "udp:host:port", "host:port", "host". */
export function aliasOf(text: string): HostAlias {
  const match = /^(?:(udp|tcp|tls|ws|wss|sctp):)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/i.exec(text.trim());
  return {
    host: (match?.[2] ?? text).toLowerCase(),
    port: match?.[3] === undefined ? undefined : Number(match[3]),
    transport: match?.[1]?.toLowerCase() as TransportName | undefined,
  };
}

function isOn(value: string | number): boolean {
  return typeof value === 'number' ? value !== 0 : /^(?:yes|true|on|enable|1)$/i.test(value);
}
