import type { Token } from './token.js';

/** Words of Kamailio's language: never defines, and no names of routes without quotes. As observed with 5.6.3. */
export const RESERVED: ReadonlySet<string> = new Set(
  `ADVERTISE NAME add_rport add_tcp_alias advertise af alias and avpflags bool branch_route break case cfg_reset cfg_select clear_branches default defined
    desc drop dst_ip dst_port else eq error event_route exec exit failure_route flags force_rport force_send_socket force_tcp_alias forward
    forward_sctp forward_tcp forward_tls forward_udp from_uri ieq if import_file include_file ine isavpflagset isflagset kemi loadmodule
    log max_len method mod modparam modparamx myself name ne not onreply_route onsend_route or prefix proto remove_branch reply_route
    request_route resetavpflag resetflag return revert_uri rewritehost route sctp SCTP selval set_advertised_address set_advertised_port
    setavpflag setflag sethost sethostport seturi setuser setuserpass setport snd_af snd_ip snd_port snd_proto src_ip src_port sslv23 status
    strempty strip strip_tail strlen switch tcp TCP tls TLS to_af to_ip to_port to_proto to_uri udp UDP uri userphone virtual while ws WS
    wss WSS`.split(/\s+/),
);

/** Whether Kamailio reads a word as one of its language, or as a number with letters. */
export function isReserved({ kind, text }: Token): boolean {
  return kind === 'word' && (RESERVED.has(text) || /^[0-9]/.test(text));
}
