import type { Family } from './family.js';

/** Address of the media proxy of a case. */
export const MEDIA_PROXY = '127.0.0.45:22222';

const ANSWER_SDP =
  'v=0\\r\\no=- 9 9 IN IP4 127.0.0.41\\r\\ns=-\\r\\nc=IN IP4 127.0.0.41\\r\\nt=0 0\\r\\nm=audio 5000 RTP/AVP 0\\r\\n';

/** Reply of a gateway with SDP. */
const WITH_SDP = (code: number) =>
  `{"code":${code},"headers":["Contact: <sip:gw@127.0.0.41:15070>","Content-Type: application/sdp"],"body":"${ANSWER_SDP}"}`;

const FLAGS =
  '«|trust-address|replace-origin replace-session-connection|ICE=remove|ICE=force|RTP/AVP|RTP/SAVPF|RTP/AVPF trust-address|media-address=1.2.3.4|via-branch=1|via-branch=2|via-branch=auto|loop-protect|symmetric|asymmetric|rtcp-mux-offer rtcp-mux-demux|rtcp-mux-accept|SDES-off|DTLS=off|TOS=184|strict-source media-handover|port-latching|record-call=yes|delete-delay=5|address-family=IP6|transport-protocol=RTP/AVPF|label=caller|codec-strip-PCMA|codec-transcode-G722|codec-mask-all|direction=a direction=b|internal external|call-id=other|from-tag=ft2|to-tag|to-tag=tt2|nosuchflag|no-rtcp-attribute|generate-mid|external internal|force trust-address|metadata=x|»';

const SHOWN = 'body=$(rb{s.len}) du=$du';

/** The control protocol of rtpengine. */
export const MEDIA_FAMILIES: readonly Family[] = [
  {
    area: 'rtpengine',
    head: `loadmodule "rtpengine.so"\nloadmodule "textopsx.so"\nmodparam("rtpengine", "rtpengine_sock", "udp:${MEDIA_PROXY}")\nmodparam("rtpengine", "rtpengine_tout_ms", 1500)\nmodparam("rtpengine", "rtpengine_retr", 1)\nmodparam("rtpengine", "rtpengine_disable_tout", 1)«|\nmodparam("rtpengine", "extra_id_pv", "$avp(xid)")»«|\nmodparam("rtpengine", "write_sdp_pv", "$avp(sdp)")»\nmodparam("tm", "fr_timer", 300)`,
    begin: '«|$avp(xid) = "x1";»',
    statements: [
      `rtpengine_offer("${FLAGS}");`,
      `rtpengine_offer("${FLAGS}");`,
      'rtpengine_offer();',
      `rtpengine_answer("${FLAGS}");`,
      `rtpengine_manage("${FLAGS}");`,
      'rtpengine_manage();',
      'rtpengine_delete();',
      `rtpengine_delete("${FLAGS}");`,
      'rtpengine_query();',
      'start_recording();',
      'stop_recording();',
      '«block_media|unblock_media|block_dtmf|unblock_dtmf|silence_media|unsilence_media»(«|"label=caller"|"all"»);',
      'play_media("«file=/tmp/x.wav|file=/tmp/x.wav repeat-times=2|blob=abc»");',
      'stop_media();',
      'play_dtmf("«code=1|code=5 volume=10»");',
    ],
    probe: SHOWN,
    max: 2,
    routes: {
      'onreply_route[R]': `xlog("L_INFO", "R $rs has=$(rb{s.len})\\n"); «if (has_body("application/sdp")) rtpengine_answer("${FLAGS}");|rtpengine_manage("${FLAGS}");|if (has_body("application/sdp")) { rtpengine_answer(); xlog("L_INFO", "R rc=$rc\\n"); }|»`,
      'failure_route[F]': `xlog("L_INFO", "F $T_reply_code\\n"); «rtpengine_delete();|rtpengine_manage();|rtpengine_delete(); $du = "sip:127.0.0.44:15070"; rtpengine_offer("${FLAGS}"); t_relay();|»`,
    },
    end: 't_on_reply("R"); t_on_failure("F"); $du = "sip:127.0.0.41:15070"; t_relay();',
    media: '«ok|ok|ok|error»',
    gateways: `{"gw1":[«${WITH_SDP(200)}|[180,${WITH_SDP(200)}]|[${WITH_SDP(183)},${WITH_SDP(200)}]|486|[180,486]»],"gw4":[«${WITH_SDP(200)}|404»]}`,
    requests: [{ method: '«INVITE|INVITE|INVITE|OPTIONS|BYE|ACK»', to: '<sip:alice@to.example>«|;tag=tt»' }],
    wait_ms: 700,
  },
];
