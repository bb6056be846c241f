import type { DialectName } from '../cfg/function-table.js';
import { recordedModules, recordedSignature } from './kamailio-signatures.js';

/** Functions of OpenSIPS that are not implemented, by the module that documents them. */
const NOT_HERE: Readonly<Record<string, string>> = {
  acc: 'acc_aaa_request acc_rad_request acc_diam_request',
  aaa_radius: 'radius_send_auth radius_send_acct',
  aaa_diameter: 'dm_send_request',
  auth_aaa: 'aaa_www_authorize aaa_proxy_authorize',
  auth_aka:
    'aka_www_authorize aka_proxy_authorize aka_www_challenge aka_proxy_challenge aka_av_add aka_av_drop aka_av_drop_all aka_av_fail',
  auth_jwt: 'jwt_db_authorize jwt_script_authorize jwt_authorize',
  b2b_entities: `b2b_server_new b2b_client_new b2b_init_request ua_session_server_init ua_session_client_start ua_session_update ua_session_reply ua_session_terminate
    ua_session_terminate_all`,
  b2b_logic: `b2b_bridge b2b_bridge_retry b2b_bridge_request b2b_trigger_scenario b2b_pass_request b2b_handle_reply b2b_send_reply b2b_delete_entity
    b2b_end_dlg_leg b2b_client_new_entity b2b_logic_ctx`,
  b2b_sca: 'sca_init_request sca_bridge_request',
  call_center: 'cc_handle_call cc_agent_login cc_agent_logout',
  call_control: 'call_control',
  callops: 'call_blind_transfer call_transfer_notify',
  carrierroute: 'cr_user_carrier cr_route cr_prime_route cr_nofallback_route cr_next_domain',
  cgrates: 'cgrates_acc cgrates_auth cgrates_cmd',
  closeddial: 'cd_lookup',
  compression: 'mc_compact mc_compress mc_decompress',
  cpl_c: 'cpl_run_script cpl_process_register cpl_process_register_norpl',
  dialog: 'dlg_inc_cseq',
  clusterer: 'cluster_send_req cluster_send_rpl cluster_broadcast_req cluster_check_addr',
  domainpolicy: 'dp_can_connect dp_apply_policy',
  emergency: 'emergency_call',
  event_sqs: 'sqs_send_message',
  http2d: 'http2_send_response',
  event_kafka: 'kafka_publish',
  event_routing: 'notify_on_event wait_for_event',
  freeswitch_scripting: 'freeswitch_esl',
  group: 'aaa_is_user_in',
  h350: 'h350_sipuri_lookup h350_auth_lookup h350_result_call_preferences h350_result_service_level',
  identity: 'authservice verifier',
  imc: 'imc_manager',
  jsonrpc: 'jsonrpc_request jsonrpc_notification',
  launch_darkly: 'ld_feature_enabled',
  ldap: 'ldap_search ldap_result ldap_result_check ldap_result_next ldap_filter_url_encode',
  lua: 'lua_exec lua_meminfo',
  mangler: 'sdp_mangle_ip sdp_mangle_port encode_contact decode_contact decode_contact_header',
  media_exchange: `media_fork_to_uri media_fork_from_call media_fork_pause media_fork_resume media_exchange_from_uri media_exchange_to_call media_terminate
    media_handle_indialog media_indialog`,
  mediaproxy: 'engage_media_proxy use_media_proxy end_media_session',
  mmgeoip: 'mmg_lookup',
  msilo: 'm_store m_dump',
  msrp_gateway: 'msrp_gw_answer',
  msrp_ua: 'msrp_ua_answer',
  osp: `checkospheader validateospheader getlocaladdress setrfc3325 requestosprouting checkosproute prepareosproute prepareresponse prepareallosproutes checkcallingtranslation
    reportospusage processsubscribe`,
  peering: 'verify_destination verify_source',
  perl: 'perl_exec_simple perl_exec',
  pua_usrloc: 'pua_set_publish',
  pua_dialoginfo: 'dialoginfo_set dialoginfo_set_branch_callee dialoginfo_mute_branch',
  prometheus: 'prometheus_declare_stat prometheus_push_stat',
  proto_ipsec: 'ipsec_create',
  python: 'python_exec',
  qrouting: 'qr_set_xstat qr_disable_dst qr_enable_dst',
  rabbitmq: 'rabbitmq_publish',
  rate_cacher:
    'get_rate_price_prefix get_client_price get_vendor_price cost_based_routing cost_based_filtering cost_based_ordering',
  rls: 'rls_handle_subscribe rls_handle_notify',
  rtp_relay: 'rtp_relay_copy_offer rtp_relay_copy_answer rtp_relay_copy_delete',
  rtpproxy: 'rtpproxy_all_stats',
  seas: 'as_relay_t as_relay_sl',
  sipcapture: 'sip_capture report_capture hep_set hep_get hep_del hep_relay hep_resume_sip',
  sip_i: 'add_isup_part',
  siprec:
    'siprec_start_recording siprec_pause_recording siprec_resume_recording siprec_stop_recording siprec_send_indialog',
  smpp: 'send_smpp_message',
  sms: 'sms_send_msg_to_net sms_send_msg',
  sngtc: 'sngtc_offer sngtc_callee_answer sngtc_caller_answer',
  stir_shaken: 'stir_shaken_disengagement',
  tm: 't_write_req t_write_unix',
  topology_hiding: 'topology_hiding_callid',
  trie: 'trie_search',
  uri: 'is_user aaa_does_uri_exist aaa_does_uri_user_exist',
  xcap_client: 'xcap_get',
};

/**
 * Functions of Kamailio that are not implemented, by module: those that the file check of 5.6.3 knows, and some of
 * modules that it does not have.
 */
const KAMAILIO_NOT_HERE: Readonly<Record<string, string>> = {
  app_jsdt: 'jsdt_run jsdt_dofile jsdt_dostring jsdt_runstring',
  app_lua: 'lua_run lua_dofile lua_dostring lua_runstring',
  app_perl: 'perl_exec perl_exec_simple',
  app_python3: 'python_exec',
  app_sqlang: 'sqlang_run sqlang_dofile sqlang_dostring sqlang_runstring',
  auth_identity: 'auth_add_identity vrfy_check_date',
  auth_xkeys: 'auth_xkeys_add auth_xkeys_check',
  avp: 'set_attr print_attr del_attr subst_attr flags2attr',
  blst: 'blst_add blst_add_retry_after blst_del blst_is_blocklisted',
  call_control: 'call_control',
  call_obj: 'call_obj_get call_obj_free',
  carrierroute: 'cr_route cr_nofallback_route cr_next_domain cr_user_carrier',
  cnxcc: 'cnxcc_set_max_credit cnxcc_set_max_time cnxcc_terminate_all',
  crypto: 'crypto_aes_encrypt crypto_aes_decrypt crypto_hmac_sha256',
  dialog: 'dlg_bridge dlg_refer',
  dmq: 'dmq_handle_message dmq_process_message dmq_send_message dmq_bcast_message dmq_t_replicate dmq_is_from_node',
  domainpolicy: 'dp_can_connect dp_apply_policy',
  evapi:
    'evapi_relay evapi_async_relay evapi_multicast evapi_async_multicast evapi_unicast evapi_async_unicast evapi_close evapi_set_tag',
  geoip: 'geoip_match',
  geoip2: 'geoip2_match',
  http_async_client: 'http_async_query',
  imc: 'imc_manager',
  janssonrpcc: 'janssonrpc_notification janssonrpc_request',
  jsonrpcc: 'jsonrpc_notification jsonrpc_request',
  kafka: 'kafka_send',
  keepalive: 'ka_add_destination ka_del_destination',
  lcr: 'load_gws next_gw from_gw from_any_gw to_gw to_any_gw inactivate_gw defunct_gw',
  lost: 'lost_held_query lost_query',
  mangler: 'sdp_mangle_ip sdp_mangle_port',
  matrix: 'matrix',
  mediaproxy: 'use_media_proxy end_media_session engage_media_proxy',
  mohqueue: 'mohq_process mohq_send mohq_retrieve',
  msilo: 'm_store m_dump',
  nats: 'nats_publish',
  ndb_redis: 'redis_cmd redis_execute redis_free',
  pdt: 'prefix2domain pd_translate',
  phonenum: 'phonenum_match phonenum_match_cn',
  prefix_route: 'prefix_route',
  presence: 'pres_auth_status pres_refresh_watchers pres_update_watchers',
  pua: 'pua_update_contact',
  pua_usrloc: 'pua_set_publish',
  pv_headers:
    'pvh_collect_headers pvh_apply_headers pvh_reset_headers pvh_check_header pvh_append_header pvh_modify_header pvh_remove_header pvh_header_param_exists',
  rabbitmq: 'rabbitmq_publish',
  rls: 'rls_handle_subscribe rls_update_subs',
  rtjson: 'rtjson_init_routes rtjson_push_routes rtjson_next_route rtjson_update_branch',
  rtp_media_server: 'rms_answer rms_play rms_hangup',
  sca: 'sca_call_info_update sca_handle_subscribe',
  seas: 'as_relay_t as_relay_sl',
  secsipid: 'secsipid_check_identity secsipid_add_identity',
  sipcapture: 'sip_capture report_capture float2int',
  sipjson: 'sj_serialize',
  sipt: 'sipt_destination sipt_set_calling sipt_forwarding',
  slack: 'slack_send',
  sms: 'sms_send_msg',
  smsops: 'smsdump isRPDATA',
  ss7ops: 'isup_to_json',
  tsilo: 'ts_store ts_append ts_append_to',
  userblocklist: 'check_user_blocklist check_user_allowlist check_blocklist check_allowlist',
  websocket: 'ws_close',
  xcap_server: 'xcaps_put xcaps_get xcaps_del',
  xmpp: 'xmpp_send_message',
};

const byDialect: Readonly<Record<DialectName, Readonly<Record<string, string>>>> = {
  opensips: NOT_HERE,
  kamailio: KAMAILIO_NOT_HERE,
};

const modules = new Map<DialectName, ReadonlyMap<string, string>>();

/** The module that has a function which is not implemented; undefined for other names. */
export function moduleOfMissing(name: string, dialect: DialectName): string | undefined {
  let known = modules.get(dialect);
  if (known === undefined) {
    known = new Map(
      Object.entries(byDialect[dialect]).flatMap(([module, names]) =>
        names.split(/[ \t\r\n]+/).map((each): [string, string] => [each, module]),
      ),
    );
    modules.set(dialect, known);
  }
  // Those with a recorded signature need no line in the table.
  return known.get(name) ?? (dialect === 'kamailio' ? recordedSignature([], name)?.module : undefined);
}

/**
 * Functions of a module that is not implemented. Those with a recorded signature need no line in the table; another
 * module may have one of the same name.
 */
export function functionsMissingOf(module: string, dialect: DialectName): string[] {
  const all = byDialect[dialect];
  if (Object.hasOwn(all, module)) return (all[module] ?? '').split(/[ \t\r\n]+/);
  return dialect === 'kamailio' ? [...(recordedModules().get(module)?.keys() ?? [])] : [];
}

/** All functions of a dialect that are known not to be implemented. */
export function missingFunctions(dialect: DialectName): string[] {
  return Object.values(byDialect[dialect]).flatMap((names) => names.split(/[ \t\r\n]+/));
}
