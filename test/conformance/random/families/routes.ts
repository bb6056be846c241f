import type { Family } from './family.js';

const ENDS = '«|return;|return 1;|return 0;|return -1;|return 5;|exit;|drop;»';
const SUB =
  '«|route(S); xlog("L_INFO", "S gave $rc\\n");|if (route(S)) xlog("L_INFO", "S true\\n"); else xlog("L_INFO", "S false\\n");|$var(r) = route(S); xlog("L_INFO", "S is $var(r)\\n");»';
const SHOWN = '$rm $rs $rr i=$T_branch_idx code=$T_reply_code ru=$ru du=$du k=$avp(k) v=$var(v)';
const GATEWAYS =
  '{"gw1":[«486|[180,486]|[180,200]|200|503|[183,{"code":480,"delay_ms":60}]|[{"code":404,"delay_ms":40}]|[100,180,{"code":302,"headers":["Contact: <sip:r@127.0.0.44:15070>"],"delay_ms":40}]|[]»],"gw2":[«[{"code":480,"delay_ms":100}]|[{"code":200,"delay_ms":120}]|[180,{"code":603,"delay_ms":100}]»],"gw4":[«200|404|[180,{"code":486,"delay_ms":40}]»]}';

const COLUMNS =
  'id integer primary key, method text, from_tag text, to_tag text, callid text, sip_code text, sip_reason text, time text, src_user text, ua text, fu text, k text';

/** Functions of tm and of headers that may stand in routes of every kind. */
const ANYWHERE = [
  'setflag(«1|2»);',
  'resetflag(«1|2»);',
  'isflagset(«1|2»);',
  'setbflag(«1|2»);',
  'isbflagset(«1|2»);',
  'is_method("«INVITE|OPTIONS|ACK»");',
  'has_totag();',
  'has_body();',
  'is_present_hf("«X-A|Contact|None»");',
  'append_hf("X-N@N@: 1\\r\\n");',
  'remove_hf("«X-A|User-Agent»");',
  'append_to_reply("X-R@N@: 1\\r\\n");',
  '«t_is_set("failure_route")|t_is_set("branch_route")|t_is_set("onreply_route")»;',
  't_check_status("«486|4[0-9][0-9]|[1-6]..|180»");',
  '«t_check_trans()|t_is_canceled()|t_is_expired()|t_any_timeout()|t_any_replied()|t_branch_timeout()|t_branch_replied()|t_lookup_request()|t_is_branch_route()|t_is_failure_route()|t_is_reply_route()|t_is_request_route()»;',
  't_grep_status("«486|200|404»");',
  '$avp(k) = «1|"v"|$rU|$T_branch_idx»;',
  '$var(v) = «1|"w"|$T_reply_code»;',
  'xlog("L_INFO", "@N@ $T_inv $T_req($rm) $T_req($rU) $T_rpl($rs) $T_branch_idx $T_reply_last\\n");',
  'xlog("L_INFO", "@N@ $rt $pr $si $sp $Ri $Rp $mi{s.len} $hdr(CSeq) $fU $tU\\n");',
  '$ru = "sip:«w@127.0.0.42|z@127.0.0.44»:15070";',
  '$rU = "«nn|alice»";',
  '$du = "sip:127.0.0.«42|44»:15070";',
  't_set_fr(«0|400», «300|0»);',
  't_reset_fr();',
  'add_rr_param(";p=@N@");',
  'record_route();',
  '«force_rport()|add_local_rport()»;',
  'msg_apply_changes();',
];

/** How routes of each kind end, and what may stand in them. */
export const ROUTES: readonly Family[] = [
  {
    area: 'flow',
    head: 'loadmodule "textopsx.so"\nmodparam("tm", "fr_timer", 600)«|\nmodparam("tm", "failure_reply_mode", 3)»«|\nonsend_route_reply=1»',
    begin: `xlog("L_INFO", "request ${SHOWN}\\n");`,
    statements: [
      't_on_branch("B");',
      't_on_reply("R");',
      't_on_failure("F");',
      't_on_branch_failure("BF");',
      'append_branch("sip:b@127.0.0.42:15070");',
      't_newtran();',
      'record_route();',
      SUB,
      '$avp(k) = «1|"v"»;',
    ],
    max: 6,
    routes: {
      'route[S]': `xlog("L_INFO", "in S\\n"); $var(v) = "s"; ${ENDS}`,
      'branch_route[B]': `xlog("L_INFO", "B ${SHOWN}\\n"); ${SUB} ${ENDS}`,
      'onreply_route[R]': `xlog("L_INFO", "R ${SHOWN}\\n"); ${SUB} «|if ($rs < 200) ${ENDS}|${ENDS}»`,
      '«onreply_route|reply_route»': `xlog("L_INFO", "global $rs $rm\\n"); «|||if ($rs == 180) drop;|route(S); xlog("L_INFO", "S gave $rc\\n");|return 0;|exit;|return;|if ($rs == 183) exit;»`,
      'failure_route[F]': `xlog("L_INFO", "F ${SHOWN}\\n"); ${SUB} «|$ru = "sip:f@127.0.0.44:15070"; t_relay();|append_branch("sip:g@127.0.0.44:15070"); t_relay();|t_reply("«480|600»", "Later");|t_on_failure("F2"); $du = "sip:127.0.0.44:15070"; t_relay();» ${ENDS}`,
      'failure_route[F2]': `xlog("L_INFO", "F2 ${SHOWN}\\n"); ${ENDS}`,
      'event_route[tm:branch-failure:BF]': `xlog("L_INFO", "BF ${SHOWN}\\n"); ${ENDS}`,
      'event_route[tm:local-response]': `xlog("L_INFO", "tm local $rs $rr\\n"); ${ENDS}`,
      'event_route[sl:local-response]': `xlog("L_INFO", "sl local $rs $rr\\n"); ${ENDS}`,
      onsend_route: `«|xlog("L_INFO", "send $rm $rs to $snd(ip):$snd(port)\\n");|xlog("L_INFO", "send $rm\\n"); return 0;|if (is_method("ACK")) drop; xlog("L_INFO", "send $rm\\n");»`,
    },
    end: `$ru = "sip:a@127.0.0.41:15070"; t_relay(); xlog("L_INFO", "relayed $rc\\n"); ${ENDS}`,
    gateways: GATEWAYS,
    requests: [{ method: '«INVITE|INVITE|OPTIONS»', headers: 'X-A: 1' }],
    wait_ms: 1500,
  },
  {
    area: 'tm-anywhere',
    head: 'loadmodule "textopsx.so"\nmodparam("tm", "fr_timer", 600)\nmodparam("tm", "fr_inv_timer", 900)',
    begin: 't_on_branch("B"); t_on_reply("R"); t_on_failure("F"); t_on_branch_failure("BF");',
    statements: ANYWHERE,
    max: 4,
    routes: {
      'branch_route[B]': `xlog("L_INFO", "B ${SHOWN}\\n"); @PICK@ xlog("L_INFO", "B rc=$rc\\n"); @PICK@ xlog("L_INFO", "B rc=$rc ${SHOWN}\\n");`,
      'onreply_route[R]': `xlog("L_INFO", "R ${SHOWN}\\n"); @PICK@ xlog("L_INFO", "R rc=$rc\\n"); @PICK@ xlog("L_INFO", "R rc=$rc ${SHOWN}\\n");`,
      'failure_route[F]': `xlog("L_INFO", "F ${SHOWN}\\n"); @PICK@ xlog("L_INFO", "F rc=$rc\\n"); @PICK@ xlog("L_INFO", "F rc=$rc ${SHOWN}\\n"); «|$ru = "sip:f@127.0.0.44:15070"; t_relay(); xlog("L_INFO", "F relayed $rc\\n");|t_relay(); xlog("L_INFO", "F relayed $rc\\n");»`,
      'event_route[tm:branch-failure:BF]': `xlog("L_INFO", "BF ${SHOWN}\\n"); @PICK@ xlog("L_INFO", "BF rc=$rc ${SHOWN}\\n");`,
      reply_route: '«|||@PICK@ xlog("L_INFO", "global rc=$rc $rs\\n");»',
    },
    end: `$ru = "sip:a@127.0.0.41:15070"; «|append_branch("sip:b@127.0.0.42:15070"); » t_relay(); xlog("L_INFO", "relayed $rc\\n"); @PICK@ xlog("L_INFO", "rc=$rc\\n");`,
    gateways: GATEWAYS,
    requests: [{ method: '«INVITE|INVITE|OPTIONS»', headers: '«X-A: 1|X-B: 2»' }],
    wait_ms: 1500,
  },
  {
    area: 'own-requests',
    head: 'loadmodule "uac.so"\nloadmodule "textopsx.so"\nmodparam("tm", "fr_timer", 300)',
    statements: [
      '$uac_req(method) = "«OPTIONS|MESSAGE|NOTIFY|INFO»"; $uac_req(ruri) = "sip:«o@127.0.0.43|o@127.0.0.44»:15070«|;x=1»"; $uac_req(furi) = "«sip:me@here.example|<sip:me@here.example>;x=1»"; $uac_req(turi) = "sip:you@there.example"; $uac_req(hdrs) = «"X-H: 1\\r\\n"|""|"X-H: $rU\\r\\nX-I: 2\\r\\n"|$null»; $uac_req(body) = «$null|"text"|""»; $uac_req(evroute) = «1|0|"x"»; $uac_req(evparam) = "p1"; uac_req_send();',
      '$uac_req(ouri) = "sip:127.0.0.«43|42»:15070"; $uac_req(ruri) = "sip:o@else.example"; $uac_req(method) = "OPTIONS"; $uac_req(furi) = "sip:a@b"; $uac_req(turi) = "sip:c@d"; $uac_req(callid) = "«|own-@ID@»"; uac_req_send();',
      '$uac_req(all) = $null;',
      '«$uac_req(method) = "PING"|$uac_req(ruri) = "bad"|$uac_req(method) = $null»; uac_req_send();',
      'xlog("L_INFO", "@N@ $uac_req(method) $uac_req(ruri) $uac_req(furi) $uac_req(turi) $uac_req(ouri) $uac_req(evroute)\\n");',
    ],
    max: 3,
    routes: {
      'event_route[tm:local-request]': `xlog("L_INFO", "local $rm $ru $fu $tu $hdr(X-H)\\n"); «|append_hf("X-L: 1\\r\\n");|$ru = "sip:l@127.0.0.43:15070";|drop;|exit;|t_on_reply("R");|return 0;»`,
      'event_route[uac:reply]':
        'xlog("L_INFO", "uac $uac_req(evcode) $uac_req(evtype) $uac_req(evparam) $T_reply_code\\n");',
      'onreply_route[R]': 'xlog("L_INFO", "R $rs\\n");',
      reply_route: '«||xlog("L_INFO", "global $rs $rm\\n");»',
    },
    end: '«sl_send_reply("200", "OK");|$du = "sip:127.0.0.41:15070"; t_relay();|exit;»',
    gateways: '{"gw3":[«200|404|[180,200]|[{"code":486,"delay_ms":40}]|[]»],"gw4":[«200|503»],"gw2":[«200|480»]}',
    wait_ms: 900,
  },
  {
    area: 'acc',
    head: 'loadmodule "db_sqlite.so"\nloadmodule "sqlops.so"\nloadmodule "acc.so"\nmodparam("sqlops", "sqlcon", "ca=>sqlite:///@CASE@/acc.db")\nmodparam("acc", "db_url", "sqlite:///@CASE@/acc.db")\nmodparam("acc", "db_flag", 1)\nmodparam("acc", "db_missed_flag", 2)\nmodparam("acc", "failed_transaction_flag", 3)\nmodparam("acc", "time_mode", 0)«|\nmodparam("acc", "db_extra", "ua=$ua;fu=$fu;k=$avp(k)")»«|\nmodparam("acc", "report_cancels", 1)»«|\nmodparam("acc", "report_ack", 1)»«|\nmodparam("acc", "early_media", 1)»«|\nmodparam("acc", "detect_direction", 1)»«|\nmodparam("acc", "failed_filter", "404,486")»\nmodparam("tm", "fr_timer", 300)',
    begin:
      'if (is_method("MESSAGE")) { sql_query("ca", "select method, from_tag, ifnull(to_tag, \'\'), callid, ifnull(sip_code, \'\'), sip_reason from acc order by id", "ra"); $var(i) = 0; while ($var(i) < $dbr(ra=>rows)) { xlog("L_INFO", "acc $dbr(ra=>[$var(i),0]) $dbr(ra=>[$var(i),1]) $dbr(ra=>[$var(i),2]) $dbr(ra=>[$var(i),3]) $dbr(ra=>[$var(i),4]) $dbr(ra=>[$var(i),5])\\n"); $var(i) = $var(i) + 1; } sql_query("ca", "select method, from_tag, ifnull(to_tag, \'\'), callid, ifnull(sip_code, \'\'), sip_reason from missed_calls order by id", "rm"); $var(i) = 0; while ($var(i) < $dbr(rm=>rows)) { xlog("L_INFO", "missed $dbr(rm=>[$var(i),0]) $dbr(rm=>[$var(i),1]) $dbr(rm=>[$var(i),2]) $dbr(rm=>[$var(i),3]) $dbr(rm=>[$var(i),4]) $dbr(rm=>[$var(i),5])\\n"); $var(i) = $var(i) + 1; } exit; } sql_query("ca", "create table if not exists acc (@COLS@)"); sql_query("ca", "create table if not exists missed_calls (@COLS@)");'.replaceAll(
        '@COLS@',
        COLUMNS,
      ),
    statements: [
      'setflag(«1|1|2|3»);',
      'setflag(1); setflag(2);',
      'setflag(1); setflag(3);',
      '$avp(k) = "kk";',
      'acc_db_request("«200 Fine|404 Nope|486|Text»", "«acc|missed_calls»");',
      't_on_failure("F");',
    ],
    max: 4,
    files: { 'acc.db': '' },
    routes: {
      'failure_route[F]':
        'xlog("L_INFO", "F $T_reply_code\\n"); «|setflag(2);|acc_db_request("480 Failed", "missed_calls");|$ru = "sip:f@127.0.0.44:15070"; t_relay();|t_reply("480", "Later");»',
    },
    end: '«$ru = "sip:a@127.0.0.41:15070"; t_relay();|t_newtran(); t_reply("«404|200|486»", "Mine");|sl_send_reply("403", "No");»',
    gateways: GATEWAYS,
    requests: [
      { method: '«INVITE|INVITE|OPTIONS»', to: '<sip:alice@to.example>', body: '' },
      { method: 'MESSAGE', at_ms: 900, cseq: 7, body: '' },
    ],
    wait_ms: 1100,
  },
  {
    area: 'htable-events',
    head: 'loadmodule "htable.so"\nloadmodule "rtimer.so"\nmodparam("htable", "timer_interval", 1)\nmodparam("htable", "htable", "a=>size=4;autoexpire=1;«|updateexpire=0;|initval=2;»")\nmodparam("htable", "htable", "b=>size=4;autoexpire=60;")«|\nmodparam("rtimer", "timer", "name=ta;interval=1;mode=1;")\nmodparam("rtimer", "exec", "timer=ta;route=TICK")»',
    statements: [
      '$sht(a=>«k1|k2|$rU») = «1|"v"»;',
      '$sht(b=>«k1|k2») = «1|"v"»;',
      '$shtex(a=>k1) = «1|3|0»;',
      '$shtex(b=>k1) = «1|3»;',
      'sht_setxs("b", "nx", "s", "1");',
    ],
    max: 3,
    end: 'sl_send_reply("200", "OK");',
    routes: {
      'event_route[htable:mod-init]': '$sht(a=>init) = "i"; $sht(b=>init) = 4; xlog("L_INFO", "init\\n");',
      'event_route[htable:expired:a]': 'xlog("L_INFO", "expired a $shtrecord(key) = $shtrecord(value)\\n");',
      'event_route[htable:expired:b]': 'xlog("L_INFO", "expired b $shtrecord(key) = $shtrecord(value)\\n");',
      'route[TICK]': 'if ($sht(b=>tick) == $null) { $sht(b=>tick) = 1; xlog("L_INFO", "tick\\n"); }',
    },
    probe: 'a=$sht(a=>k1) b=$sht(b=>k1) init=$sht(a=>init) $sht(b=>init)',
    wait_ms: 3200,
  },
];
