/** Module parameters that are accepted without effect, by module. */
export const WITHOUT_EFFECT: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    acc: `acc_extra_size cdr_extra_size log_level log_facility log_level_missed aaa_url aaa_flag aaa_missed_flag aaa_extra service_type
      radius_config radius_flag radius_missed_flag radius_extra diameter_flag db_insert_mode db_table_missed_calls_avp
      db_table_acc_avp
      multi_leg_enabled acc_created_avp_name leg_info cdr_facility cdr_expired_dlg_enable cdr_extra_nullable
      multi_leg_info_none
      acc_created_avp acc_callee_column acc_caller_column backends_per_module acc_ms_duration`,
    clusterer: `db_url db_table my_node_info neighbor_node_info db_mode ping_interval ping_timeout node_timeout
      seed_fallback_interval sync_timeout sync_packet_size sync_packet_max_size id_col cluster_id_col node_id_col url_col
      state_col no_ping_retries_col priority_col sip_addr_col flags_col description_col use_controller dispatch_jobs
      current_info server_id persistent_mode dispatch_mode enable_stats bridge_persistent_cache`,
    rtp_relay: 'route_offer route_answer route_delete route_copy_offer route_copy_answer route_copy_delete',
    dialog: `enable_stats hash_size early_timeout noack_timeout end_timeout delete_delay log_profile_hash_size
      dlg_sharing_tag dlg_event_id_only profile_replication_cluster dialog_replication_cluster replicate_profiles_buffer
      replicate_profiles_check replicate_profiles_timer replicate_profiles_expire cachedb_url profile_value_prefix
      profile_no_value_prefix profile_size_prefix profile_timeout db_mode db_update_period db_url db_table_name table_name
      vars_table_name call_id_column from_uri_column from_tag_column to_uri_column to_tag_column h_id_column h_entry_column
      state_column start_time_column timeout_column to_cseq_column from_cseq_column to_route_column from_route_column
      to_contact_column from_contact_column to_sock_column from_sock_column profiles_column vars_column sflags_column
      mflags_column flags_column tm_retrans_to
      vars_h_id_column vars_h_entry_column vars_key_column vars_value_column initial_cbs_inscript detect_spirals 
      wait_ack ka_timer ka_interval ka_failed_limit timeout_noreset timer_procs lreq_callee_headers
      event_callback bridge_contact bridge_controller enable_dmq h_id_start h_id_step dlg_filter_mode dlg_mode
      dlg_ctxiuid_mode keep_proxy_rr db_skip_load fallback_match bye_early_code bye_early_reason ping_refresh_interval
      match_mode timer_type xavp_cfg`,
    drouting: `ruri_avp gw_sock_avp force_dns persistent_state no_concurrent_reload cluster_id cluster_sharing_tag
      cluster_probing_mode enable_restart_persistency extra_prefix_chars status_replication_cluster ruri_sort_avp
      accept_replicated_status replicate_status_to extra_id_pv`,
    http_client: 'authmethod cipher_suites keep_connections netinterface tlsversion',
    load_balancer: `probing_verbose cluster_id cluster_sharing_tag fetch_freeswitch_stats initial_freeswitch_load
      status_replication_cluster accept_replicated_status replicate_status_to`,
    async: `workers return`,
    auth: `nid_pool_no nc_array_size nc_array_order otn_in_flight_no otn_in_flight_order nonce_auth_max_drift realm_prefix use_domain
      add_authinfo_hdr qop`,
    auth_db: `version_table`,
    mqueue: `db_url`,
    nathelper: `natping_processes natping_socket force_socket filter_server_id`,
    rtpengine: `rtpengine_disable_tout_db queried_nodes_limit_none db_url table_name setid_col url_col weight_col disabled_col hash_algo
      hash_table_size hash_table_tout mos_min_pv control_cmd_tos notification_sock`,
    sqlops: `connect_mode results_maxsize tr_buf_size`,
    topoh: `event_callback sanity_checks uri_prefix_checks`,
    topos: `storage db_url mask_callid sanity_checks clean_interval event_callback context xavu_cfg header_mode`,
    tls_mgm: `tls_library db_table`,
    topology_hiding: `th_callid_passwd th_contact_encode_passwd th_contact_encode_param th_contact_encode_scheme th_callid_loop_protection
      th_contact_encode_param_password th_use_param th_external_socket_tag th_auto_route_on_trusted_socket
      th_contact_caller_username_var th_contact_callee_username_var`,
    uac: `reg_active reg_contact_addr
      reg_db_table reg_db_url reg_gc_interval reg_hash_size reg_keep_callid reg_random_delay reg_retry_interval
      reg_timer_interval reg_use_domain default_socket event_callback`,
    usrloc: `db_insert_null db_ops_ruid db_raw_fetch_type fetch_rows load_rank close_expired_tcp db_clean_tcp hash_size timer_procs ka_mode ka_domain ka_filter ka_from ka_loglevel ka_logmsg ka_method ka_timeout`,
    websocket: `keepalive_processes`,
    ctl: 'autoconversion binrpc_buffer_size binrpc_max_body_size binrpc_struct_max_body_size',
    debugger: `breakpoint cfgpkgcheck cfgtest cfgtrace cfgtrace_format log_assign log_facility log_level_name mod_facility mod_facility_mode
      mod_hash_size mod_level mod_level_mode reset_msgid step_loops step_usleep`,
    dialplan: 'fetch_rows match_dynamic',
    htable: 'fetch_rows timer_procs',
    jsonrpcs: 'dgram_timeout dgram_workers pretty_format',
    permissions: 'load_backends max_subnets reload_delta trusted_cleanup_interval',
    sl: 'bind_tm',
    tm: `blst_503_def_timeout blst_503_max_timeout blst_503_min_timeout blst_methods_add blst_methods_lookup callid_matching exec_time_check
      failure_exec_mode faked_reply_prio noisy_ctimer reply_relay_mode ruri_matching unix_tx_timeout via1_matching wt_timer`,
    tmx: 'precheck_trans',
    xlog: 'buf_size force_color log_colors log_facility long_format prefix_mode',
  }).map(([module, names]) => [module, new Set(names.split(/[ \t\r\n]+/))]),
);
