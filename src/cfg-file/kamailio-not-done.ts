import type { ConfigurationTree } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import { callsIn } from '../cfg/visit.js';

/**
 * Parameters of Kamailio's modules that change what it does with a message, a dialog or a row, and that are not carried
 * out here. By module, one on each line: the name, "=", the values that need nothing to be done (with "|" between
 * them), and what happens here instead. Without a text the parameter is named only.
 */
const NOT_DONE: Readonly<Record<string, string>> = {
  acc: `
    cdr_expired_dlg_enable=0
    cdr_extra_nullable=0 | columns without a value are empty
    clone_msg=1`,
  auth: `
    add_authinfo_hdr=0 | no Authentication-Info is sent
    nonce_auth_max_drift=3
    realm_prefix= | realms are taken as they are
    use_domain=0`,
  corex: `
    alias_subdomains= | subdomains are not local: an alias names a host
    nio_intercept=0 | event_route[network:msg] is not run`,
  dialog: `
    bridge_contact=
    bridge_controller=
    db_mode=0 | dialogs are in memory: they stay over a reload, not over a restart
    db_skip_load=0|1
    detect_spirals=1
    dlg_ctxiuid_mode=0
    dlg_filter_mode=0
    early_timeout=300
    enable_dmq=0 | dialogs are not shared by dmq
    initial_cbs_inscript=1
    ka_interval=0 | no requests keep dialogs alive
    ka_timer=0 | no requests keep dialogs alive
    keep_proxy_rr=0
    lreq_callee_headers= | requests of dialog have no further fields
    noack_timeout=60
    timeout_noreset=0
    wait_ack=0|1
    xavp_cfg=`,
  drouting: `
    enable_keepalive=0 | gateways are not probed
    force_dns=0|1
    ruri_avp=`,
  exec: `
    setvars=0|1
    time_to_kill=0`,
  htable: `
    dmq_init_sync=0 | tables are not shared by dmq
    enable_dmq=0 | tables are not shared by dmq`,
  mqueue: `
    db_url= | queues are in memory: they do not stay over a restart`,
  mtree: `
    pv_count=
    pv_dstid=
    pv_weight=`,
  nathelper: `
    filter_server_id=0 | contacts of all servers are pinged
    force_socket=
    natping_socket=`,
  path: `
    received_format=0
    received_name=received
    sockname_mode=0`,
  pipelimit: `
    clean_unused=0
    timer_mode=0|1`,
  pdt: `
    check_domain=1`,
  registrar: `
    aor_avp=
    lookup_filter_mode=0 | contacts are not filtered
    path_check_local=0
    reg_callid_avp=
    regid_mode=0
    sock_flag=-1
    sock_mode=0
    use_expired_contacts=0 | expired contacts are not found
    xavp_rcd_mask=0`,
  rr: `
    sockname_mode=0 | Record-Route has the address of the socket`,
  rtpengine: `
    db_url= | media proxies are those of rtpengine_sock: none are read from the database
    force_send_interface=
    media_duration=
    rtp_inst_pvar=
    rtpengine_allow_op=0
    wsapi=`,
  rtpproxy: `
    ice_candidate_priority_avp=
    rtp_inst_pvar=
    timeout_socket= | the media proxy gets no socket for its timeouts`,
  siptrace: `
    evcb_msg=
    trace_to_database=0 | no rows are written: messages go to the HEP server
    traced_user_avp=
    xheaders_read=0
    xheaders_write=0`,
  sl: `
    event_callback_fl_ack=
    event_callback_lres_sent=`,
  sqlops: `
    connect_mode=0|1`,
  tcpops: `
    closed_event=1`,
  tm: `
    blst_503=0 | no host goes on a list because it answered 503
    callid_cseq_matching=0 | replies are matched by the branch of their Via
    dns_reuse_rcv_socket=0
    enable_uac_fr=0 | failure routes do not run for requests of uac
    event_callback_lres_sent=
    local_ack_mode=0
    reparse_invite=1 | a CANCEL and an ACK are made from the request as it was sent
    reparse_on_dns_failover=0|1`,
  topos: `
    context=
    db_url= | dialogs are in memory: they stay over a reload, not over a restart
    header_mode=0
    mask_callid=0 | Call-IDs stay as they are
    storage=db | dialogs are in memory: they stay over a reload, not over a restart
    xavu_cfg=`,
  uac: `
    default_socket=
    reg_active=0|1
    reg_db_url= | this proxy registers nowhere`,
  uac_redirect: `
    acc_db_table=
    acc_function=
    bflags=0
    flags_hdr_mode=0`,
  usrloc: `
    db_check_update=0
    db_insert_update=0
    db_load=1
    db_timer_clean=0
    desc_time_order=0
    rm_expired_delay=0
    server_id_filter=0 | contacts of all servers are read
    skip_remote_socket=0`,
  xlog: `
    methods_filter=-1`,
};

interface NotDone {
  readonly neutral: ReadonlySet<string>;
  readonly instead: string;
}

const byModule: ReadonlyMap<string, ReadonlyMap<string, NotDone>> = new Map(
  Object.entries(NOT_DONE).map(([module, text]) => [
    module,
    new Map(
      text
        .trim()
        .split('\n')
        .map((line) => {
          const [setting = '', instead = ''] = line.trim().split(/ *\| (.*)/);
          const [name = '', neutral = ''] = setting.split('=');
          return [name, { neutral: new Set(neutral.split('|')), instead }] as const;
        }),
    ),
  ]),
);

/** Parameters that name a function of a script in another language (KEMI), which does not run here. */
const CALLBACK = /^event_callback(?:_\w+)?$/;

/** With outbound, add_path() without a user writes a flow token (RFC 5626), by which a request finds the connection. */
function checkFlowTokens(tree: ConfigurationTree, loaded: ReadonlySet<string>, problems: Problems): void {
  if (!loaded.has('outbound')) return;
  for (const { body } of tree.routes) {
    for (const call of callsIn(body)) {
      if (call.kind !== 'call' || call.name !== 'add_path' || call.args.length > 0) continue;
      const instead = 'clients behind NAT and browsers are not found again; add_path_received() notes where they are';
      problems.warning('not-done', call.at, `add_path() writes no flow token of outbound: ${instead}`);
    }
  }
}

/**
 * Warns about parameters of the loaded modules whose value asks for something that is not done here, and about functions
 * of which a part is not done. A value that asks for nothing, as a rule the default, is accepted without a word.
 */
export function checkNotDone(tree: ConfigurationTree, loaded: ReadonlySet<string>, problems: Problems): void {
  checkFlowTokens(tree, loaded, problems);
  for (const { module, name, value, at } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      if (!loaded.has(each)) continue;
      const found = byModule.get(each)?.get(name);
      if (found?.neutral.has(String(value)) === false) {
        const instead = found.instead === '' ? 'has no effect here' : `is not carried out: ${found.instead}`;
        problems.warning('not-done', at, `parameter "${name}" of ${each} ${instead}`);
      } else if (CALLBACK.test(name) && each !== 'dispatcher' && value !== '') {
        problems.warning('not-done', at, `parameter "${name}" of ${each} names a function of a script that is not run`);
      }
    }
  }
}
