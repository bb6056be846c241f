/** Type of a module parameter: a number, a string, or either. */
export type ModuleParameterType = 'number' | 'string' | 'either';

/** A parameter of a module of OpenSIPS. */
export interface ModuleParameterDefinition {
  readonly type: ModuleParameterType;
  /** Last generation of OpenSIPS that has it (see `Dialect.generation`). */
  readonly until: number;
  /** Whether the parameter is accepted without effect. */
  readonly without: boolean;
}

/**
 * Parameters of OpenSIPS' modules, from their documentation since 2.1. "name:i" takes a number, ":s" a string, ":a"
 * either; "~" after that: accepted without effect; "!2" at the end: removed after generation 2. Modules that are not
 * listed accept any parameter, without effect.
 */
const TABLE: Readonly<Record<string, string>> = {
  tm: `fr_timeout:i fr_inv_timeout:i fr_timer:i!2 fr_inv_timer:i!2 wt_timer:i~ delete_timer:i~ T1_timer:i T2_timer:i ruri_matching:i~ via1_matching:i~ unix_tx_timeout:i~
    restart_fr_on_each_reply:i tw_append:s pass_provisional_replies:i syn_branch:i~ onreply_avp_mode:i disable_6xx_block:i enable_stats:i~ minor_branch_flag:a~
    timer_partitions:i~ own_timer_proc:i~!2 auto_100trying:i tm_replication_cluster:i~ cluster_param:s~ cluster_auto_cancel:i~ local_request_route:s local_reply_route:s fr_timer_avp:s~!2 fr_inv_timer_avp:s~!2
    noisy_ctimer:i~!2 bf_mask_override:i~!2 auto_dialog_prepare:i~!2`,
  sl: `enable_stats:i~`,
  signaling: ``,
  rr: `append_fromtag:i enable_double_rr:i add_username:i enable_full_lr:i!2 enable_socket_mismatch_warning:i~`,
  maxfwd: `max_limit:i`,
  textops: ``,
  sql_cacher: `cache_table:s spec_delimiter:s pvar_delimiter:s columns_delimiter:s sql_fetch_nr_rows:i~ full_caching_expire:i reload_interval:i bigint_to_str:i~`,
  status_report: `script_sr_group:s`,
  sipmsgops: ``,
  uri: `aaa_url:s~ service_type:i~ use_sip_uri_host:i~ use_uri_table:i~ db_url:s~ db_table:s~ user_column:s~ domain_column:s~ uriuser_column:s~ use_domain:i~
    uri_table:s~!2 uri_user_column:s~!2 uri_domain_column:s~!2 uri_uriuser_column:s~!2 subscriber_table:s~!2 subscriber_user_column:s~!2 subscriber_domain_column:s~!2`,
  options: `accept:s accept_encoding:s accept_language:s support:s`,
  path: `use_received:i enable_double_path:i~`,
  mathops: `decimal_digits:i`,
  cfgutils: `initial_probability:i hash_file:s shvset:s varset:s lock_pool_size:i~ variance:i~`,
  pike: `sampling_time_unit:i reqs_density_per_unit:i remove_latency:i check_route:s pike_log_level:i~`,
  ratelimit: `timer_interval:i expire_time:i hash_size:i~ default_algorithm:s cachedb_url:s~ db_prefix:s~ repl_buffer_threshold:i~ repl_timer_interval:i~ repl_timer_expire:i~
    pipe_replication_cluster:i~ accept_pipe_replication:i~!2 replicate_pipes_to:i~!2 accept_pipes_timeout:i~!2 window_size:i slot_period:i limit_per_interval:i
    queue:s!2 pipe:s!2 accept_pipes_from:i~!2 repl_pipes_auth_check:a~!2 bridge_replication:a~ bridge_repl_timer_interval:a~ bridge_repl_timer_expire:a~`,
  permissions: `db_url:s default_allow_file:s default_deny_file:s check_all_branches:i allow_suffix:s deny_suffix:s partition:s address_table:s ip_col:s proto_col:s pattern_col:s
    info_col:s grp_col:s mask_col:s port_col:s id_col:s~ context_info_col:s`,
  gflags: `initial:i`,
  domain: `db_url:s db_mode:i domain_table:s domain_col:s attrs_col:s subdomain_col:s~`,
  cachedb_local: `cachedb_url:s cache_table_size:i~ cache_clean_period:i~ cache_collections:s cluster_id:i~ cluster_persistency:s~ enable_restart_persistency:i~ restart_persistency:i~
    enable_replication:i~ cluster_sharing_tag:s~ exec_threshold:i~`,
  dispatcher: `db_url:s table_name:s setid_col:s destination_col:s state_col:s weight_col:s priority_col:s attrs_col:s socket_col:s probe_mode_col:s description_col:s dst_avp:s grp_avp:s cnt_avp:s
    sock_avp:s attrs_avp:s script_attrs_avp:s hash_pvar:s setid_pvar:s ds_ping_method:s ds_ping_from:s ds_ping_maxfwd:i ds_ping_interval:i ds_probing_sock:s ds_probing_threshhold:i
    ds_probing_threshold:i ds_probing_mode:i ds_probing_list:s options_reply_codes:s ds_define_blacklist:s persistent_state:i cluster_id:i cluster_sharing_tag:s cluster_probing_mode:s
    status_replication_cluster:i!2 replicate_status_to:i!2 accept_replicated_status:i!2 fetch_freeswitch_stats:i max_freeswitch_weight:i pvar_algo_pattern:s partition:s
    force_dst:i!2 flags:i!2 use_default:i!2 list_file:s!2 algo_route:s ds_flush_interval:i ping_from:s!2 `,
  nathelper: `force_socket:s natping_interval:i~ natping_tcp:i~ natping_processes:i natping_socket:s natping_partitions:i~ ping_nated_only:i~ received_avp:s rtpproxy_sock:s~!2 rtpproxy_disable:i~!2
    sipping_bflag:a~ sipping_from:s~ sipping_method:s~ sipping_latency_flag:a~ sipping_ignore_rpl_codes:s~ remove_on_timeout_bflag:a~ nortpproxy_str:s skip_oldip:i~ oldip_skip:s ping_threshold:i~
    max_pings_lost:i~ cluster_id:i~ cluster_sharing_tag:s~`,
  mid_registrar: `mode:i~ default_expires:i~ min_expires:i~ max_expires:i~ default_q:i~ tcp_persistent_flag:a~ realm_prefix:s~ case_sensitive:i~ received_avp:s~ received_param:s~ max_contacts:i~ retry_after:i~
    outgoing_expires:i~ contact_id_insertion:s~ contact_id_param:s~ extra_contact_params_avp:s~ attr_avp:s~ disable_gruu:i~ gruu_secret:s~ pn_enable:i~ pn_providers:s~ pn_ct_match_params:s~ pn_pnsreg_interval:i~
    pn_trigger_interval:i~ pn_skip_pn_interval:i~ pn_refresh_timeout:i~ pn_inv_timeout:i~ pn_enable_purr:i~ expires_max_deviation:i~ at_escape_str:s~ max_username_len:i~ max_domain_len:i~ max_aor_len:i~ max_contact_len:i~ insertion_mode:a~ contact_match_param:s~`,
  registrar: `default_expires:i~ min_expires:i~ max_expires:i~ expires_max_deviation:i~ default_q:i~ tcp_persistent_flag:a~ realm_prefix:s~ case_sensitive:i~ received_avp:s~ received_param:s~ max_contacts:i~ retry_after:i~
    sock_hdr_name:s~ mcontact_avp:s~ attr_avp:s~ gruu_secret:s~ disable_gruu:i~ pn_enable:i~ pn_providers:s~ pn_ct_match_params:s~ pn_pnsreg_interval:i~ pn_trigger_interval:i~ pn_skip_pn_interval:i~
    pn_refresh_timeout:i~ pn_enable_purr:i~ append_branches:i~!2 use_path:i~!2 path_mode:i~!2 path_use_received:i~!2 method_filtering:i~!2 desc_time_order:i~!2 max_username_len:i~ max_domain_len:i~ max_aor_len:i~
    max_contact_len:i~`,
  usrloc: `nat_bflag:a~ user_column:s~ domain_column:s~ contact_id_column:s~ contact_column:s~ expires_column:s~ q_column:s~ callid_column:s~ cseq_column:s~ methods_column:s~ flags_column:s~ cflags_column:s~
    user_agent_column:s~ received_column:s~ socket_column:s~ path_column:s~ last_modified_column:s~ sip_instance_column:s~ kv_store_column:s~ attr_column:s~ use_domain:i~ desc_time_order:i~ timer_interval:i~
    db_url:s~ cachedb_url:s~ db_mode:i~ working_mode_preset:s~ cluster_mode:s~ rr_persist:s~ sql_write_mode:s~ location_cluster:i~ ha_cluster:i~ skip_replicated_db_ops:i~ max_contact_delete:i~ matching_mode:i~
    cseq_delay:i~ hash_size:i~ regen_broken_contactid:i~ latency_event_min_us:i~ latency_event_min_us_delta:i~ pinging_mode:s~ mi_dump_kv_store:i~ contact_refresh_timer:i~ shared_pinging:i~ restart_persistency:s~
    accept_replicated_contacts:i~!2 replicate_contacts_to:i~!2 expires_max_deviation:i~`,
  mi_fifo: `fifo_name:s fifo_mode:i fifo_group:a~ fifo_user:a~ reply_dir:s pretty_printing:i~ trace_destination:s~ trace_bwlist:s~`,
  mi_datagram: `socket_name:s children_count:i~ unix_socket_mode:i unix_socket_group:a~ unix_socket_user:a~ socket_timeout:i~ reply_indent:s~!2 pretty_printing:i~ trace_destination:s~ trace_bwlist:s~`,
  mi_http: `root:s mi_http_root:s~!2 http_method:i~!2 trace_destination:s~ trace_bwlist:s~ pretty_printing:i~ mi_http_method:i~!2`,
  mi_html: `root:s~ http_method:i~ trace_destination:s~ trace_bwlist:s~`,
  mi_json: `mi_json_root:s~ trace_destination:s~ trace_bwlist:s~ root:s~`,
  httpd: `ip:s port:i conn_timeout:i~ buf_size:i~ post_buf_size:i~ receive_buf_size:i~ socket:s tls_key_file:s~ tls_cert_file:s~ tls_ciphers:s~ receive_timeout:i~ trusted_origins:s~ connection_limit:i~`,
  event_datagram: ``,
  event_route: ``,
  proto_udp: `udp_port:i~ udp_workers:i~`,
  proto_tcp: `tcp_port:i~ tcp_send_timeout:i~ tcp_max_msg_chunks:i~ tcp_crlf_pingpong:i~ tcp_crlf_drop:i~ tcp_async:i~ tcp_async_max_postponed_chunks:i~ tcp_async_local_connect_timeout:i~
    tcp_async_local_write_timeout:i~ tcp_parallel_handling:i~ trace_destination:s~ trace_on:i~ trace_filter_route:s~`,
  proto_tls: `tls_port:i~ tls_send_timeout:i~ tls_handshake_timeout:i~ tls_max_msg_chunks:i~ tls_crlf_pingpong:i~ tls_crlf_drop:i~ tls_async:i~ tls_async_max_postponed_chunks:i~ tls_async_local_connect_timeout:i~
    tls_async_local_write_timeout:i~ tls_async_handshake_connect_timeout:i~ tls_async_handshake_timeout:i~ cert_check_on_conn_reusage:i~ trace_destination:s~ trace_on:i~ trace_filter_route:s~
    tls_method:s!2 certificate:s!2 private_key:s!2 ca_list:s!2 ca_dir:s!2 verify_cert:a!2 require_cert:a!2 tls_domain:s~!2 server_domain:s!2 client_domain:s!2 crl_check_all:i!2 crl_dir:s!2
    client_domain_avp:s!2 client_tls_domain_avp:s!2 client_sip_domain_avp:s!2 dh_params:s!2 ec_curve:s!2 ciphers_list:s!2 tls_library:s~ tls_parallel_handling:i~`,
  proto_ws: `ws_port:i~ ws_max_msg_chunks:i~ ws_send_timeout:i~ ws_resource:s~ ws_handshake_timeout:i~ ws_require_origin:a~ cache_time:i~ trace_destination:s~ trace_on:i~ trace_filter_route:s~ ws_origin:s~ require_origin:a~`,
  proto_wss: `wss_port:i~ wss_max_msg_chunks:i~ wss_resource:s~ wss_handshake_timeout:i~ wss_tls_handshake_timeout:i~ wss_require_origin:a~ cert_check_on_conn_reusage:i~ trace_destination:s~ trace_on:i~
    trace_filter_route:s~ wss_send_timeout:i~ require_origin:a~`,
  tls_mgm: `tls_library:s db_url:s db_table:s domain_col:s~ match_ip_address_col:s~ match_sip_domain_col:s~ tls_method_col:s~ verify_cert_col:s~ require_cert_col:s~ certificate_col:s~ private_key_col:s~
    crl_check_all_col:s~ crl_dir_col:s~ ca_list_col:s~ ca_dir_col:s~ cipher_list_col:s~ dh_params_col:s~ ec_curve_col:s~ type_col:s~ client_domain:s server_domain:s client_tls_domain_avp:s client_sip_domain_avp:s
    client_domain_avp:s!2 match_ip_address:s match_sip_domain:s tls_handshake_timeout:i~ tls_send_timeout:i~ tls_method:s certificate:s private_key:s ca_list:s ca_dir:s crl_check_all:s crl_dir:s verify_cert:s require_cert:s cipher_list:s ciphers_list:s
    dh_params:s ec_curve:s url_col:s~!2 address_col:s~!2 verify_hostname:s verify_hostname_col:s~`,
  uac: `restore_mode:s restore_passwd:s rr_from_store_param:s rr_to_store_param:s rr_store_param:s!2 from_restore_avp:s~!2 force_dialog:i credential:s!2 auth_realm_avp:s!2
    auth_username_avp:s!2 auth_password_avp:s!2`,
  uac_auth: `credential:s auth_realm_avp:s auth_username_avp:s auth_password_avp:s`,
  auth: `secret:s~ nonce_expire:i~ rpid_prefix:s rpid_suffix:s realm_prefix:s~ rpid_avp:s username_spec:s~ password_spec:s~ calculate_ha1:i~ disable_nonce_check:i~ nonce_reuse:i~`,
  auth_db: `db_url:s~ user_column:s~ domain_column:s~ password_column:s~ hash_column_sha256:s~ hash_column_sha512t256:s~ password_column_2:s~ calculate_ha1:i~ use_domain:i~ load_credentials:s~ skip_version_check:i~
    uri_user_column:s~ uri_domain_column:s~ uri_uriuser_column:s~`,
  auth_aaa: `aaa_url:s~ auth_service_type:i~ check_service_type:i~ use_ruri_flag:a~ fetch_all_values:i~`,
  acc: `early_media:i report_cancels:i detect_direction:i extra_fields:s leg_fields:s log_level:i log_facility:s aaa_url:s service_type:i db_url:s db_table_acc:s db_table_missed_calls:s acc_method_column:s
    acc_from_tag_column:s acc_to_tag_column:s acc_callid_column:s acc_sip_code_column:s acc_sip_reason_column:s acc_time_column:s acc_created_avp_name:s acc_duration_column:s acc_ms_duration_column:s
    acc_setuptime_column:s acc_created_column:s evi_flag:a!2 multi_leg_info:s!2 log_flag:a!2 db_flag:a!2 log_missed_flag:a!2 db_missed_flag:a!2 failed_transaction_flag:a!2 cdr_flag:a!2 log_extra:s!2
    db_extra:s!2 aaa_extra:s!2 evi_extra:s~!2 evi_missed_flag:a!2 aaa_flag:a!2 aaa_missed_flag:a!2 report_ack:i!2 diameter_flag:a!2 multi_leg_bye_info:s~!2 radius_flag:a!2 db_localtime:i~!2
    db_evi_flag:a~!2 acc_prepare_flag:a!2`,
  dialog: `enable_stats:i hash_size:i log_profile_hash_size:i rr_param:s default_timeout:i timeout_avp:s!2 dlg_flag:a!2 dlg_extra_hdrs:s dlg_match_mode:i db_url:s db_mode:i db_update_period:i db_flush_vals_profiles:i~
    options_ping_interval:i reinvite_ping_interval:i bye_on_timeout_flag:a!2 options_ping_flag:a~!2 table_name:s call_id_column:s from_uri_column:s from_tag_column:s to_uri_column:s to_tag_column:s
    from_cseq_column:s to_cseq_column:s from_route_column:s to_route_column:s from_contact_column:s to_contact_column:s from_sock_column:s to_sock_column:s dlg_id_column:s~ start_time_column:s state_column:s
    timeout_column:s profiles_column:s vars_column:s sflags_column:s flags_column:s mflags_column:s rt_on_answer_column:s~ rt_on_timeout_column:s~ rt_on_hangup_column:s~ profiles_with_value:s
    profiles_no_value:s profile_timeout:i profile_replication_cluster:i dialog_replication_cluster:i dlg_sharing_tag:s replicate_profiles_buffer:i replicate_profiles_check:i replicate_profiles_timer:i
    replicate_profiles_expire:i profile_size_hash:i~ cachedb_url:s profile_value_prefix:s profile_no_value_prefix:s profile_size_prefix:s profile_timer:i~ race_condition_timeout:i
    delete_delay:i cluster_auto_sync:i~ accept_replicated_dialogs:i~!2 replicate_dialogs_to:i~!2 accept_replicated_profiles:i~!2 replicate_profiles_to:i~!2 auth_check_method:s~ auth_check:i~ event_id_format:i~ accept_replicated_profile_timeout:i~!2 ping_interval:i!2 replicate_profiles_timeout:i~
    timer_bulk_del_no:i~ auto_prack_hangup_on_failure:i~ auto_prack_fr_timeout:i~ callid_column:s~!2 caller_cseq_column:s~!2 callee_cseq_column:s~!2 caller_route_column:s~!2 callee_route_column:s~!2 caller_contact_column:s~!2 callee_contact_column:s~!2 caller_sock_column:s~!2 callee_sock_column:s~!2 route_on_answer_column:s~ route_on_timeout_column:s~ route_on_hangup_column:s~`,
  topology_hiding: `force_dialog:i th_passed_contact_uri_params:s th_passed_contact_params:s th_callid_passwd:s th_callid_prefix:s th_contact_encode_passwd:s th_contact_encode_param:s th_contact_encode_scheme:s th_contact_caller_username_var:s th_contact_callee_username_var:s th_callid_loop_protection:i th_contact_encode_param_password:s th_use_param:s th_internal_trusted_tag:s th_external_socket_tag:s th_auto_route_on_trusted_socket:i`,
  rtpproxy: `rtpproxy_sock:s rtpproxy_disable_tout:i rtpproxy_autobridge:i~ rtpproxy_tout:a rtpproxy_timeout:s rtpproxy_retr:i default_set:i nortpproxy_str:s db_url:s~ db_table:s~ rtpp_socket_col:s~ set_id_col:s~
    rtpp_notify_socket:s~ generated_sdp_port_min:i~ generated_sdp_port_max:i~ generated_sdp_media_ip:s~ rtpp_set_col:s~!2`,
  rtpengine: `rtpengine_sock:s rtpengine_disable_tout:i rtpengine_tout:i rtpengine_timeout:i rtpengine_retr:i rtpengine_timer_interval:i~ error_pv:s~ extra_id_pv:s setid_avp:s db_url:s db_table:s~ socket_column:s~ set_column:s~ ping_enabled:i~
    notification_sock:s node_col:s~`,
  rtp_relay: `route_offer:s route_answer:s route_delete:s route_copy_offer:s route_copy_answer:s route_copy_delete:s`,
  drouting: `db_url:s drd_table:s drr_table:s drg_table:s drc_table:s ruri_avp:s gw_id_avp:s gw_priprefix_avp:s rule_id_avp:s rule_prefix_avp:s carrier_id_avp:s gw_sock_avp:s gw_attrs_avp:s rule_attrs_avp:s
    carrier_attrs_avp:s default_group:i define_blacklist:s probing_interval:i probing_method:s probing_from:s probing_reply_codes:s probing_socket:s use_domain:i drg_user_col:s drg_domain_col:s drg_grpid_col:s
    use_partitions:i db_partitions_url:s db_partitions_table:s persistent_state:i no_concurrent_reload:i enable_restart_persistency:i rule_tables_query:s~ force_dns:i cluster_id:i cluster_sharing_tag:s
    cluster_probing_mode:s partition_id_pvar:s extra_prefix_chars:s gw_socket_filter_mode:s rule_tables:s~ status_replication_cluster:i!2 sort_order:i!2 ruri_sort_avp:s gw_priprefix_col:s~ extra_id_pv:s
    drr_prefix_col:s~ rule_fallback_avp:s~!2 sipgw_avp:s~!2 gw_pri_avp:s~!2 accept_replicated_status:i!2 replicate_status_to:i!2`,
  load_balancer: `db_url:s db_table:s probing_interval:i probing_method:s probing_from:s probing_reply_codes:s probing_verbose:i lb_define_blacklist:s cluster_id:i cluster_sharing_tag:s
    fetch_freeswitch_stats:i initial_freeswitch_load:i status_replication_cluster:i!2 accept_replicated_status:i!2 replicate_status_to:i!2`,
  dialplan: `partition:s db_url:s table_name:s dpid_col:s pr_col:s match_op_col:s match_exp_col:s match_flags_col:s repl_exp_col:s subst_exp_col:s disabled_col:s timerec_col:s attrs_col:s attrs_pvar:s!2`,
  alias_db: `db_url:s user_column:s domain_column:s alias_user_column:s alias_domain_column:s domain_prefix:s append_branches:i`,
  avpops: `db_url:s avp_table:s use_domain:i uuid_column:s username_column:s domain_column:s attribute_column:s value_column:s type_column:s db_scheme:s avp_url:s!2 buf_size:i~
    need_db:i~`,
  sqlops: `db_url:s usr_table:s uuid_column:s username_column:s domain_column:s attribute_column:s value_column:s type_column:s db_scheme:s use_domain:i ps_max_col_size:i~ bigint_to_str:i~`,
  cachedb_sql: `cachedb_url:s~ db_table:s~ key_column:s~ value_column:s~ counter_column:s~ expires_column:s~ cache_clean_period:i~`,
  cachedb_redis: `cachedb_url:s~ connect_timeout:i~ query_timeout:i~ shutdown_on_error:i~ use_tls:i~ max_query_retries:i~ lazy_connect:i~ redis_flags:s~ ftsearch_index_name:s~ ftsearch_json_prefix:s~ ftsearch_max_results:i~ ftsearch_json_mset_expire:i~ exec_threshold:i~`,
  cachedb_memcached: `cachedb_url:s~ exec_threshold:i~`,
  cachedb_mongodb: `cachedb_url:s~ exec_threshold:i~ compat_mode_2.4:i~ compat_mode_3.0:i~ op_timeout:i~ slave_ok:i~ write_concern:s~`,
  cachedb_cassandra: `cachedb_url:s~ connect_timeout:i~ query_timeout:i~ wr_consistency_level:s~ rd_consistency_level:s~ exec_threshold:i~ connection_timeout:i~!2 send_timeout:i~!2 receive_timeout:i~!2`,
  statistics: `variable:s stat_groups:s~ stat_series_profile:s`,
  siprec: `media_port_min:i~ media_port_max:i~ skip_failover_codes:s~`,
  siptrace: `trace_on:i trace_local_ip:s~ trace_id:s traced_user_avp:s~!2 trace_table_avp:s~!2 duplicate_uri:s~!2 duplicate_with_hep:i~!2 trace_to_database:i~!2 db_url:s~!2 table:s~!2 trace_flag:a~!2 hep_capture_id:i~!2 enable_ack_trace:i~!2`,
  tracer: `trace_on:i trace_local_ip:s~ trace_id:s syslog_default_facility:s~ syslog_default_level:i~ file_mode:a~`,
  proto_hep: `hep_id:s hep_port:i hep_send_timeout:i~ hep_max_msg_chunks:i~ hep_async:i~ hep_async_max_postponed_chunks:i~ hep_capture_id:i homer5_on:i~ homer5_delim:s~ hep_async_local_connect_timeout:i~ hep_async_local_write_timeout:i~ hep_version:i~!2 hep_retry_cooldown:i~`,
  proto_bin: `bin_port:i~ bin_send_timeout:i~ bin_max_msg_chunks:i~ bin_async:i~ bin_async_max_postponed_chunks:i~ bin_async_local_connect_timeout:i~ bin_async_local_write_timeout:i~ bin_timeout:i~`,
  clusterer: `db_url:s db_table:s my_node_id:i my_node_info:s neighbor_node_info:s db_mode:i ping_interval:i ping_timeout:i node_timeout:i seed_fallback_interval:i sync_timeout:i sync_packet_size:i
    sync_packet_max_size:i id_col:s cluster_id_col:s node_id_col:s url_col:s state_col:s no_ping_retries_col:s priority_col:s sip_addr_col:s flags_col:s description_col:s use_controller:i sharing_tag:s
    dispatch_jobs:i current_id:i!2 current_info:s!2 server_id:i!2 persistent_mode:i!2 dispatch_mode:i!2 enable_stats:i bridge_persistent_cache:i neighbor_info:s~!2 ls_seq_no_col:s~!2 top_seq_no_col:s~!2 machine_id_col:s~!2 clusterer_id_col:s~!2 failed_attempts_col:s~!2 last_attempt_col:s~!2 duration_col:s~!2 no_tries_col:s~!2 enable_rerouting:i~`,
  db_mysql: `exec_query_threshold:i~ timeout_interval:i~ max_db_queries:i~ max_db_retries:i~ ps_max_col_size:i~ use_tls:i~ connect_timeout:i~ ping_interval:i~!2 auto_reconnect:i~!2`,
  db_postgres: `exec_query_threshold:i~ max_db_queries:i~ timeout:i~ use_tls:i~`,
  db_sqlite: `alloc_limit:i~ load_extension:s~ busy_timeout:i~ exec_pragma:s~`,
  db_text: `db_mode:i~ buffer_size:i~`,
  db_virtual: `db_urls:s~ db_probe_time:i~ db_max_consec_retrys:i~`,
  presence: `db_url:s~ fallback2db:i~ cluster_id:i~ cluster_federation_mode:s~ cluster_be_active_shtag:s~ expires_offset:i~ max_expires_subscribe:i~ max_expires_publish:i~ contact_user:s~ enable_sphere_check:i~
    waiting_subs_daysno:i~ mix_dialog_presence:i~ bla_presentity_spec:s~ bla_fix_remote_target:i~ notify_offline_body:i~ end_sub_on_timeout:i~ clean_period:i~ db_update_period:i~ presentity_table:s~
    active_watchers_table:s~ watchers_table:s~ server_address:s~!2 subs_htable_size:i~ pres_htable_size:i~ notifier_processes:i~ to_tag_pref:s~ max_expires:i~!2 cluster_pres_events:s~ db_table_lock_type:i~!2`,
  json: `enable_long_quoting:i~`,
  stir_shaken: `auth_date_freshness:i verify_date_freshness:i ca_list:s ca_dir:s crl_list:s crl_dir:s e164_strict_mode:i e164_max_length:i require_date_hdr:i`,
  regex: `file:s max_groups:i group_max_size:i pcre_caseless:i pcre_multiline:i pcre_dotall:i pcre_extended:i~`,
  exec: `setvars:i~ time_to_kill:i~ async:i~!2`,
  group: `db_url:s table:s user_column:s domain_column:s group_column:s use_domain:i re_table:s re_exp_column:s re_gid_column:s multiple_gid:i aaa_url:s~ re_multiple_gid:i~`,
  speeddial: `db_url:s user_column:s domain_column:s sd_user_column:s sd_domain_column:s new_uri_column:s domain_prefix:s use_domain:i`,
  diversion: `suffix:s`,
  uac_redirect: `default_filter:s deny_filter:s accept_filter:s acc_function:s~ acc_db_table:s~ bflags:a~ flags:a~!2`,
  nat_traversal: `keepalive_interval:i~ keepalive_method:s~ keepalive_from:s~ keepalive_extra_headers:s~ keepalive_state_file:s~ cluster_id:i~ cluster_sharing_tag:s~`,
  xlog: `buf_size:i~ force_color:i~ log_colors:s~`,
  benchmark: `enable:i~ granularity:i~ loglevel:i~`,
  enum: `domain_suffix:s tel_uri_params:s i_enum_suffix:s isn_suffix:s branchlabel:s bl_algorithm:s i_bl_algorithm:s~`,
  sst: `enable_stats:i~ min_se:i timeout_avp:s~!2 reject_to_small:i sst_flag:a sst_interval:i`,
  fraud_detection: `db_url:s use_utc_time:i table_name:s rid_col:s pid_col:s prefix_col:s start_h_col:s end_h_col:s start_h:s end_h:s days_col:s cpm_thresh_warn_col:s cpm_thresh_crit_col:s calldur_thresh_warn_col:s calldur_thresh_crit_col:s totalc_thresh_warn_col:s totalc_thresh_crit_col:s concalls_thresh_warn_col:s concalls_thresh_crit_col:s seqcalls_thresh_warn_col:s seqcalls_thresh_crit_col:s`,
  rest_client: `connection_timeout:i connect_poll_interval:i~ max_async_transfers:i max_transfer_size:i max_connections:i~ max_host_connections:i~ curl_timeout:i ssl_verifypeer:i ssl_verifyhost:i
    ssl_capath:s~ curl_http_version:i~ trace_destination:s~ enable_expect_100:i~ no_concurrent_connects:i~ curl_conn_lifetime:i~`,
  event_rabbitmq: `heartbeat:i~ connect_timeout:i~ timeout:i~ use_tls:i~ suppress_event_name:i~!2`,
  event_stream: `sync_mode:i~ reliable_mode:i~ timeout:i~ event_param:s~`,
  event_routing: ``,
  event_virtual: `failover_timeout:i~`,
  event_xmlrpc: `use_struct_param:i~ sync_mode:i~`,
  sipcapture: `db_url:s~ table_name:s~ hep_capture_on:i~ max_async_queries:i~ raw_ipip_capture_on:i~ raw_moni_capture_on:i~ raw_socket_listen:s~ raw_interface:s~ raw_sock_children:i~ promiscious_on:i~ raw_moni_bpf_on:i~ capture_node:s~ hep_route:s~`,
  qrouting: `db_url:s~ table_name:s~ algorithm:s~ history_span:i~ sampling_interval:i~ event_bad_dst_threshold:s~ decimal_digits:i~ extra_stats:s~ min_samples_asr:i~ min_samples_ccr:i~ min_samples_pdd:i~ min_samples_ast:i~ min_samples_acd:i~`,
  freeswitch: `event_heartbeat_interval:i~`,
  mqueue: `mqueue:s mqueue_name:s mqueue_size:i mqueue_addmode:i db_url:s`,
  userblacklist: `db_url:s db_table:s use_domain:i match_mode:i~`,
  msilo: `db_url:s~ db_table:s~ from_address:s~ contact_hdr:s~ offline_message:s~ content_type_hdr:s~ reminder:s~ outbound_proxy:s~ expire_time:i~ check_time:i~ send_time:i~ clean_period:i~ use_contact:i~ sc_mid:s~ sc_from:s~ sc_to:s~ sc_uri_user:s~ sc_uri_host:s~ sc_body:s~ sc_ctype:s~ sc_exp_time:s~ sc_inc_time:s~ sc_snd_time:s~ snd_time_avp:s~ add_date:i~ max_messages:i~`,
};

const TYPES: Readonly<Record<string, ModuleParameterType>> = { i: 'number', s: 'string', a: 'either' };

const parsed = new Map<string, ReadonlyMap<string, ModuleParameterDefinition>>();

/** Parameters of a module by name; undefined for a module that is not listed. */
export function opensipsModuleParameters(module: string): ReadonlyMap<string, ModuleParameterDefinition> | undefined {
  const text = Object.hasOwn(TABLE, module) ? TABLE[module] : undefined;
  if (text === undefined) return undefined;
  let table = parsed.get(module);
  if (table === undefined) {
    table = new Map(
      text
        .split(/\s+/)
        .filter((each) => each !== '')
        .map((each) => {
          const [, name = '', type = 'a', without, until] = /^(.+):([isa])(~)?(?:!(\d))?$/.exec(each) ?? [];
          return [
            name,
            {
              type: TYPES[type] ?? 'either',
              until: until === undefined ? Number.POSITIVE_INFINITY : Number(until),
              without: without !== undefined,
            },
          ];
        }),
    );
    parsed.set(module, table);
  }
  return table;
}
