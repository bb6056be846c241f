import type { Family, Request } from './family.js';

const TO_TAG = '<sip:alice@to.example>;tag=gw1tag';
const FROM = '"Caller" <sip:caller@from.example>;tag=ft-@ID@';

/** A call to gw1 with ACK and BYE along the Route that the proxy recorded. */
function call(parameter: string): Request[] {
  const route = `Route: <sip:127.0.0.30:15060;lr=on${parameter}>`;
  return [
    { from: FROM, to: '<sip:alice@to.example>', ruri: 'sip:alice@127.0.0.41:15070' },
    { method: 'ACK', ruri: 'sip:gw@127.0.0.41:15070', from: FROM, to: TO_TAG, headers: route, body: '', at_ms: 250 },
    {
      method: '«INFO|OPTIONS|UPDATE»',
      ruri: 'sip:gw@127.0.0.41:15070',
      from: FROM,
      to: TO_TAG,
      headers: route,
      body: '',
      cseq: 2,
      at_ms: 350,
    },
    {
      method: 'BYE',
      ruri: 'sip:gw@127.0.0.41:15070',
      from: FROM,
      to: TO_TAG,
      headers: route,
      body: '',
      cseq: 3,
      at_ms: 500,
    },
  ];
}

const IN_DIALOG =
  'if (has_totag()) { if (loose_route()) { xlog("L_INFO", "$rm dialog fu=$fu tu=$tu «@DLG@|»\\n"); t_relay(); } else xlog("L_INFO", "$rm no route\\n"); exit; } if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; } record_route();';
const ANSWERS =
  '«{"gw1":[[180,{"code":200,"headers":["Contact: <sip:gw@127.0.0.41:15070>"]}],200]}|{"gw1":[[{"code":200,"headers":["Contact: <sip:gw@127.0.0.41:15070>"]}],200]}|{"gw1":[[183,486]]}|{"gw1":[[180,503],200]}»';
const DLG = 'st=$dlg(state) ref=$dlg(lifetime) $dlg_ctx(on) dir=$dlg_ctx(dir) var=[$dlg_var(k)] $DLG_status';

/** State that lasts for a transaction or a call. */
export const CALLS: readonly Family[] = [
  {
    area: 'dialog',
    head: 'loadmodule "dialog.so"\nmodparam("dialog", "dlg_match_mode", «1|2»)\nmodparam("dialog", "default_timeout", «60|3600»)\nmodparam("dialog", "profiles_with_value", "caller ; callee")\nmodparam("dialog", "profiles_no_value", "total")«|\nmodparam("dialog", "dlg_flag", 4)»«|\nmodparam("dialog", "timeout_avp", "$avp(to)")»«|\nmodparam("dialog", "detect_spirals", 1)»',
    begin: IN_DIALOG.replace('@DLG@', DLG),
    statements: [
      'dlg_manage();',
      'dlg_manage();',
      'setflag(4);',
      'set_dlg_profile("«caller|callee»", "«$fu|$rU|x»");',
      'set_dlg_profile("total");',
      'unset_dlg_profile("«caller|callee»", "«$fu|$rU|x»");',
      'unset_dlg_profile("total");',
      'is_in_profile("«caller|callee»", "«$fu|$rU|x»");',
      'is_in_profile("«caller|total»");',
      'get_profile_size("«caller|callee»", "«$fu|$rU|x»", "$var(n)"); xlog("L_INFO", "@N@ n=$var(n)\\n");',
      'get_profile_size("«total|caller»", "$avp(n)"); xlog("L_INFO", "@N@ n=$avp(n)\\n");',
      'dlg_setflag("«1|3»");',
      'dlg_resetflag("«1|3»");',
      'dlg_isflagset("«1|3|4»");',
      'dlg_set_timeout("«30|$var(x)»");',
      'dlg_set_property("«timeout-noreset|ka-src|»");',
      '«is_known_dlg()|dlg_get("$ci", "$ft", "$tt")|dlg_get("none", "a", "b")»;',
      '$dlg_var(«k|k2») = «"v"|$rU|5|$null»;',
      '$dlg_ctx(«timeout|timeout_bye») = «1|10|0»;',
      'xlog("L_INFO", "@N@ $dlg(from_tag) $dlg(to_tag) $dlg(callid) $dlg(from_uri) $dlg(to_uri) $dlg(from_cseq) $dlg(to_cseq) $dlg(from_contact) $dlg(state)\\n");',
      'xlog("L_INFO", "@N@ $DLG_count $DLG_lifetime $DLG_status\\n");',
      'dlg_set_timeout_by_profile("total", "«20|40»");',
    ],
    probe: DLG,
    routes: {
      'event_route[dialog:start]': `xlog("L_INFO", "start $rm ${DLG}\\n");`,
      'event_route[dialog:end]': `xlog("L_INFO", "end $rm ${DLG}\\n");`,
      'event_route[dialog:failed]': `xlog("L_INFO", "failed $rm ${DLG}\\n");`,
      'onreply_route[R]': `xlog("L_INFO", "R $rs ${DLG}\\n");`,
      'failure_route[F]': `xlog("L_INFO", "F $T_reply_code ${DLG}\\n"); «|@PICK@»`,
    },
    requests: call(''),
    gateways: ANSWERS,
    end: 't_on_reply("R"); t_on_failure("F"); t_relay();',
    wait_ms: 700,
    max: 6,
  },
  {
    area: 'uac',
    head: 'loadmodule "textopsx.so"\nloadmodule "uac.so"\nmodparam("uac", "restore_mode", "«manual|auto|auto»")«|\nmodparam("uac", "restore_passwd", "secret")»',
    begin: IN_DIALOG.replace('@DLG@', '$hdr(From) $hdr(To)'),
    statements: [
      'uac_replace_from("«|Anonymous|$rU|\\"Q\\"»", "«sip:anon@anon.example|sip:$rU@new.example|»");',
      'uac_replace_from("«sip:new@new.example|$fu|tel:123»");',
      'uac_replace_to("«|Nobody|$rU»", "«sip:to2@new.example|»");',
      'uac_replace_to("sip:nt@new.example;x=1");',
      'uac_restore_from();',
      'uac_restore_to();',
      'msg_apply_changes();',
    ],
    probe: 'fu=$fu tu=$tu fn=$fn',
    max: 3,
    requests: call(''),
    gateways: ANSWERS,
    routes: {
      'onreply_route[R]': 'xlog("L_INFO", "R $rs $hdr(From) $hdr(To)\\n");',
      'failure_route[F]': 'xlog("L_INFO", "F $fu $tu\\n"); «|$du = "sip:127.0.0.42:15070"; t_relay();»',
      'branch_route[B]': 'xlog("L_INFO", "B $fu\\n"); «||uac_replace_from("sip:br@branch.example");»',
    },
    end: '«|t_on_branch("B"); »t_on_reply("R"); t_on_failure("F"); t_relay();',
    wait_ms: 650,
  },
  {
    area: 'branches',
    head: 'loadmodule "textopsx.so"\n«|modparam("tm", "failure_reply_mode", «1|2|3»)\n»modparam("tm", "fr_timer", «800|1000»)\nmodparam("tm", "fr_inv_timer", «1200|1600»)«|\nmodparam("tm", "reparse_on_dns_failover", 0)»',
    begin:
      '$ru = "sip:a@127.0.0.41:15070"; append_branch("sip:b@127.0.0.42:15070"«|, "0.5"»); «|append_branch("sip:c@127.0.0.43:15070"«|, "0.9"»);»',
    statements: [
      't_on_branch("B");',
      't_on_reply("R");',
      't_on_failure("F");',
      't_on_branch_failure("BF");',
      't_set_fr(«0|1300|1000», «0|800|900»);',
      't_newtran();',
      't_load_contacts(); t_next_contacts();',
      'setbflag(«1|2»);',
      'setflag(«1|2»);',
      '«clear_branches();|$du = "sip:127.0.0.44:15070";|t_set_disable_6xx(1);|t_set_auto_inv_100(0);|t_reset_fr();»',
      '$avp(k) = «1|$rU»;',
      'append_hf("X-T: 1\\r\\n");',
      'xlog("L_INFO", "@N@ $branch(count) $br $(branch(uri)[0])\\n");',
    ],
    max: 5,
    routes: {
      'branch_route[B]':
        'xlog("L_INFO", "B i=$T_branch_idx ru=$ru du=$du k=$avp(k)\\n"); «append_hf("X-B: $T_branch_idx\\r\\n");|if ($T_branch_idx == 1) drop;|$ru = "sip:z@127.0.0.44:15070";|if (isbflagset(1)) xlog("L_INFO", "flag\\n");|»',
      'onreply_route[R]':
        'xlog("L_INFO", "R i=$T_branch_idx $rs $rr\\n"); «|if ($rs == 180) drop;|append_hf("X-R: 1\\r\\n");|change_reply_status(«183|404», "New");|t_set_fr(«0|900», 800);|if (status =~ "5..") xlog("L_INFO", "five\\n");»',
      'failure_route[F]':
        'xlog("L_INFO", "F i=$T_branch_idx code=$T_reply_code ru=$ru k=$avp(k)\\n"); «|if (t_is_canceled()) exit;|if (t_check_status("«486|4..|503|[56]..»")) { $ru = "sip:f@127.0.0.44:15070"; t_on_failure("G"); t_relay(); }|t_reply("«480|600»", "Later");|$du = "sip:127.0.0.44:15070"; t_relay();|if (t_branch_timeout()) xlog("L_INFO", "timeout\\n"); if (t_branch_replied()) xlog("L_INFO", "replied\\n"); if (t_any_timeout()) xlog("L_INFO", "any\\n"); if (t_any_replied()) xlog("L_INFO", "anyr\\n");|append_branch("sip:h@127.0.0.44:15070"); append_branch("sip:i@127.0.0.41:15070"); t_relay();|t_next_contacts(); t_relay();|t_grep_status("«486|503|404»"); xlog("L_INFO", "grep $rc\\n");|t_drop_replies(«|"a"|"l"|"n"»); $du = "sip:127.0.0.44:15070"; t_relay();»',
      'failure_route[G]': 'xlog("L_INFO", "G i=$T_branch_idx code=$T_reply_code\\n");',
      'event_route[tm:branch-failure:BF]':
        'xlog("L_INFO", "BF i=$T_branch_idx $T_reply_code $ru\\n"); «|if (t_check_status("«486|5..»")) { $ru = "sip:n@127.0.0.44:15070"; t_relay(); }»',
    },
    end: '«t_on_failure("F"); |»t_relay(); «|xlog("L_INFO", "relayed $rc\\n");»',
    gateways:
      '{"gw1":[«486|[180,486]|[180,200]|503|[{"code":404,"delay_ms":60}]|[183,{"code":480,"delay_ms":80}]|[]»],"gw2":[«[{"code":480,"delay_ms":150}]|[180,{"code":486,"delay_ms":120}]|[{"code":200,"delay_ms":180}]|[{"code":603,"delay_ms":140}]|[{"code":302,"headers":["Contact: <sip:r@127.0.0.44:15070>"],"delay_ms":150}]»],"gw3":[«[{"code":486,"delay_ms":220}]|[{"code":500,"delay_ms":230}]|[{"code":200,"delay_ms":240}]»],"gw4":[«200|[{"code":486,"delay_ms":60}]|[180,404]»]}',
    requests: [{ method: '«INVITE|INVITE|OPTIONS»' }],
    wait_ms: 2200,
  },
  {
    area: 'dispatching',
    head: 'loadmodule "dispatcher.so"\nmodparam("dispatcher", "list_file", "@CASE@/d.list")\nmodparam("dispatcher", "flags", «2|3|0»)\nmodparam("dispatcher", "xavp_dst", "«_dsdst_|dd»")\nmodparam("dispatcher", "xavp_ctx", "_dsctx_")«|\nmodparam("dispatcher", "use_default", 1)»«|\nmodparam("dispatcher", "force_dst", 0)»«|\nmodparam("dispatcher", "ds_hash_size", 4)»«|\nmodparam("dispatcher", "hash_pvar", "$avp(h)")»\nmodparam("tm", "fr_timer", 300)',
    files: {
      'd.list':
        '1 sip:127.0.0.41:15070 0 «0|5» weight=«20|50|100»;duid=a;rweight=«10|50»;maxload=«1|5»\n1 sip:127.0.0.42:15070«|;transport=udp» «0|0|1|8» «0|5» weight=«80|50»;duid=b;rweight=50;maxload=2\n1 sip:127.0.0.43:15070 0 0 duid=c;weight=«1|30»;rweight=40«|;socket=udp:127.0.0.30:15060»\n2 sip:127.0.0.44:15070 0 0 duid=d;weight=100\n2 sip:user@127.0.0.41:15070;x=1 «0|2» «0|3» duid=e\n3 sip:127.0.0.42:15070 1 0 \n',
    },
    begin: '$var(s) = «1|2»; $var(a) = «4|8|0»; $avp(h) = "«abc|k»";',
    statements: [
      'ds_select_dst("«1|2|3|9|$var(s)»", "«0|1|2|3|4|5|7|8|9|11|13|10|$var(a)»"«|, "«1|2|9»"»);',
      'ds_select_domain("«1|2|3|9»", "«0|4|8|9|$var(a)»"«|, "2"»);',
      'ds_select("«1|2|3»", "«4|8|0»");',
      'ds_select_routes("«1=8|1=4;2=8|2=8;1=9|3=8;2=4|x»", "«0|r|d»"«|, "«2|5»"»);',
      '«ds_next_dst();|ds_next_domain();|ds_set_dst();|ds_set_domain();»',
      'ds_mark_dst(«|"i"|"ip"|"a"|"t"|"d"|"p"|"x"»);',
      'ds_is_from_list(«|"1"|"2"|"9"»);',
      'ds_is_from_list("«1|2|-1»", "«0|1|2|3»");',
      'ds_is_from_list("«1|2|-1»", "«0|1|2|3|8»", "«sip:127.0.0.42:15070|sip:127.0.0.41|sip:127.0.0.44:15070;transport=tcp|sip:9.9.9.9|bad»");',
      'ds_list_exists("«1|2|3|9|$var(s)»");',
      'ds_is_active("«1|2|3|9»"«|, "sip:127.0.0.«42|43»:15070"»);',
      'ds_load_update();',
      'ds_load_unset();',
      'xlog("L_INFO", "@N@ $xavp(_dsctx_=>cnt) $xavp(_dsdst_=>uri) $xavp(_dsdst_=>grp) $xavp(_dsdst_=>attrs) $xavp(_dsdst_=>dstidx) $xavp(_dsdst_[1]=>uri) $xavp(_dsdst_[2]=>uri)\\n");',
      'xlog("L_INFO", "@N@ $xavp(dd=>uri) $xavp(dd[1]=>uri) $xavp(_dsdst_=>sockname) $xavp(_dsdst_=>duid) $xavp(_dsdst_=>weight)\\n");',
    ],
    probe: 'ru=$ru du=$du fs=$fs',
    max: 5,
    routes: {
      'failure_route[F]':
        'xlog("L_INFO", "F $T_reply_code $du\\n"); «|ds_mark_dst("«p|i|ip|t»");» if («ds_next_dst()|ds_next_domain()») { xlog("L_INFO", "next $du $ru\\n"); t_on_failure("F"); t_relay(); exit; } xlog("L_INFO", "none $rc\\n");',
    },
    end: 't_on_failure("F"); t_relay(); «|exit;»',
    gateways: '{"gw1":[«503|200|486»],"gw2":[«503|404|200»],"gw3":[«500|200»],"gw4":[«603|200»]}',
    requests: [
      {
        method: '«INVITE|OPTIONS»',
        body: '',
        ruri: '«sip:alice@dest.example|sip:bob@127.0.0.42:15070|sip:dest.example:5070»',
      },
    ],
    wait_ms: 400,
  },
];
