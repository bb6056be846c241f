import { type Dialect, KAMAILIO, KAMAILIO_6, OPENSIPS, OPENSIPS_3, OPENSIPS_OLD } from '../dialect.js';

/** Words that only one of the two programs has, outside and inside routes. */
const KAMAILIO_SIGNS =
  /^[ \t]*(?:#!(?:KAMAILIO|SER|MAXCOMPAT|ALL)\b|#!(?:define|ifdef|ifndef|substdef|subst|trydef|redefine|defenv)\b|request_route\b|reply_route\b|onsend_route\b|loadpath\b|import_file\b|event_route\[[a-z]+:|flags\s+[A-Za-z_]+\s*[:,;]|auto_bind_ipv6\b)/m;
const OPENSIPS_SIGNS =
  /^[ \t]*(?:#!OPENSIPS\b|mpath\s*=|(?:socket|udp_workers|xlog_level|log_level|stderror_enabled|syslog_enabled|log_stdout|db_default_url|debug_mode|auto_scaling_profile|async_workers)\s*=|startup_route\b|timer_route\b|local_route\b|error_route\b|event_route\[E_|loadmodule\s+"(?:[^"]*\/)?(?:proto_|sipmsgops\b))/m;
/** Modules that Kamailio never had: a file that loads one is not for Kamailio, whatever its comments look like. */
const OPENSIPS_TRANSPORTS =
  /^[ \t]*loadmodule\s+"(?:[^"]*\/)?proto_(?:udp|tcp|tls|wss?|sctp|bin|hep|smpp|msrp|ipsec)(?:\.so)?"/m;
/** Modules that OpenSIPS never had: with one of them an old file without other signs is for Kamailio. */
const KAMAILIO_MODULES =
  /^[ \t]*loadmodule\s+"(?:[^"]*\/)?(?:kex|tmx|corex|siputils|textopsx|sdpops|htable|cfg_rpc|ctl|counters|ipops|jsonrpcs|xhttp|topo[hs]|rtimer|mtree|tmrec|pv)(?:\.so)?"/m;
/** Parameters that were introduced in OpenSIPS 3.4, 3.0 or 3.1. */
const TODAY_SIGNS =
  /^[ \t]*(?:stderror_(?:enabled|level_filter|log_format)|syslog_(?:enabled|facility|name|level_filter|log_format)|log_event_enabled)\s*=/m;
/** Functions that 3.4 to 3.6 still have; their parameters are those of the current versions. */
const BEFORE_FOUR = /^[^"'\n]*\b(?:append|remove)_branch\(/m;
/**
 * Minimum number of routes in a file that is meant for production. A file with fewer only tries a statement, and is
 * judged by the recorded version.
 */
const ROUTES_OF_A_PROXY = 3;
const ROUTE_HEADS = /^[ \t]*(?:[a-z]+_)?route\b[^;]{0,80}?\{/gm;
const THREE_SIGNS = /^[ \t]*(?:socket|udp_workers|tcp_workers|timer_workers|auto_scaling_profile)\s*=/m;
/** Parameters that OpenSIPS 3.0 removed or renamed, and core tests and functions removed with them. */
const OLD_SIGNS =
  /^[ \t]*(?:listen|children|port|debug|fork|log_stderror|disable_tcp|dns|rev_dns|check_via|sock_mode|disable_dns_blacklist)\s*=|\b(?:uri|method|src_ip|dst_ip|status)\s*(?:==|=~|!=)|\bappend_branch\(|\brewritehost(?:port)?\(|\bavp_(?:delete|pushto|printf|copy|check|subst)\(|\b(?:re)?set(?:b|s)?flag\(\s*[0-9A-Z_]+\s*\)/m;

/**
 * The dialect of a file, by its first line or else by its content; undefined when neither decides. Comments other than
 * marker lines are ignored.
 */
export function detectDialect(text: string): Dialect | undefined {
  const marked = /^\s*(?:#[^!\n][^\n]*\n\s*|#\n\s*)*#!\s*(KAMAILIO|SER|ALL|MAXCOMPAT|OPENSIPS)\b/.exec(
    text.slice(0, 65_536),
  );
  if (marked !== null) return marked[1] === 'OPENSIPS' ? detectOpensips(text) : kamailio(text);
  const code = text.replace(/^[ \t]*(?:#(?!!)|\/\/).*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  if (OPENSIPS_TRANSPORTS.test(code)) return detectOpensips(code);
  if (KAMAILIO_SIGNS.test(code) || KAMAILIO_MODULES.test(code)) return kamailio(code);
  if (OPENSIPS_SIGNS.test(code)) return detectOpensips(code);
  // Old OpenSIPS files have neither; modules and functions that Kamailio never had identify them.
  if (/\bloadmodule\s+"[^"]*(?:signaling|drouting|b2b_|load_balancer|dialplan|uac_redirect)/.test(code))
    return detectOpensips(code);
  return OLD_SIGNS.test(code) ? OPENSIPS_OLD : undefined;
}

/**
 * The OpenSIPS version a file was written for: by parameters that a version introduced, then by what later versions
 * removed.
 */
export function detectOpensips(text: string): Dialect {
  const code = text.replace(/^[ \t]*#.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  if (TODAY_SIGNS.test(code)) {
    const before = BEFORE_FOUR.test(code) && (code.match(ROUTE_HEADS)?.length ?? 0) >= ROUTES_OF_A_PROXY;
    return before ? OPENSIPS_3 : OPENSIPS;
  }
  if (THREE_SIGNS.test(code)) return OPENSIPS_3;
  return OLD_SIGNS.test(code) ? OPENSIPS_OLD : OPENSIPS_3;
}

/** What later versions than the recorded one introduced: parameters and functions that only they have. */
const LATER_KAMAILIO_SIGNS =
  /^[ \t]*(?:socket[ \t]*=[ \t]*\{|(?:return_mode|tcp_accept_iplimit|tcp_check_timer|udp_receiver_mode|tcp_main_threads|rpc_exec_delta|xavp_via_reply_params|tcp_msg_(?:data|read)_timeout|tls_threads_mode|async_tkv_\w+|msg_recv_max_size|maxsndbuffer|mem_add_size|auto_domains|dns_rev_via|dns_use_cache|dns_use_failover|domain)[ \t]*=)|\bKAMAILIO_(?:6|5_[789]|VERSION\b)|\bds_dsg_fetch(?:_uri)?\(|\bds_oc_set_attrs\(/m;

/** Directives introduced in 5.7, in a file meant for production. */
const LATER_DIRECTIVES = /^[ \t]*#!(?:ifexp|defexps?)\b/m;

function kamailio(text: string): Dialect {
  if (LATER_KAMAILIO_SIGNS.test(text)) return KAMAILIO_6;
  const runs = (text.match(ROUTE_HEADS)?.length ?? 0) >= ROUTES_OF_A_PROXY;
  return runs && LATER_DIRECTIVES.test(text) ? KAMAILIO_6 : KAMAILIO;
}
