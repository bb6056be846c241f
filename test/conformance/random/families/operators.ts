import type { Family } from './family.js';

const FROM = '"Caller" <sip:caller@from.example>;tag=ft-@ID@';
const TO_TAG = '<sip:alice@to.example>;tag=gw1tag';

const ROUTE_LINES =
  '«Route: <sip:127.0.0.30:15060;lr>|Route: <sip:127.0.0.30:15060;lr;ftag=ft-@ID@;p=1>|Route: <sip:127.0.0.30:15060;lr>\nRoute: <sip:127.0.0.42:15070;lr>|Route: <sip:127.0.0.42:15070;lr>|Route: <sip:127.0.0.30:15060>|Route: <sip:127.0.0.30:15060;lr;ftag=other>, <sip:127.0.0.42:15070>|X-No: route»';

const GATEWAYS =
  '{"gw1":[«200|[180,200]|486|503|[183,{"code":404,"delay_ms":40}]»],"gw2":[«200|486|[180,603]»],"gw3":[«200|500»],"gw4":[«200|404»]}';

/** Further parts of operators' files: routing within dialogs, NAT, checks, the routes of the default file. */
export const OPERATORS: readonly Family[] = [
  {
    area: 'rr-functions',
    head: 'loadmodule "textopsx.so"«|\nmodparam("rr", "append_fromtag", 0)»«|\nmodparam("rr", "enable_double_rr", 0)»«|\nmodparam("rr", "add_username", 1)»«|\nmodparam("rr", "enable_full_lr", 1)»',
    statements: [
      'loose_route();',
      'loose_route();',
      'loose_route_mode("«0|1»");',
      'loose_route_preloaded();',
      'record_route();',
      'record_route(";x=«1|$rU»");',
      'record_route_preset("«127.0.0.30:15060|10.0.0.1|gw.example:5070»"«|, "10.0.0.2:5062"»);',
      'record_route_advertised_address("«10.0.0.1|10.0.0.1:5070|gw.example»");',
      'remove_record_route();',
      'add_rr_param("«;p=1|;q=$rU|r=2»");',
      'check_route_param("«ftag=ft|p=1|x|lr|^p»");',
      'is_direction("«upstream|downstream»");',
      'rr_next_hop_route();',
      'msg_apply_changes();',
      'remove_hf("Route");',
      '$du = $null;',
      'xlog("L_INFO", "@N@ $route_uri $(hdr(Route)[0]) $(hdr(Route)[1])\\n");',
    ],
    probe: 'ru=$ru du=$du',
    max: 5,
    requests: [
      {
        method: '«INVITE|OPTIONS|BYE|MESSAGE»',
        // Not this proxy's own address: the request would loop.
        ruri: '«sip:alice@127.0.0.41:15070|sip:gw@127.0.0.41:15070;x=1|sip:127.0.0.42:15070»',
        from: FROM,
        to: `«<sip:alice@to.example>|${TO_TAG}»`,
        headers: ROUTE_LINES,
        body: '',
      },
    ],
    gateways: GATEWAYS,
    end: '«t_relay();|t_relay();|forward();|$ru = "sip:z@127.0.0.41:15070"; t_relay();»',
  },
  {
    area: 'nat-functions',
    head: 'loadmodule "nathelper.so"\nloadmodule "textopsx.so"\nloadmodule "path.so"«|\nmodparam("path", "use_received", 1)»«|\nmodparam("path", "enable_r2", 0)»«|\nmodparam("nathelper", "received_avp", "$avp(rcv)")»',
    statements: [
      'nat_uac_test("«1|2|4|8|16|19|32|64|128|256»");',
      'fix_nated_contact();',
      'fix_nated_register();',
      'add_contact_alias();',
      'add_contact_alias("«1.2.3.4|127.0.0.44»", "«5060|15070»", "«udp|tcp»");',
      'set_contact_alias();',
      'handle_ruri_alias();',
      'add_rcv_param(«|"0"|"1"»);',
      'fix_nated_sdp("«1|2|3|8|10»"«|, "1.2.3.4"»);',
      'is_rfc1918("«10.1.1.1|127.0.0.1|172.16.0.1|8.8.8.8|$si»");',
      'force_rport();',
      'add_local_rport();',
      'set_advertised_address("1.2.3.4");',
      'add_path(«|"me"|"me", "p=1"»);',
      'add_path_received(«|"me"»);',
      'msg_apply_changes();',
      'xlog("L_INFO", "@N@ $avp(rcv) $ct $(rb{s.len}) $hdr(Path)\\n");',
    ],
    probe: 'ru=$ru du=$du ct=$ct',
    max: 5,
    requests: [
      {
        method: '«INVITE|REGISTER|OPTIONS»',
        ruri: '«sip:alice@127.0.0.41:15070|sip:alice@10.0.0.1:5060;alias=127.0.0.41~15070~1|sip:a@10.0.0.1;x=1;alias=127.0.0.44~15070~1;y»',
        contact:
          '«<sip:caller@127.0.0.50:15080>|<sip:c@10.0.0.7:5062;transport=udp>|"N" <sip:c@192.168.1.2>;q=0.5;expires=60|<sip:a@10.0.0.1>, <sip:b@127.0.0.50:15080>|sip:c@172.16.1.1|*»',
        headers: '«X: 1|Supported: path|Path: <sip:p@10.0.0.9;lr>»',
      },
    ],
    end: '«$du = "sip:127.0.0.41:15070"; t_relay();|t_relay();|sl_send_reply("404", "No");»',
  },
  {
    area: 'first-checks',
    head: 'loadmodule "sanity.so"\nloadmodule "textopsx.so"«|\nmodparam("sanity", "default_checks", 1511)»«|\nmodparam("sanity", "autodrop", 0)»«|\nmodparam("maxfwd", "max_limit", 30)»',
    statements: [
      'sanity_check();',
      'sanity_check("«1511|17895|1|2|4|8|16|32|64|128|1024|4096»", "«7|1|6|17»");',
      'mf_process_maxfwd_header("«10|70|1|5»");',
      'is_maxfwd_lt("«10|71|1»");',
      'maxfwd_process("«10|5»");',
      'is_method("«INVITE|OPTIONS|INVITE¦ACK|SUBSCRIBE¦PUBLISH»");',
      'if (is_method("OPTIONS") && uri == myself && $rU == $null) { sl_send_reply("200", "Keepalive"); exit; }',
      'if ($ua =~ "«friendly-scanner|ua/|^$»") { xlog("L_INFO", "@N@ ua\\n"); }',
      'if ($rU «== $null|!= $null|=~ "^\\+"|=~ "^al"») xlog("L_INFO", "@N@ T\\n");',
      'if (from_uri == myself) xlog("L_INFO", "@N@ from me\\n");',
      'if (from_uri =~ "caller") xlog("L_INFO", "@N@ caller\\n");',
      'if (src_ip == «127.0.0.50|10.0.0.0/8|127.0.0.0/8|myself») xlog("L_INFO", "@N@ src\\n");',
      'if (msg:len «>|<|>=» «100|400|4096») xlog("L_INFO", "@N@ len\\n");',
      'if (uri == «myself|sip:alice@dest.example») xlog("L_INFO", "@N@ uri\\n");',
      'if (!has_totag() && !is_method("REGISTER")) xlog("L_INFO", "@N@ new\\n");',
      'setflag(«1|2»); if (isflagset(1) and not isflagset(2)) xlog("L_INFO", "@N@ flag\\n");',
      'xlog("L_INFO", "@N@ $hdr(Max-Forwards) $(ua{s.len}) $rm $rz $rp $od $oU $fd $td $cT $cl\\n");',
    ],
    max: 6,
    requests: [
      {
        method: '«INVITE|OPTIONS|SUBSCRIBE|FOO»',
        ruri: '«sip:alice@dest.example|sip:127.0.0.30:15060|sip:+4930@127.0.0.30:15060|tel:+49301|sips:alice@dest.example|sip:alice@dest.example:5066;user=phone»',
        max_forwards: '«70|10|1|0|255|5»',
        headers:
          '«X: 1|Proxy-Require: foo|Require: 100rel|Expires: abc|Expires: 60|Content-Disposition: x|P-Preferred-Identity: <sip:x@y>»',
      },
    ],
  },
  {
    area: 'variables-of-modules',
    head: 'loadmodule "ipops.so"\nloadmodule "textopsx.so"',
    statements: [
      'pv_isset("$«avp(a)|var(b)|hdr(X-A)|xavp(x=>a)|rU|du»");',
      'pv_unset("$«avp(a)|xavp(x=>a)|du»");',
      'is_int("$«avp(a)|var(b)|rU|hdr(X-A)|cs»");',
      'typeof("$«avp(a)|var(b)|xavp(x)|rU»", "«int|str|null|vec|xval»");',
      'not_empty("$«avp(a)|var(b)|hdr(X-A)|du»");',
      'xavp_params_explode("«a=1;b=two;c|x=\\"q\\";y=|»", "«x|p»");',
      'xlog("L_INFO", "@N@ [$xavp(x=>a)] [$xavp(x=>b)] [$xavp(p=>a)] [$xavp(p=>c)] [$xavp(x=>x)]\\n");',
      'xavp_child_seti("x", "n", "«5|7»"); xlog("L_INFO", "@N@ $xavp(x=>n)\\n");',
      'xavp_child_sets("x", "s", "«v|$rU»"); xlog("L_INFO", "@N@ $xavp(x=>s)\\n");',
      'xavp_rm("«x|none»");',
      'xavp_child_rm("x", "«a|none»");',
      '$xavp(x=>k) = «1|"v"|$rU»;',
      'pv_xavp_print();',
      'sbranch_set_ruri();',
      'sbranch_append(); xlog("L_INFO", "@N@ $branch(count)\\n");',
      'sbranch_reset(); $sbranch(uri) = "sip:s@127.0.0.44:15070"; sbranch_append();',
      '$avp(a) = «1|"t"|$null|$rU|-5»; $var(b) = «2|"u"|$avp(a)»;',
      'is_ip("«1.2.3.4|::1|[::1]|x|1.2.3|$si»");',
      '«is_in_subnet("«1.2.3.4|10.1.2.3|x»", "«1.2.3.0/24|10.0.0.0/8»")|compare_ips("«1.2.3.4|::1|[::1]»", "«::1|1.2.3.4|x»")|is_ipv4("«1.2.3.4|::1»")|is_ipv6("«::1|[::1]|1.2.3.4»")|is_pure_ip("«::1|[::1]|1.2.3.4»")|ip_type("«1.2.3.4|::1|[::1]|x»")|detailed_ip_type("«10.0.0.1|127.0.0.1|8.8.8.8|169.254.1.1»", "$var(t)")»;',
      'setsflag("«1|2»"); issflagset("«1|2»");',
      'isdsturiset();',
      'resetdsturi();',
      'setdsturi("sip:127.0.0.«42|44»:15070");',
      'append_branch("sip:x@127.0.0.42:15070"«|, "0.3"»);',
      'avp_printf("$avp(p)", "[$rU]"); xlog("L_INFO", "@N@ $avp(p)\\n");',
      'is_myself("«sip:127.0.0.30:15060|sip:x@127.0.0.30|sip:y@other»");',
      'msg_iflag_set("USE_UAC_FROM"); msg_iflag_is_set("USE_UAC_FROM");',
    ],
    probe: 'a=[$avp(a)] b=[$var(b)] du=$du',
    requests: [{ headers: '«X-A: 12|X-A: text|X-A:|X-B: 1»' }],
    max: 6,
  },
  {
    area: 'usual-file',
    head: 'loadmodule "textopsx.so"\nloadmodule "sanity.so"\nloadmodule "nathelper.so"\nloadmodule "dispatcher.so"\nmodparam("dispatcher", "list_file", "@CASE@/d.list")\nmodparam("dispatcher", "flags", 2)\nmodparam("dispatcher", "xavp_dst", "_dsdst_")\nmodparam("tm", "fr_timer", 700)\nmodparam("tm", "failure_reply_mode", «0|3»)\nmodparam("rr", "append_fromtag", «0|1»)',
    files: { 'd.list': '1 sip:127.0.0.41:15070 0 5\n1 sip:127.0.0.42:15070 0 3\n2 sip:127.0.0.43:15070\n' },
    begin:
      'route(REQINIT); if (is_method("CANCEL")) { if (t_check_trans()) route(RELAY); exit; } if (!is_method("ACK")) { if (t_precheck_trans()) { t_check_trans(); exit; } t_check_trans(); } route(WITHINDLG); remove_hf("Route"); if (is_method("INVITE¦SUBSCRIBE")) record_route();',
    statements: [
      'append_hf("X-Trunk: «a|$rU|$si»\\r\\n");',
      'if (is_method("INVITE")) setflag(«1|2»);',
      '«prefix("00")|strip(1)|$rU = "+49" + $rU|$rd = "new.example"|subst_uri("/^sip:(.*)@(.*)$/sip:1\\1@\\2/i")»;',
      'remove_hf("User-Agent");',
      'subst_hf("From", "/caller/anon/", "a");',
      'xlog("L_INFO", "@N@ $ci $fU -> $rU via $du flags $mf\\n");',
      'add_rr_param(";trunk=«1|2»");',
      '$avp(trunk) = "«a|b»";',
      'if ($fU == "caller" && $rU =~ "^[a-z]+$") { xlog("L_INFO", "@N@ letters\\n"); } else if ($rU =~ "^[0-9]+$") { xlog("L_INFO", "@N@ digits\\n"); }',
      'switch ($rm) { case "INVITE": xlog("L_INFO", "@N@ inv\\n"); break; case "OPTIONS": xlog("L_INFO", "@N@ opt\\n"); break; default: xlog("L_INFO", "@N@ other\\n"); }',
    ],
    max: 4,
    routes: {
      'route[REQINIT]':
        'force_rport(); if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; } if (is_method("OPTIONS") && uri == myself && $rU == $null) { sl_send_reply("200", "Keepalive"); exit; } if (!sanity_check("17895", "7")) { xlog("L_INFO", "malformed\\n"); exit; }',
      'route[WITHINDLG]':
        'if (!has_totag()) return; if (loose_route()) { xlog("L_INFO", "$rm in dialog du=$du ru=$ru «$avp(trunk)|$(route_uri{uri.params})»\\n"); if (is_method("NOTIFY")) record_route(); route(RELAY); exit; } if (is_method("ACK")) { if (t_check_trans()) { route(RELAY); exit; } else exit; } sl_send_reply("404", "Not here"); exit;',
      'route[RELAY]':
        'if (is_method("INVITE¦BYE¦SUBSCRIBE¦UPDATE")) { if (!t_is_set("branch_route")) t_on_branch("MANAGE_BRANCH"); } if (is_method("INVITE¦SUBSCRIBE¦UPDATE")) { if (!t_is_set("onreply_route")) t_on_reply("MANAGE_REPLY"); } if (is_method("INVITE")) { if (!t_is_set("failure_route")) t_on_failure("MANAGE_FAILURE"); } if (!t_relay()) { xlog("L_INFO", "relay failed $rc\\n"); sl_reply_error(); } exit;',
      'route[DISPATCH]':
        'if (!ds_select_dst("«1|2|9»", "«4|8|0»")) { send_reply("404", "No destination"); exit; } t_on_failure("RTF_DISPATCH"); route(RELAY); exit;',
      'branch_route[MANAGE_BRANCH]':
        'xlog("L_INFO", "branch $T_branch_idx to $ru du=$du\\n"); «|append_hf("X-Branch: $T_branch_idx\\r\\n");»',
      'onreply_route[MANAGE_REPLY]':
        'xlog("L_INFO", "reply $rs $rr $rm\\n"); «|if (status =~ "[12][0-9][0-9]") { fix_nated_contact(); }|if ($rs == 183) change_reply_status("180", "Ringing");|remove_hf("X-G");»',
      'failure_route[MANAGE_FAILURE]':
        'if (t_is_canceled()) exit; xlog("L_INFO", "failed $T_reply_code\\n"); «|if (t_check_status("486¦408")) { t_on_failure("RTF_DISPATCH"); $ru = "sip:vm@127.0.0.44:15070"; t_relay(); exit; }|if (t_check_status("3[0-9][0-9]")) { t_reply("404", "Not found"); exit; }»',
      'failure_route[RTF_DISPATCH]':
        'if (t_is_canceled()) exit; xlog("L_INFO", "dispatch failed $T_reply_code\\n"); if (t_check_status("500¦503") or (t_branch_timeout() and !t_branch_replied())) { «|ds_mark_dst("«ip|p|i»");» if (ds_next_dst()) { «xdbg("next\\n");|t_on_failure("RTF_DISPATCH");» route(RELAY); exit; } xlog("L_INFO", "none left\\n"); «|t_reply("480", "All busy");» }',
    },
    end: 'route(DISPATCH);',
    gateways:
      '{"gw1":[«[180,{"code":200,"headers":["Contact: <sip:gw@127.0.0.41:15070>","X-G: 1"]}]|503|[183,486]|[100,302]|[]|500»],"gw2":[«200|503|[180,486]»],"gw3":[«[183,{"code":200,"headers":["Contact: <sip:gw@10.0.0.3:15070>"]}]|404»],"gw4":[«200|486»]}',
    requests: [
      {
        method: '«INVITE|INVITE|INVITE|OPTIONS|SUBSCRIBE»',
        from: FROM,
        to: '<sip:alice@to.example>',
        max_forwards: '«70|70|1|0|20»',
      },
      {
        method: '«ACK|CANCEL|BYE|INFO»',
        ruri: 'sip:gw@127.0.0.41:15070',
        from: FROM,
        to: TO_TAG,
        headers: '«Route: <sip:127.0.0.30:15060;lr;ftag=ft-@ID@;trunk=1>|X-No: route»',
        body: '',
        at_ms: 900,
        cseq: 2,
      },
      {
        method: 'BYE',
        ruri: 'sip:gw@127.0.0.41:15070',
        from: FROM,
        to: TO_TAG,
        headers: 'Route: <sip:127.0.0.30:15060;lr>',
        body: '',
        at_ms: 1200,
        cseq: 3,
      },
    ],
    wait_ms: 1600,
  },
  {
    area: 'database',
    head: 'loadmodule "db_sqlite.so"\nloadmodule "sqlops.so"\nmodparam("sqlops", "sqlcon", "ca=>sqlite:///@CASE@/x.db")\nloadmodule "avpops.so"\nmodparam("avpops", "db_url", "sqlite:///@CASE@/x.db")\nmodparam("avpops", "avp_table", "avps")',
    files: { 'x.db': '' },
    begin:
      'sql_query("ca", "create table if not exists t (id integer primary key, n text, v integer)"); sql_query("ca", "create table if not exists avps (id integer primary key)"); sql_query("ca", "insert into t (n, v) values (\'a\', 1), (\'b\', 2), (\'alice\', 3), (null, null)");',
    statements: [
      '$var(q) = sql_query("ca", "select n, v from t «|where n = \'$rU\'|where n = \'none\'|order by v desc»", "ra"); xlog("L_INFO", "@N@ q=$var(q) rows=$dbr(ra=>rows) cols=$dbr(ra=>cols) [$dbr(ra=>[0,0])] [$dbr(ra=>[0,1])] [$dbr(ra=>[1,0])] [$dbr(ra=>[3,0])] [$dbr(ra=>colname[0])]\\n");',
      'sql_result_free("«ra|rb»");',
      'sql_xquery("ca", "select n, v from t «|where v > 1|where n = \'none\'»", "xr"); xlog("L_INFO", "@N@ rc=$rc [$xavp(xr=>n)] [$xavp(xr=>v)] [$xavp(xr[1]=>n)]\\n");',
      'sql_pvquery("ca", "select n, v from t where n = \'«a|b|none»\'", "$avp(pn), $avp(pv)"); xlog("L_INFO", "@N@ rc=$rc [$avp(pn)] [$avp(pv)]\\n");',
      'sql_query("ca", "«insert into t (n, v) values (\'c\', 9)|update t set v = 7 where n = \'a\'|delete from t where n = \'b\'|selec x|insert into none values (1)»"); xlog("L_INFO", "@N@ rc=$rc\\n");',
      'avp_db_query("select n, v from t «|where n = \'$rU\'|where n = \'none\'|order by v desc»", "$avp(dn);$avp(dv)"); xlog("L_INFO", "@N@ rc=$rc [$avp(dn)] [$avp(dv)] [$(avp(dn)[1])] [$(avp(dv)[*])]\\n");',
      'avp_db_query("«delete from t where n = \'a\'|selec x»"); xlog("L_INFO", "@N@ rc=$rc\\n");',
      '$var(e) = "it\'s"; xlog("L_INFO", "@N@ $(var(e){sql.val})\\n");',
    ],
    max: 4,
    end: 'sl_send_reply("404", "Not here");',
    wait_ms: 600,
  },
];
