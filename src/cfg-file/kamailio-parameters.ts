import type { ConfigurationTree } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';

/**
 * The parameters of Kamailio's modules with their types, observed with the file check of 5.6.3: i number, s string, a
 * either.
 */
const RECORDED: Readonly<Record<string, string>> = {
  acc: `nats_flag:i nats_missed_flag:i acc_callid_column:s acc_extra_nullable:i acc_extra_size:i acc_from_tag_column:s acc_method_column:s acc_prepare_always:i
    acc_prepare_flag:i acc_sip_code_column:s acc_sip_reason_column:s acc_time_column:s acc_to_tag_column:s cdr_duration_id:s
    cdr_enable:i cdr_end_id:s cdr_expired_dlg_enable:i cdr_extra:s cdr_extra_nullable:i cdr_extra_size:i cdr_facility:s cdr_log_enable:i
    cdr_on_failed:i cdr_skip:s cdr_start_id:s cdr_start_on_confirmed:i cdrs_table:s clone_msg:i db_extra:s db_flag:i db_insert_mode:i
    db_missed_flag:i db_table_acc:s db_table_missed_calls:s db_url:s detect_direction:i early_media:i failed_filter:s
    failed_transaction_flag:i log_extra:s log_facility:s log_flag:i log_level:i log_missed_flag:i multi_leg_info:s reason_from_hf:i
    report_ack:i report_cancels:i time_attr:s time_exten:s time_format:s time_mode:i`,
  alias_db: `alias_domain_column:s alias_user_column:s append_branches:i db_url:s domain_column:s domain_prefix:s use_domain:i user_column:s`,
  async: `ms_timer:i return:i workers:i`,
  auth: `add_authinfo_hdr:i algorithm:s auth_checks_in_dlg:i auth_checks_no_dlg:i auth_checks_register:i force_stateless_reply:i
    nc_array_order:i nc_array_size:i nid_pool_no:i nonce_auth_max_drift:i nonce_count:i nonce_expire:i one_time_nonce:i
    otn_in_flight_no:i otn_in_flight_order:i qop:s realm_prefix:s secret:s use_domain:i`,
  auth_db: `calculate_ha1:i db_url:s domain_column:s force_generate_avps:i load_credentials:s password_column:s password_column_2:s use_domain:i
    user_column:s version_table:i`,
  auth_xkeys: `auth_xkeys:s`,
  avpops: `attribute_column:s avp_table:s db_url:s domain_column:s type_column:s use_domain:i username_column:s uuid_column:s value_column:s db_scheme:s`,
  call_obj: `end:i start:i`,
  carrierroute: `avoid_failed_destinations:i carrier_name_carrier_col:s carrier_name_id_col:s carrier_name_table:s carrierfailureroute_carrier_col:s
    carrierfailureroute_description_col:s carrierfailureroute_domain_col:s carrierfailureroute_flags_col:s
    carrierfailureroute_host_name_col:s carrierfailureroute_id_col:s carrierfailureroute_mask_col:s
    carrierfailureroute_next_domain_col:s carrierfailureroute_reply_code_col:s carrierfailureroute_scan_prefix_col:s
    carrierfailureroute_table:s carrierroute_carrier_col:s carrierroute_description_col:s carrierroute_domain_col:s
    carrierroute_flags_col:s carrierroute_id_col:s carrierroute_mask_col:s carrierroute_prob_col:s carrierroute_rewrite_host_col:s
    carrierroute_rewrite_prefix_col:s carrierroute_rewrite_suffix_col:s carrierroute_scan_prefix_col:s carrierroute_strip_col:s
    carrierroute_table:s config_file:s config_source:s db_load_description:i db_url:s default_tree:s domain_name_domain_col:s
    domain_name_id_col:s domain_name_table:s fallback_default:i fetch_rows:i match_mode:i subscriber_carrier_col:s
    subscriber_domain_col:s subscriber_table:s subscriber_user_col:s use_domain:i`,
  cfg_db: `custom_tbl:s db_url:s transl_tbl:s`,
  cfg_rpc: '',
  cfgt: `basedir:s callid_prefix:s mask:i`,
  cfgutils: `hash_file:s initial_gflags:i initial_probability:i lock_set_size:i`,
  corex: `alias_subdomains:s dns_cache:s evcb_reply_out:s nio_intercept:i nio_min_msg_len:i nio_msg_avp:s`,
  counters: `script_cnt_grp_name:s script_counter:s`,
  ctl: `autoconversion:i binrpc:s binrpc_buffer_size:i binrpc_max_body_size:i binrpc_struct_max_body_size:i fifo:s mode:i user:a group:a`,
  db_text: `db_delim:s db_mode:i default_connection:s emptystring:i file_buffer_size:i max_result_rows:i`,
  debugger: `breakpoint:i cfgpkgcheck:i cfgtest:i cfgtrace:i cfgtrace_format:i log_assign:i log_facility:s log_level:i log_level_name:s
    log_prefix:s mod_facility_mode:i mod_hash_size:i mod_level_mode:i reset_msgid:i step_loops:i step_usleep:i mod_facility:s mod_level:s`,
  dialog: `bridge_contact:s bridge_controller:s call_id_column:s db_fetch_rows:i db_mode:i db_skip_load:i db_update_period:i db_url:s
    default_timeout:i detect_spirals:i dlg_extra_hdrs:s dlg_filter_mode:i dlg_flag:i dlg_match_mode:i early_timeout:i enable_dmq:i
    enable_stats:i end_timeout:i event_callback:s from_contact_column:s from_cseq_column:s from_route_column:s from_sock_column:s
    from_tag_column:s from_uri_column:s h_entry_column:s h_id_column:s h_id_start:i h_id_step:i hash_size:i initial_cbs_inscript:i
    ka_failed_limit:i ka_interval:i ka_timer:i keep_proxy_rr:i lreq_callee_headers:s noack_timeout:i profiles_no_value:s
    profiles_with_value:s rr_param:s send_bye:i sflags_column:s start_time_column:s state_column:s table_name:s timeout_avp:s
    timeout_column:s timeout_noreset:i timer_procs:i to_contact_column:s to_cseq_column:s to_route_column:s to_sock_column:s
    to_tag_column:s to_uri_column:s toroute_name_column:s track_cseq_updates:i vars_h_entry_column:s vars_h_id_column:s
    vars_key_column:s vars_table_name:s vars_value_column:s wait_ack:i`,
  dialplan: `append_branch:i attrs_col:s attrs_pvar:s db_url:s dpid_col:s fetch_rows:i match_dynamic:i match_exp_col:s match_len_col:s
    match_op_col:s pr_col:s reload_delta:i repl_exp_col:s subst_exp_col:s table_name:s`,
  dispatcher: `attrs_col:s attrs_pvname:s db_url:s destination_col:s ds_attrs_none:i ds_db_extra_attrs:s ds_default_socket:s ds_default_sockname:s
    ds_dns_interval:i ds_dns_mode:i ds_dns_ttl:i ds_hash_check_interval:i ds_hash_expire:i ds_hash_initexpire:i ds_hash_size:i
    ds_inactive_threshold:i ds_latency_estimator_alpha:i ds_load_mode:i ds_ping_from:s ds_ping_interval:i ds_ping_latency_stats:i
    ds_ping_method:s ds_ping_reply_codes:s ds_probing_mode:i ds_probing_threshold:i ds_timer_mode:i event_callback:s flags:i flags_col:s
    force_dst:i hash_pvar:s list_file:s outbound_proxy:s priority_col:s reload_delta:i setid_col:s setid_pvname:s table_name:s
    use_default:i xavp_ctx:s xavp_ctx_mode:i xavp_dst:s xavp_dst_mode:i`,
  diversion: `suffix:s`,
  dmq: `multi_notify:i notification_channel:s num_workers:i ping_interval:i server_address:s server_socket:s worker_usleep:i notification_address:s`,
  domain: `db_url:s did_col:s domain_attrs_table:s domain_col:s domain_table:s name_col:s register_myself:i type_col:s value_col:s`,
  drouting: `attrs_avp:s db_url:s drd_table:s drg_domain_col:s drg_grpid_col:s drg_table:s drg_user_col:s drl_table:s drr_table:s
    enable_keepalive:i fetch_rows:i force_dns:i ruri_avp:s sort_order:i use_domain:i`,
  enum: `bl_algorithm:s branchlabel:s domain_suffix:s i_enum_suffix:s tel_uri_params:s`,
  evrexec: `exec:s`,
  exec: `setvars:i time_to_kill:i`,
  http_client: `cacert:s cipher_suites:s client_cert:s client_key:s config_file:s connection_timeout:i httpcon:s httpproxy:s httpproxyport:i
    httpredirect:i authmethod:i keep_connections:i maxdatasize:i netinterface:s query_maxdatasize:i query_result:i tlsversion:i
    useragent:s verify_host:i verify_peer:i`,
  htable: `array_size_suffix:s db_expires:i db_url:s dmq_init_sync:i enable_dmq:i event_callback:s event_callback_mode:i expires_column:s
    fetch_rows:i key_name_column:s key_type_column:s key_value_column:s timer_interval:i timer_procs:i value_type_column:s htable:s`,
  ipops: '',
  jsonrpcs: `dgram_group:a dgram_mode:i dgram_socket:s dgram_timeout:i dgram_user:a dgram_workers:i fifo_group:a fifo_mode:i fifo_name:s
    fifo_reply_dir:s fifo_user:a pretty_format:i transport:i`,
  keepalive: `delete_counter:i destination:s ping_from:s ping_interval:i`,
  kex: '',
  lcr: `db_url:s defunct_capability:i defunct_column:s defunct_gw_avp:s dont_strip_or_prefix_flag:i enabled_column:s fetch_rows:i
    flags_avp:s flags_column:s from_uri_column:s gw_id_column:s gw_name_column:s gw_uri_avp:s hostname_column:s id_column:s
    ip_addr_column:s lcr_count:i lcr_gw_count:i lcr_gw_table:s lcr_id_avp:s lcr_id_column:s lcr_rule_hash_size:i lcr_rule_table:s
    lcr_rule_target_table:s mt_pv_values:s mt_tvalue_column:s mtree:s params_column:s ping_from:s ping_inactivate_threshold:i
    ping_interval:i ping_socket:s ping_valid_reply_codes:s port_column:s prefix_column:s priority_column:s priority_ordering:i
    request_uri_column:s rule_id_avp:s rule_id_column:s ruri_user_avp:s stopper_column:s strip_column:s tag_avp:s tag_column:s
    transport_column:s uri_scheme_column:s weight_column:s`,
  log_custom: '',
  maxfwd: `max_limit:i`,
  mqueue: `db_url:s mqueue_addmode:i mqueue_name:s mqueue_size:i mqueue:s`,
  msrp: `auth_max_expires:i auth_min_expires:i cmap_size:i event_callback:s sipmsg:i timer_interval:i use_path_addr:s`,
  mtree: `char_list:s db_table:s db_url:s fetch_rows:i mt_allow_duplicates:i mt_ignore_duplicates:i mt_tree_type:i pv_count:s pv_dstid:s
    pv_value:s pv_values:s pv_weight:s tname_column:s tprefix_column:s tvalue_column:s mtree:s`,
  nat_traversal: `contact_match:i keepalive_extra_headers:s keepalive_from:s keepalive_interval:i keepalive_method:s keepalive_state_file:s`,
  nathelper: `alias_name:s append_sdp_oldmediaip:i filter_server_id:i force_socket:s keepalive_timeout:i nat_addr_mode:i natping_disable_bflag:i
    natping_interval:i natping_processes:i natping_socket:s nortpproxy_str:s ping_nated_only:i received_avp:s sipping_bflag:i
    sipping_from:s sipping_method:s udpping_from_path:i`,
  path: `enable_r2:i received_format:i received_name:s sockname_mode:i use_received:i`,
  pdt: `char_list:s check_domain:i db_table:s db_url:s domain_column:s fetch_rows:i prefix:s prefix_column:s sdomain_column:s`,
  permissions: `address_file:s address_table:s allow_suffix:s check_all_branches:i db_mode:i db_url:s default_allow_file:s default_deny_file:s
    deny_suffix:s from_col:s grp_col:s ip_addr_col:s load_backends:i mask_col:s max_subnets:i peer_tag_avp:s peer_tag_mode:i port_col:s
    priority_col:s proto_col:s reload_delta:i ruri_col:s source_col:s tag_col:s trusted_cleanup_interval:i trusted_table:s`,
  pike: `pike_log_level:i remove_latency:i reqs_density_per_unit:i sampling_time_unit:i`,
  pipelimit: `clean_unused:i db_url:s hash_size:i load_fetch:i plp_algorithm_column:s plp_limit_column:s plp_pipeid_column:s plp_table_name:s
    reply_code:i reply_reason:s timer_interval:i timer_mode:i`,
  prefix_route: `db_table:s db_url:s exit:i`,
  pv: `shvset:s varset:s avp_aliases:s`,
  pv_headers: `auto_msg:i header_apply_flag:i header_collect_flag:i header_value_size:i skip_headers:s split_headers:s xavi_name:s`,
  ratelimit: `timer_interval:i pipe:s queue:s`,
  regex: `file:s group_max_size:i max_groups:i pcre_caseless:i pcre_dotall:i pcre_extended:i pcre_multiline:i`,
  registrar: `append_branches:i case_sensitive:i contact_max_size:i default_expires:i default_expires_range:i default_q:i event_callback:s
    expires_range:i flow_timer:i gruu_enabled:i lookup_filter_mode:i max_contacts:i max_expires:i method_filtering:i min_expires:i
    min_expires_mode:i outbound_mode:i path_check_local:i path_mode:i path_use_received:i realm_prefix:s received_avp:s received_param:s
    regid_mode:i retry_after:i sock_flag:i sock_hdr_name:s sock_mode:i use_expired_contacts:i use_path:i xavp_cfg:s xavp_rcd:s
    xavp_rcd_mask:i aor_avp:s reg_callid_avp:s`,
  rr: `add_username:i append_fromtag:i custom_user_avp:s enable_double_rr:i enable_full_lr:i enable_socket_mismatch_warning:i
    force_send_socket:i ignore_sips:i sockname_mode:i`,
  rtimer: `default_interval:i timer:s exec:s`,
  rtjson: `xavp_cfg:s`,
  rtpengine: `aggressive_redetection:i control_cmd_tos:i db_url:s disabled_col:s extra_id_pv:s force_send_interface:s hash_algo:i
    hash_table_size:i hash_table_tout:i media_duration:s mos_A_label_pv:s mos_B_label_pv:s mos_average_A_pv:s mos_average_B_pv:s
    mos_average_jitter_A_pv:s mos_average_jitter_B_pv:s mos_average_jitter_pv:s mos_average_packetloss_A_pv:s
    mos_average_packetloss_B_pv:s mos_average_packetloss_pv:s mos_average_pv:s mos_average_roundtrip_A_pv:s mos_average_roundtrip_B_pv:s
    mos_average_roundtrip_leg_A_pv:s mos_average_roundtrip_leg_B_pv:s mos_average_roundtrip_pv:s mos_average_samples_A_pv:s
    mos_average_samples_B_pv:s mos_average_samples_pv:s mos_max_A_pv:s mos_max_B_pv:s mos_max_at_A_pv:s mos_max_at_B_pv:s
    mos_max_at_pv:s mos_max_jitter_A_pv:s mos_max_jitter_B_pv:s mos_max_jitter_pv:s mos_max_packetloss_A_pv:s mos_max_packetloss_B_pv:s
    mos_max_packetloss_pv:s mos_max_pv:s mos_max_roundtrip_A_pv:s mos_max_roundtrip_B_pv:s mos_max_roundtrip_leg_A_pv:s
    mos_max_roundtrip_leg_B_pv:s mos_max_roundtrip_pv:s mos_min_A_pv:s mos_min_B_pv:s mos_min_at_A_pv:s mos_min_at_B_pv:s
    mos_min_at_pv:s mos_min_jitter_A_pv:s mos_min_jitter_B_pv:s mos_min_jitter_pv:s mos_min_packetloss_A_pv:s mos_min_packetloss_B_pv:s
    mos_min_packetloss_pv:s mos_min_pv:s mos_min_roundtrip_A_pv:s mos_min_roundtrip_B_pv:s mos_min_roundtrip_leg_A_pv:s
    mos_min_roundtrip_leg_B_pv:s mos_min_roundtrip_pv:s queried_nodes_limit:i read_sdp_pv:s rtp_inst_pvar:s rtpengine_allow_op:i
    rtpengine_disable_tout:i rtpengine_retr:i rtpengine_sock:s rtpengine_tout_ms:i setid_avp:s setid_col:s setid_default:i table_name:s
    url_col:s weight_col:s write_sdp_pv:s wsapi:s`,
  rtpproxy: `db_url:s extra_id_pv:s ice_candidate_priority_avp:s nortpproxy_str:s rtp_inst_pvar:s rtpproxy_disable_tout:i rtpproxy_retr:i
    rtpproxy_sock:s rtpproxy_tout:i table_name:s timeout_socket:s`,
  sanity: `autodrop:i default_checks:i noreply:i proxy_require:s uri_checks:i`,
  sdpops: '',
  secfilter: `action_col:s data_col:s db_url:s dst_exact_match:i table_name:s type_col:s`,
  sipcapture: `callid_aleg_header:s capture_bad_msgs:i capture_node:s capture_on:i db_insert_mode:i db_url:s event_callback:s hash_source:s
    hep_capture_on:i insert_retries:i insert_retry_timeout:i mt_mode:s nonsip_hook:i promiscuous_on:i raw_interface:s
    raw_ipip_capture_on:i raw_moni_bpf_on:i raw_moni_capture_on:i raw_sock_children:i raw_socket_listen:s table_name:s topoh_unmask:i capture_mode:s`,
  sipt: '',
  siptrace: `auth_key:s db_url:s duplicate_uri:s evcb_msg:s force_send_sock:s hep_capture_id:i hep_mode_on:i hep_version:i send_sock_addr:s
    send_sock_name:s table:s trace_db_mode:i trace_delayed:i trace_flag:i trace_init_mode:i trace_local_ip:s trace_mode:i trace_on:i
    trace_sl_acks:i trace_table_avp:s trace_to_database:i traced_user_avp:s xheaders_read:i xheaders_write:i`,
  siputils: `contact_flds_separator:s options_accept:s options_accept_encoding:s options_accept_language:s options_support:s rpid_avp:s
    rpid_prefix:s rpid_suffix:s`,
  sl: `bind_tm:i default_code:i default_reason:s event_callback_fl_ack:s event_callback_lres_sent:s rich_redirect:i`,
  sqlops: `connect_mode:i results_maxsize:i sqlres:s tr_buf_size:i sqlcon:s`,
  sst: `enable_stats:i min_se:i reject_to_small:i sst_flag:i timeout_avp:s`,
  statsc: `interval:i items:i track:s`,
  statsd: `ip:s port:s`,
  stun: '',
  tcpops: `closed_event:i event_callback:s`,
  textops: '',
  textopsx: '',
  tm: `ac_extra_hdrs:s aggregate_challenges:i auto_inv_100:i auto_inv_100_reason:s blst_503:i blst_503_def_timeout:i blst_503_max_timeout:i
    blst_503_min_timeout:i blst_methods_add:i blst_methods_lookup:i callid_cseq_matching:i callid_matching:i cancel_b_method:i
    contact_flows_avp:s contacts_avp:s default_code:i default_reason:s disable_6xx_block:i dns_reuse_rcv_socket:i e2e_cancel_reason:i
    enable_uac_fr:i event_callback:s event_callback_lres_sent:s exec_time_check:i failure_exec_mode:i failure_reply_mode:i
    faked_reply_prio:i fr_inv_timer:i fr_inv_timer_avp:s fr_timer:i fr_timer_avp:s local_ack_mode:i local_cancel_reason:i
    max_inv_lifetime:i max_noninv_lifetime:i noisy_ctimer:i on_sl_reply:s pass_provisional_replies:i relay_100:i remap_503_500:i
    reparse_invite:i reparse_on_dns_failover:i reply_relay_mode:i restart_fr_on_each_reply:i retr_timer1:i retr_timer2:i rich_redirect:i
    ruri_matching:i unix_tx_timeout:i unmatched_cancel:i via1_matching:i wt_timer:i xavp_contact:s`,
  tmrec: `separator:s`,
  tmx: `precheck_trans:i`,
  topoh: `callid_prefix:s event_callback:s event_mode:i mask_callid:i mask_ip:s mask_key:s sanity_checks:i uparam_name:s uparam_prefix:s
    uri_prefix_checks:i vparam_name:s vparam_prefix:s`,
  topos: `branch_expire:i clean_interval:i contact_host:s contact_mode:i context:s cparam_name:s db_url:s dialog_expire:i event_callback:s
    event_mode:i mask_callid:i rr_update:i sanity_checks:i storage:s xavu_cfg:s xavu_field_a_contact:s xavu_field_b_contact:s
    xavu_field_contact_host:s`,
  tsilo: `hash_size:i use_domain:i`,
  uac: `auth_password_avp:s auth_realm_avp:s auth_username_avp:s default_socket:s event_callback:s reg_active:i reg_contact_addr:s
    reg_db_table:s reg_db_url:s reg_gc_interval:i reg_hash_size:i reg_keep_callid:i reg_random_delay:i reg_retry_interval:i
    reg_timer_interval:i reg_use_domain:i restore_dlg:i restore_from_avp:s restore_mode:s restore_passwd:s restore_to_avp:s
    rr_from_store_param:s rr_to_store_param:s credential:s`,
  uac_redirect: `acc_db_table:s acc_function:s accept_filter:s bflags:i default_filter:s deny_filter:s flags_hdr_mode:i q_value:i`,
  uri_db: `db_table:s db_url:s domain_column:s uriuser_column:s use_domain:i use_uri_table:i user_column:s`,
  userblocklist: `db_url:s globalblocklist_allowlist_col:s globalblocklist_description_col:s globalblocklist_id_col:s globalblocklist_prefix_col:s
    globalblocklist_table:s match_mode:i use_domain:i userblocklist_allowlist_col:s userblocklist_domain_col:s userblocklist_id_col:s
    userblocklist_prefix_col:s userblocklist_table:s userblocklist_username_col:s`,
  usrloc: `callid_column:s cflags_column:s close_expired_tcp:i connection_id_column:s contact_column:s cseq_column:s cseq_delay:i
    db_check_update:i db_clean_tcp:i db_insert_null:i db_insert_update:i db_load:i db_mode:i db_ops_ruid:i db_raw_fetch_type:i
    db_timer_clean:i db_update_as_insert:i db_url:s desc_time_order:i domain_column:s expires_column:s expires_type:i fetch_rows:i
    flags_column:s handle_lost_tcp:i hash_size:i instance_column:s ka_domain:s ka_filter:i ka_from:s ka_loglevel:i ka_logmsg:s
    ka_method:s ka_mode:i ka_timeout:i keepalive_column:s load_rank:i matching_mode:i methods_column:s nat_bflag:i partition_column:s
    path_column:s preload:s q_column:s received_column:s reg_id_column:s rm_expired_delay:i ruid_column:s server_id_column:s
    server_id_filter:i skip_remote_socket:i socket_column:s timer_interval:i timer_procs:i use_domain:i user_agent_column:s
    user_column:s version_table:i xavp_contact:s`,
  xhttp: `event_callback:s url_match:s url_skip:s`,
  xhttp_prom: `xhttp_prom_beginning:s xhttp_prom_buf_size:i xhttp_prom_stats:s xhttp_prom_timeout:i prom_counter:s prom_gauge:s prom_histogram:s`,
  xhttp_rpc: `xhttp_rpc_buf_size:i xhttp_rpc_root:s`,
  xlog: `buf_size:i force_color:i log_facility:s long_format:i methods_filter:i prefix:s prefix_mode:i log_colors:s`,
};

/** Modules of Kamailio 5.0 to 6.1, whether or not they are of use here. */
const MODULES: ReadonlySet<string> = new Set(
  `acc acc_diameter acc_json acc_radius alias_db app_java app_jsdt app_lua app_lua_sr app_mono app_perl app_python app_python3
    app_python3s app_ruby app_ruby_proc app_sqlang async auth auth_arnacon auth_db auth_diameter auth_ephemeral auth_identity auth_radius
    auth_web3 auth_xkeys avp avpops benchmark blst call_control call_obj carrierroute cdp cdp_avp cfg_db cfg_rpc cfgt cfgutils cnxcc corex
    counters cplc crypto ctl db2_ldap db2_ops db_berkeley db_cassandra db_cluster db_flatstore db_mongodb db_mysql db_oracle db_perlvdb
    db_postgres db_redis db_sqlite db_text db_unixodbc debugger dialog dialplan dispatcher diversion dlgs dmq dmq_usrloc dnssec domain
    domainpolicy drouting dtrie enum erlang esl evapi evrexec exec file_out functions gcp gcrypt geoip geoip2 group gzcompress h350 htable
    http_async_client http_client imc ims_auth ims_charging ims_dialog ims_diameter_server ims_icscf ims_ipsec_pcscf ims_isc ims_ocs
    ims_qos ims_qos_npn ims_registrar_pcscf ims_registrar_scscf ims_usrloc_pcscf ims_usrloc_scscf influxdbc ipops jansson janssonrpcc json
    jsonrpcc jsonrpcs jwt kafka kazoo keepalive kemix kex lcr ldap log_custom log_systemd lost lrkproxy lwsc malloc_test mangler math
    matrix maxfwd mediaproxy memcached microhttpd misc_radius misctest mohqueue mqtt mqueue mrpc msilo msrp mtree nat_traversal nathelper
    nats ndb_cassandra ndb_mongodb ndb_redis nghttp2 nosip nsq osp outbound p_usrloc path pdb pdt peering perl permissions phonenum pike
    pipelimit posops prefix_route presence presence_conference presence_dfks presence_dialoginfo presence_mwi presence_profile
    presence_reginfo presence_xml print print_lib ptimer pua pua_bla pua_dialoginfo pua_json pua_mi pua_reginfo pua_rpc pua_usrloc
    pua_xmpp pv pv_headers pvtpl python qos rabbitmq ratelimit regex registrar rls rr rtimer rtjson rtp_media_server rtpengine rtpproxy
    ruxc sanity sca sctp sdpops seas secfilter secsipid secsipid_proc sipcapture sipdump sipjson siprepo sipt siptrace siputils sl slack
    sms smsops snmpstats speeddial sqlops ss7ops sst statistics statsc statsd stirshaken stun systemdops tcpops textops textopsx timer tls
    tls_wolfssl tlsa tm tmrec tmx topoh topos topos_htable topos_redis tsilo uac uac_redirect uid_auth_db uid_avp_db uid_domain uid_gflags
    uid_uri_db unicode uri_db userblocklist usrloc utils uuid websocket xcap_client xcap_server xhttp xhttp_pi xhttp_prom xhttp_rpc xlog
    xmlops xmlrpc xmpp xprint`.split(/\s+/),
);

/** Parameters introduced after the recorded version that have an effect here. */
const LATER: Readonly<Record<string, string>> = {
  dispatcher: 'ds_dns_match_all:i ds_ping_fr_timeout:i event_callback_mode:i ds_ping_socket:s',
};

type ParameterType = 'number' | 'string' | 'either';

const byModule = parametersOf(RECORDED);
const laterByModule = parametersOf(LATER);

function parametersOf(
  table: Readonly<Record<string, string>>,
): ReadonlyMap<string, ReadonlyMap<string, ParameterType>> {
  const byModule = new Map<string, ReadonlyMap<string, ParameterType>>();
  for (const [module, text] of Object.entries(table)) {
    const types = { i: 'number', s: 'string', a: 'either' } as const;
    const parameters = new Map<string, ParameterType>();
    for (const entry of text.split(/\s+/)) {
      const [name = '', letter = ''] = entry.split(':');
      if (name !== '') parameters.set(name, types[letter as 'i' | 's' | 'a']);
    }
    byModule.set(module, parameters);
  }
  return byModule;
}

/**
 * Refuses modules that Kamailio never had, and parameters that a module does not have or that have the other type, as
 * Kamailio does. With `later` (a file for a version after the recorded one) an unknown parameter is accepted without
 * effect.
 */
export function checkKamailioModules(tree: ConfigurationTree, problems: Problems, later: boolean): void {
  for (const { name, at } of tree.modules) {
    if (MODULES.has(name)) continue;
    const meant = problems.similar(name, () => MODULES);
    problems.error('setting', at, `there is no module ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  for (const { module, name, value, at } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      if (problems.decided) return;
      const known = byModule.get(each);
      if (known === undefined) continue;
      const type = known.get(name) ?? (later ? laterByModule.get(each)?.get(name) : undefined);
      if (type === undefined) {
        const meant = problems.similar(name, () => known.keys());
        const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
        // Parameters of the dispatcher are settings too, some of our own: who reads them says which have no effect.
        if (later && each === 'dispatcher') continue;
        if (later) problems.warning('no-effect', at, `parameter "${name}" of ${each} is not known and has no effect`);
        else problems.error('setting', at, `module ${each} has no parameter "${name}"${hint}`);
      } else if (type !== 'either' && typeof value !== type) {
        problems.error('setting', at, `parameter "${name}" of ${each} must be a ${type}`);
      }
    }
  }
}
