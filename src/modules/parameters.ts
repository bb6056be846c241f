/** What a parameter of a module is: a number, text, either, or accepted and without effect here. */
export type ModuleParameterType = 'int' | 'string' | 'any' | 'none';

function typed(type: ModuleParameterType, names: string): [string, ModuleParameterType][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name, type]);
}

/** Parameters of modules that are checked, by module and name. A module that is not here takes whatever the file says. */
export const MODULE_PARAMETERS: ReadonlyMap<string, ReadonlyMap<string, ModuleParameterType>> = new Map([
  [
    'acc',
    new Map([
      ...typed(
        'any',
        `log_flag log_missed_flag db_flag db_missed_flag nats_flag nats_missed_flag evi_flag evi_missed_flag cdr_flag
        failed_transaction_flag`,
      ),
      ...typed('int', 'report_ack report_cancels detect_direction cdr_enable cdr_log_enable cdr_start_on_confirmed'),
      ...typed(
        'string',
        `log_extra db_extra multi_leg_info extra_fields leg_fields db_url db_table_acc db_table_missed_calls cdrs_table cdr_extra
        cdr_start_id cdr_end_id cdr_duration_id acc_method_column acc_from_tag_column acc_to_tag_column acc_callid_column
        acc_sip_code_column acc_sip_reason_column acc_time_column`,
      ),
      ...typed(
        'none',
        `early_media log_level log_facility log_level_missed aaa_url aaa_flag aaa_missed_flag aaa_extra service_type radius_config
        radius_flag radius_missed_flag radius_extra diameter_flag db_insert_mode db_table_missed_calls_avp db_table_acc_avp
        time_mode time_attr time_exten time_format acc_prepare_flag acc_prepare_always reason_from_hf multi_leg_enabled
        acc_created_avp_name leg_info cdr_facility cdr_skip cdr_expired_dlg_enable cdr_extra_nullable cdr_on_failed
        multi_leg_info_none acc_duration_column acc_ms_duration_column acc_setuptime_column acc_created_column
        acc_created_avp acc_callee_column acc_caller_column backends_per_module acc_ms_duration`,
      ),
    ]),
  ],
  [
    'dialog',
    new Map([
      ...typed('int', 'default_timeout dlg_match_mode'),
      ...typed('string', 'rr_param profiles_with_value profiles_no_value timeout_avp'),
      ...typed('any', 'dlg_flag bye_on_timeout_flag'),
      ...typed(
        'none',
        `enable_stats hash_size early_timeout noack_timeout end_timeout delete_delay log_profile_hash_size dlg_extra_hdrs dlg_sharing_tag
        dlg_event_id_only profile_replication_cluster dialog_replication_cluster replicate_profiles_buffer
        replicate_profiles_check replicate_profiles_timer replicate_profiles_expire cachedb_url profile_value_prefix
        profile_no_value_prefix profile_size_prefix profile_timeout db_mode db_update_period db_url db_table_name table_name
        vars_table_name call_id_column from_uri_column from_tag_column to_uri_column to_tag_column h_id_column h_entry_column
        state_column start_time_column timeout_column to_cseq_column from_cseq_column to_route_column from_route_column
        to_contact_column from_contact_column to_sock_column from_sock_column profiles_column vars_column sflags_column
        mflags_column flags_column options_ping_interval reinvite_ping_interval tm_retrans_to race_condition_timeout
        vars_h_id_column vars_h_entry_column vars_key_column vars_value_column initial_cbs_inscript detect_spirals
        send_bye wait_ack ka_timer ka_interval ka_failed_limit timeout_noreset timer_procs track_cseq_updates
        lreq_callee_headers event_callback bridge_contact bridge_controller enable_dmq h_id_start h_id_step
        dlg_filter_mode dlg_mode dlg_ctxiuid_mode keep_proxy_rr db_skip_load fallback_match bye_early_code bye_early_reason
        ping_refresh_interval match_mode timer_type xavp_cfg`,
      ),
    ]),
  ],
]);
