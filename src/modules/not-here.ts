/** Functions of OpenSIPS that are not implemented, by the module that documents them. */
const NOT_HERE: Readonly<Record<string, string>> = {
  acc: 'acc_aaa_request acc_rad_request acc_diam_request',
  aaa_radius: 'radius_send_auth radius_send_acct',
  aaa_diameter: 'dm_send_request',
  auth: 'append_rpid_hf is_rpid_user_e164',
  auth_aaa: 'aaa_www_authorize aaa_proxy_authorize aaa_does_uri_exist aaa_does_uri_user_exist',
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
  domainpolicy: 'dp_can_connect dp_apply_policy',
  emergency: 'emergency_call',
  enum: 'i_enum_query isn_query is_from_user_enum',
  event_kafka: 'kafka_publish',
  event_routing: 'notify_on_event wait_for_event',
  freeswitch_scripting: 'freeswitch_esl',
  group: 'db_get_user_group aaa_is_user_in',
  h350: 'h350_sipuri_lookup h350_auth_lookup h350_result_call_preferences h350_result_service_level',
  identity: 'authservice verifier',
  imc: 'imc_manager',
  json: 'json_link json_merge',
  jsonrpc: 'jsonrpc_request jsonrpc_notification',
  launch_darkly: 'ld_feature_enabled',
  ldap: 'ldap_search ldap_result ldap_result_check ldap_result_next ldap_filter_url_encode',
  lua: 'lua_exec lua_meminfo',
  mangler: 'sdp_mangle_ip sdp_mangle_port encode_contact decode_contact decode_contact_header',
  media_exchange: `media_fork_to_uri media_fork_from_call media_fork_pause media_fork_resume media_exchange_from_uri media_exchange_to_call media_terminate
    media_handle_indialog media_indialog`,
  mediaproxy: 'engage_media_proxy use_media_proxy end_media_session',
  mi_script: 'mi',
  mmgeoip: 'mmg_lookup',
  msilo: 'm_store m_dump',
  osp: `checkospheader validateospheader getlocaladdress setrfc3325 requestosprouting checkosproute prepareosproute prepareresponse prepareallosproutes checkcallingtranslation
    reportospusage processsubscribe`,
  peering: 'verify_destination verify_source',
  perl: 'perl_exec_simple perl_exec',
  pua_usrloc: 'pua_set_publish',
  pua_dialoginfo: 'dialoginfo_set dialoginfo_set_branch_callee dialoginfo_mute_branch',
  python: 'python_exec',
  qrouting: 'qr_set_xstat qr_disable_dst qr_enable_dst',
  rabbitmq: 'rabbitmq_publish',
  rate_cacher:
    'get_rate_price_prefix get_client_price get_vendor_price cost_based_routing cost_based_filtering cost_based_ordering',
  rtp_relay: 'rtp_relay_engage rtp_relay_copy_offer rtp_relay_copy_answer rtp_relay_copy_delete',
  rtpengine: 'rtpengine_start_forwarding rtpengine_stop_forwarding',
  rtpproxy: `rtpproxy_engage engage_rtp_proxy rtpproxy_stream2uac rtpproxy_stream2uas rtpproxy_stop_stream2uac rtpproxy_stop_stream2uas rtpproxy_stats
    rtpproxy_all_stats`,
  seas: 'as_relay_t as_relay_sl',
  sip_i: 'add_isup_part',
  siprec:
    'siprec_start_recording siprec_pause_recording siprec_resume_recording siprec_stop_recording siprec_send_indialog',
  smpp: 'send_smpp_message',
  sms: 'sms_send_msg_to_net sms_send_msg',
  sngtc: 'sngtc_offer sngtc_callee_answer sngtc_caller_answer',
  tm: 't_write_req t_write_unix',
  topology_hiding: 'topology_hiding_callid',
  trie: 'trie_search',
  uac: 'uac_inc_cseq',
  userblacklist: 'check_user_blacklist check_blacklist check_user_whitelist',
  xcap_client: 'xcap_get',
};

let modules: ReadonlyMap<string, string> | undefined;

/** The module of OpenSIPS that documents a function which is not implemented; undefined for other names. */
export function moduleOfMissing(name: string): string | undefined {
  modules ??= new Map(
    Object.entries(NOT_HERE).flatMap(([module, names]) =>
      names.split(/\s+/).map((each): [string, string] => [each, module]),
    ),
  );
  return modules.get(name);
}

/** The functions of a module of OpenSIPS that are not implemented. */
export function functionsMissingOf(module: string): string[] {
  return Object.hasOwn(NOT_HERE, module) ? (NOT_HERE[module] ?? '').split(/\s+/) : [];
}

/** All functions of OpenSIPS that are known not to be implemented. */
export function missingFunctions(): string[] {
  return Object.values(NOT_HERE).flatMap((names) => names.split(/\s+/));
}
