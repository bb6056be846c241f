import type { Family } from './family.js';

const SHOWN = '$rm $rs $T_reply_code ru=$ru du=$du';

/** Routes that are run by events: states of the dispatcher, replies of the proxy, failed branches. */
export const EVENTS: readonly Family[] = [
  {
    area: 'events',
    head: 'loadmodule "dispatcher.so"\nmodparam("dispatcher", "list_file", "@CASE@/d.list")\nmodparam("dispatcher", "flags", 2)«|\nmodparam("tm", "failure_reply_mode", 3)»\nmodparam("tm", "fr_timer", 700)',
    files: {
      'd.list':
        '1 sip:127.0.0.41:15070 «0|1|8» 0\n1 sip:127.0.0.42:15070 0 5\n2 sip:user@127.0.0.43:15070 «0|4» 0\n2 sip:127.0.0.44:15070 0 0\n',
    },
    statements: [
      'ds_select_dst("«1|2»", "«4|8|0»");',
      'ds_mark_dst("«i|a|p|d|t|ip»");',
      'ds_mark_dst();',
      't_on_branch_failure("«BF|BG»");',
      't_on_failure("F");',
      't_newtran();',
      '$ru = "sip:«a@127.0.0.41|b@127.0.0.42|c@127.0.0.44»:15070";',
      'append_branch("sip:«d@127.0.0.43|e@127.0.0.44»:15070");',
      'append_to_reply("X-R: «1|$rU»\\r\\n");',
      'ds_is_from_list();',
      'ds_list_exists("«1|2|3»");',
      'setflag(2); $avp(k) = «"v"|$rU|5»;',
    ],
    probe: 'du=$du ru=$ru',
    max: 6,
    routes: {
      'event_route[dispatcher:dst-down]': `xlog("L_INFO", "down ${SHOWN}\\n");`,
      'event_route[dispatcher:dst-up]': `xlog("L_INFO", "up ${SHOWN}\\n");`,
      'event_route[tm:local-response]': 'xlog("L_INFO", "tm local $rm $rs $rr $hdr(X-R)\\n");',
      'event_route[sl:local-response]': 'xlog("L_INFO", "sl local $rm $rs $rr\\n");',
      'event_route[tm:branch-failure:BF]':
        'xlog("L_INFO", "BF i=$T_branch_idx $T_reply_code $T_rpl($rs) ru=$ru du=$du k=$avp(k)\\n"); «|if (t_check_status("«486|4..|503|[56]..»")) { $ru = "sip:n@127.0.0.44:15070"; t_on_branch_failure("BG"); t_relay(); }|append_branch("sip:o@127.0.0.«42|44»:15070"); t_relay(); xlog("L_INFO", "BF rc=$rc\\n");|$du = "sip:127.0.0.44:15070"; t_relay();|t_relay(); xlog("L_INFO", "BF rc=$rc\\n");|if (isflagset(2)) xlog("L_INFO", "flag\\n");|$avp(k) = "bf"; setflag(2);»',
      'event_route[tm:branch-failure:BG]': 'xlog("L_INFO", "BG i=$T_branch_idx $T_reply_code ru=$ru\\n");',
      'failure_route[F]':
        'xlog("L_INFO", "F i=$T_branch_idx $T_reply_code ru=$ru du=$du k=$avp(k)\\n"); «|if (ds_next_dst()) { t_on_failure("F"); t_on_branch_failure("BG"); t_relay(); }|ds_mark_dst("«i|p|t»"); xlog("L_INFO", "F rc=$rc\\n");|t_reply("«480|503»", "Later");»',
    },
    end: '«t_relay();|t_on_failure("F"); t_relay();|t_on_branch_failure("BF"); t_relay();|sl_send_reply("«404|503»", "Not here");|t_newtran(); t_reply("480", "Later");|send_reply("486", "Busy");»',
    gateways:
      '{"gw1":[«486|[180,486]|503|[{"code":404,"delay_ms":60}]»],"gw2":[«[{"code":480,"delay_ms":150}]|[{"code":200,"delay_ms":180}]|[{"code":302,"headers":["Contact: <sip:r@127.0.0.44:15070>"],"delay_ms":150}]»],"gw3":[«[{"code":486,"delay_ms":220}]|[{"code":500,"delay_ms":230}]»],"gw4":[«200|[{"code":486,"delay_ms":60}]|[180,404]»]}',
    requests: [{ method: '«INVITE|INVITE|OPTIONS»', ruri: 'sip:alice@127.0.0.41:15070' }],
    wait_ms: 1500,
  },
  {
    area: 'core-events',
    head: 'modparam("tm", "fr_timer", 700)',
    begin: 'xlog("L_INFO", "request $rm $var(p) $avp(p) $rc\\n");',
    statements: [
      '$var(p) = «1|"v"»;',
      't_on_reply("R");',
      'append_hf("X-A: 1\\r\\n");',
      'xlog("L_INFO", "@N@ $ru $avp(p) $hdr(X-P)\\n");',
    ],
    max: 3,
    routes: {
      'event_route[core:pre-routing]': `xlog("L_INFO", "pre $rm $rs $si $sp $hdr(CSeq) $avp(p)\\n"); «|$var(p) = 7;|$avp(p) = "x";|$ru = "sip:p@127.0.0.42:15070";|append_hf("X-P: 1\\r\\n");|setflag(2);|if ($rs == 180) drop;|if ($rs == 486) drop;|if (is_method("OPTIONS")) drop;|exit;|return 0;|drop;»`,
      'onreply_route[R]': 'xlog("L_INFO", "R $rs $var(p) $avp(p)\\n");',
      reply_route: '«|xlog("L_INFO", "global $rs $var(p) $avp(p)\\n");»',
      'event_route[core:worker-one-init]': '«|xlog("L_INFO", "init $rm $ru\\n");»',
    },
    end: '«t_relay();|$ru = "sip:a@127.0.0.41:15070"; t_relay();|sl_send_reply("404", "No");»',
    gateways: '{"gw1":[«200|[180,486]|486|[180,200]»],"gw2":[«200|404»]}',
    requests: [{ method: '«INVITE|OPTIONS|MESSAGE»', ruri: 'sip:alice@127.0.0.41:15070' }],
    wait_ms: 1000,
  },
];
