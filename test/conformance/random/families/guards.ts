import type { Family } from './family.js';

const ADDRESSES = [
  '1 127.0.0.50 32 0 caller',
  '1 10.1.0.0 16 5060 net ten',
  '2 «127.0.0.0|127.0.0.48|10.0.0.0» «8|24|28» «0|15080|5060» loop',
  '3 192.168.«0|1|2».«0|1» 24',
  '3 2001:db8:: 32 0 six',
  '4 «host.example|10.9.9.9» «32|0» 0 x',
  '',
].join('\n');

/** Functions that say whether a request may pass. */
export const GUARDS: readonly Family[] = [
  {
    area: 'pike',
    head: 'loadmodule "pike.so"\nmodparam("pike", "sampling_time_unit", «2|10|30»)\nmodparam("pike", "reqs_density_per_unit", «1|2|5|16|30»)\nmodparam("pike", "remove_latency", «4|30|120»)«|\nmodparam("pike", "pike_log_level", 1)»',
    begin: '$var(i) = 0;',
    statements: [
      '$var(i) = 0; while ($var(i) < «3|10|20|40|90») { «if (!pike_check_req())|$var(r) = pike_check_req(); if ($var(r) < 0)» { xlog("L_INFO", "@N@ blocked at $var(i) rc=$rc\\n"); break; } $var(i) = $var(i) + 1; }',
      '$var(i) = 0; while ($var(i) < «5|20|40») { if (!pike_check_ip("«$si|10.1.1.1|10.1.1.$var(i)|nohost||2001:db8::1»")) { xlog("L_INFO", "@N@ ip blocked at $var(i) rc=$rc\\n"); break; } $var(i) = $var(i) + 1; }',
      'pike_check_req();',
      'pike_check_ip("«$si|10.1.1.1|127.0.0.50|$var(none)»");',
    ],
    max: 4,
    probe: 'i=$var(i)',
  },
  {
    area: 'ratelimit',
    head: 'loadmodule "ratelimit.so"\nmodparam("ratelimit", "timer_interval", «1|5|30»)\n«|modparam("ratelimit", "queue", "0:«INVITE|OPTIONS|*»")\nmodparam("ratelimit", "queue", "1:*")\n»modparam("ratelimit", "pipe", "0:«TAILDROP|RED|FEEDBACK»:«0|1|3|10|50»")\nmodparam("ratelimit", "pipe", "1:TAILDROP:«1|5»")«|\nmodparam("ratelimit", "pipe", "2:TAILDROP:2")»',
    statements: [
      '«rl_check()|rl_check_pipe("1")|rl_check_pipe("0")|rl_check_pipe("2")|rl_check("$var(p)")|rl_check("0")»;',
      '$var(p) = «0|1|2|7»;',
      '$var(i) = 0; while ($var(i) < «5|20|60») { if (!«rl_check()|rl_check_pipe("1")|rl_check_pipe("0")|rl_check("$var(p)")») { xlog("L_INFO", "@N@ limited at $var(i) rc=$rc\\n"); break; } $var(i) = $var(i) + 1; }',
    ],
    max: 4,
  },
  {
    area: 'pipelimit',
    head: 'loadmodule "pipelimit.so"\n«|modparam("pipelimit", "timer_interval", 5)\n»«|modparam("pipelimit", "reply_code", 480)\nmodparam("pipelimit", "reply_reason", "Too much")\n»',
    statements: [
      'pl_check("«a|b|$si|$rU»", "«taildrop|bad|red»", "«0|1|3|20»");',
      'pl_check("«a|b|none»");',
      'pl_active("«a|b|none»");',
      '$var(i) = 0; while ($var(i) < «5|30») { if (!pl_check("«a|b|$rU»", "taildrop", "«2|10»")) { xlog("L_INFO", "@N@ limited at $var(i) rc=$rc\\n"); break; } $var(i) = $var(i) + 1; }',
    ],
    max: 5,
    end: '«pl_drop();|pl_drop("5");|pl_drop("2", "2");|sl_send_reply("200", "OK");|exit;»',
  },
  {
    area: 'permissions',
    head: 'loadmodule "avpops.so"\nloadmodule "permissions.so"\nmodparam("permissions", "address_file", "@CASE@/address.list")«|\nmodparam("permissions", "peer_tag_avp", "$avp(tag)")\nmodparam("permissions", "peer_tag_mode", «0|1»)»',
    files: { 'address.list': ADDRESSES },
    begin: '$var(ip) = "«10.1.2.3|127.0.0.50|192.168.1.9|nope»"; $var(g) = «0|1|2|9»; $var(port) = «0|5060»;',
    statements: [
      'allow_source_address(«|"1"|"2"|"3"|"$var(g)"|"99"»);',
      'allow_address("«0|1|2|3|4|$var(g)»", "«$si|$var(ip)|10.1.2.3|10.2.0.1|192.168.0.7|192.168.1.1|2001:db8::5|[2001:db8::5]|host.example|other.example|HOST.EXAMPLE|»", "«0|$sp|$var(port)|5060|15080»");',
      'allow_source_address_group();',
      'allow_address_group("«$si|$var(ip)|10.1.2.3|192.168.2.1|host.example|2001:db8::1|9.9.9.9»", "«0|$sp|5060|5061|$var(port)»");',
      '$var(r) = allow_address_group("«$si|10.1.2.3|9.9.9.9»", "«0|5060»"); xlog("L_INFO", "@N@ group=$var(r)\\n");',
      '$var(r) = allow_source_address_group(); xlog("L_INFO", "@N@ group=$var(r)\\n");',
      'if (allow_source_address("«1|2|3»")) { xlog("L_INFO", "@N@ in [$avp(tag)]\\n"); } else { xlog("L_INFO", "@N@ out\\n"); }',
      'avp_delete("$avp(tag)");',
    ],
    probe: 'tag=[$avp(tag)] all=[$(avp(tag)[*])]',
  },
  {
    area: 'trusted',
    head: 'loadmodule "db_text.so"\nloadmodule "permissions.so"\nmodparam("permissions", "db_url", "text://@CASE@")\nmodparam("permissions", "db_mode", «0|1»)\nmodparam("permissions", "peer_tag_avp", "$avp(tag)")',
    files: {
      version: 'id(int,auto) table_name(string) table_version(int) \n1:address:6\n2:trusted:6\n',
      address:
        'id(int,auto) grp(int) ip_addr(string) mask(int) port(int) tag(string,null) \n1:1:127.0.0.50:32:0:me\n2:«2|1»:10.0.0.0:8:«0|5060»:ten\n',
      trusted:
        'id(int,auto) src_ip(string) proto(string) from_pattern(string,null) ruri_pattern(string,null) tag(string,null) priority(int) \n1:127.0.0.50:«udp|any|tcp»:«|.*from.*|^sip.*caller.*$»:«|.*dest.*|alice»:one:«0|5»\n2:127.0.0.50:any:::two:«1|3»\n3:10.1.1.1:udp:.*bob.*::three:0\n',
    },
    statements: [
      'allow_trusted();',
      'allow_trusted("«$si|10.1.1.1|1.2.3.4»", "«udp|tcp|any|UDP»");',
      'allow_trusted("«$si|10.1.1.1|1.2.3.4»", "«udp|tcp|any»", "«$fu|sip:bob@x|sip:caller@y|»");',
      'allow_source_address("«1|2»");',
      'allow_address("«1|2»", "10.2.3.4", "«0|5060»");',
    ],
    probe: 'tag=[$avp(tag)]',
    max: 5,
  },
  {
    area: 'domain',
    head: 'loadmodule "db_text.so"\nloadmodule "domain.so"\nmodparam("domain", "db_url", "text://@CASE@")«|\nmodparam("domain", "register_myself", 1)»',
    files: {
      version: 'id(int,auto) table_name(string) table_version(int) \n1:domain:2\n2:domain_attrs:1\n',
      domain:
        'id(int,auto) domain(string) did(string,null) last_modified(int) \n1:home.example:«|one»:0\n2:from.example:«one|two»:0\n3:Dest.Example:two:0\n4:127.0.0.30::0\n',
      domain_attrs:
        'id(int,auto) did(string) name(string) type(int) value(string) last_modified(int) \n1:one:color:2:red:0\n2:one:level:0:7:0\n3:two:color:2:blue:0\n4:home.example:color:2:green:0\n',
    },
    statements: [
      'is_from_local();',
      'is_uri_host_local();',
      'is_domain_local("«$fd|$td|$rd|home.example|HOME.example|dest.example|nope||127.0.0.30|sip:home.example|home.example.»");',
      'lookup_domain("«$fd|$rd|home.example|nope|dest.example»");',
      'lookup_domain("«$fd|$rd|home.example|nope»", "«p_|»");',
      '$ru = "sip:u@«home.example|Home.Example|from.example|other.example|127.0.0.30|dest.example:5080»";',
      '$rd = "«from.example|none.example»";',
      'append_branch("sip:b@«home.example|out.example»");',
    ],
    probe: 'color=[$avp(color)] level=[$avp(level)] p=[$avp(p_color)] did=[$avp(did)]',
    routes: { 'failure_route[F]': 'is_uri_host_local(); xlog("L_INFO", "F rc=$rc\\n");' },
    end: 't_on_failure("F"); $du = "sip:127.0.0.41:15070"; t_relay();',
    gateways: '«|{"gw1":[486]}»',
  },
];
