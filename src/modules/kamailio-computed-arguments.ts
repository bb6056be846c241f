/**
 * Arguments that Kamailio's functions accept as an expression, evaluated for each message (`is_myself("sip:" +
 * $hdr(Host))`), observed with the file check of 5.6.3 (`kamailio -c`): NAME/POSITIONS by module. All other arguments
 * are constants, or texts with variables.
 */
const COMPUTED: Readonly<Record<string, string>> = {
  kex: `is_myself/1 isbflagset/1,2 issflagset/1 resetbflag/1,2 resetsflag/1 setbflag/1,2 setdebug/1 setdsturi/1 setsflag/1`,
  corex: `append_branch/1,2 file_write/1,2 is_socket_name/1 isxflagset/1 msg_iflag_is_set/1 msg_iflag_reset/1 msg_iflag_set/1 resetxflag/1
    send_data/1,2 send_tcp/1 send_udp/1 sendx/1,2,3 set_recv_socket/1 set_recv_socket_name/1 set_send_socket/1 set_send_socket_name/1
    set_source_address/1 setxflag/1 via_add_srvid/1 via_add_xavp_params/1 via_use_xavp_fields/1`,
  tm: `t_drop_replies/1 t_grep_status/1 t_load_contacts/1 t_lookup_cancel/1 t_replicate/1 t_set_auto_inv_100/1 t_set_disable_6xx/1
    t_set_disable_failover/1 t_set_disable_internal_reply/1 t_set_fr/1,2 t_set_max_lifetime/1,2 t_set_no_e2e_cancel_reason/1
    t_set_retr/1,2`,
  tmx: `t_drop/1`,
  rr: `check_route_param/1 loose_route_mode/1`,
  maxfwd: `is_maxfwd_lt/1 maxfwd_at_least/1 maxfwd_process/1 mf_lowlimit/1 mf_process_maxfwd_header/1 process_maxfwd/1`,
  textops: `append_body_part/1,2 append_body_part_hex/1,2 append_to_reply/1 append_urihf/1,2 cmp_istr/1,2 cmp_str/1,2 ends_with/1,2 filter_body/1
    in_list/1,2,3 in_list_prefix/1,2,3 is_present_hf/1 is_present_hf_pv/1 is_present_hf_re/1 is_present_hf_re_pv/1 remove_body_part/1
    remove_hf/1 remove_hf_exp/1,2 remove_hf_exp_pv/1,2 remove_hf_idx/1,2 remove_hf_match/1,2,3 remove_hf_pv/1 remove_hf_re/1
    remove_hf_re_pv/1 replace/1,2 replace_all/1,2 replace_body/1,2 replace_body_all/1,2 replace_body_atonce/1,2 replace_body_str/1,2,3
    replace_hdrs/1,2 replace_hdrs_str/1,2,3 replace_str/1,2,3 search/1 search_append/1,2 search_append_body/1,2 search_body/1
    search_str/1,2 set_body/1,2 set_body_multipart/1,2 set_reply_body/1,2 starts_with/1,2 str_find/1,2 str_ifind/1,2`,
  textopsx: `bl_iterator_append/1,2 bl_iterator_end/1 bl_iterator_insert/1,2 bl_iterator_next/1 bl_iterator_rm/1 bl_iterator_start/1
    change_reply_status_code/1 hf_iterator_append/1,2 hf_iterator_end/1 hf_iterator_insert/1,2 hf_iterator_next/1 hf_iterator_prev/1
    hf_iterator_rm/1 hf_iterator_start/1 keep_hf/1 msg_set_buffer/1`,
  siputils: `add_uri_param/1 append_rpid_hf/1,2 cmp_aor/1,2 cmp_hdr_name/1,2 cmp_uri/1,2 contact_param_decode/1 contact_param_decode_ruri/1
    contact_param_encode/1,2 contact_param_rm/1 encode_contact/1,2 get_uri_param/1,2 hdr_date_check/1 is_alphanum/1 is_alphanumex/1,2
    is_e164/1 is_first_hop/1 is_gruu/1 is_numeric/1 is_tel_number/1 is_uri/1 is_uri_user_e164/1 is_user/1 set_uri_host/1,2
    set_uri_user/1,2 sip_p_charging_vector/1 uri_param/1,2 uri_param_any/1 uri_param_rm/1`,
  pv: `is_int/1 not_empty/1 pv_isset/1 pv_unset/1 pv_var_to_xavp/1,2 pv_xavp_to_var/1 typeof/1,2 xavi_child_rm/1,2 xavi_child_seti/1,2,3
    xavi_child_sets/1,2,3 xavi_rm/1 xavp_child_rm/1,2 xavp_child_seti/1,2,3 xavp_child_sets/1,2,3 xavp_params_explode/1,2
    xavp_params_implode/1,2 xavp_rm/1 xavp_slist_explode/1,2,3,4 xavu_params_explode/1,2 xavu_params_implode/1,2`,
  dispatcher: `ds_is_active/1,2 ds_is_from_list/1 ds_select/1,2 ds_select_domain/1,2 ds_select_dst/1,2 ds_select_routes/1,2`,
  http_client: `http_client_get/1,2,3 http_client_query/1,2,3 http_connect/2,4`,
  sanity: `sanity_check/1,2`,
  nathelper: `add_rcv_param/1 handle_ruri_alias/1 is_rfc1918/1 nat_uac_test/1 set_alias_to_pv/1 set_contact_alias/1`,
  path: `add_path/1,2 add_path_received/1,2`,
  htable: `sht_iterator_end/1 sht_iterator_next/1 sht_iterator_rm/1 sht_iterator_setex/1,2 sht_iterator_seti/1,2 sht_iterator_sets/1,2
    sht_iterator_start/1,2 sht_reset/1 sht_rm/1,2 sht_setxi/1,2,3,4 sht_setxs/1,2,3,4`,
  cfgutils: `check_route_exists/1 lock/1 route_if_exists/1 sleep/1 trylock/1 unlock/1 usleep/1`,
  pike: `pike_check_ip/1`,
  ratelimit: `rl_check/1 rl_check_pipe/1`,
  pipelimit: `pl_active/1 pl_check/1`,
  permissions: `allow_address_group/1,2 allow_source_address/1 allow_trusted/1,2,3`,
  domain: `is_domain_local/1 lookup_domain/1,2`,
  ipops: `compare_ips/1,2 compare_pure_ips/1,2 detailed_ip_type/1,2 detailed_ipv4_type/1,2 detailed_ipv6_type/1,2 dns_int_match_ip/1,2 dns_query/1,2
    dns_set_local_ttl/1 dns_sys_match_ip/1,2 ip_type/1 is_in_subnet/1,2 is_ip/1 is_ip_rfc1918/1 is_ipv4/1 is_ipv6/1 is_ipv6_reference/1
    is_pure_ip/1 naptr_query/1,2 srv_query/1,2`,
  sdpops: `sdp_content/1 sdp_get/1 sdp_keep_codecs_by_id/1,2 sdp_keep_codecs_by_name/1,2 sdp_print/1 sdp_remove_codecs_by_id/1,2
    sdp_remove_codecs_by_name/1,2 sdp_remove_line_by_prefix/1,2 sdp_remove_media/1 sdp_remove_transport/1 sdp_transport/1
    sdp_with_active_media/1 sdp_with_codecs_by_id/1 sdp_with_codecs_by_name/1 sdp_with_media/1 sdp_with_transport/1
    sdp_with_transport_like/1`,
  diversion: `add_diversion/1,2`,
  acc: `acc_db_request/1,2 acc_log_request/1 acc_request/1,2`,
  dialog: `dlg_db_load_callid/1 dlg_isflagset/1 dlg_reset_property/1 dlg_resetflag/1 dlg_set_property/1 dlg_set_timeout/1 dlg_setflag/1`,
  rtpengine: `block_dtmf/1 block_media/1 play_dtmf/1 play_media/1 rtpengine_answer/1 rtpengine_delete/1 rtpengine_info/1 rtpengine_manage/1
    rtpengine_offer/1 rtpengine_query/1 rtpengine_query_v/1,2 silence_media/1 start_forwarding/1 start_recording/1 stop_forwarding/1
    stop_media/1 stop_recording/1 unblock_dtmf/1 unblock_media/1 unsilence_media/1`,
  avpops: `avp_subst_pv/1,2`,
  uac: `uac_auth/1 uac_auth_mode/1 uac_reg_disable/1,2 uac_reg_enable/1,2 uac_reg_lookup/1,2 uac_reg_lookup_uri/1,2 uac_reg_refresh/1
    uac_reg_request_to/1,2 uac_reg_status/1 uac_replace_from/1,2 uac_replace_to/1,2`,
  registrar: `add_sock_hdr/1 reg_free_contacts/1`,
  auth: `has_credentials/1`,
  topos: `tps_set_context/1`,
  jansson: `jansson_append/1,2,3 jansson_array_size/1,2 jansson_get/1,2 jansson_get_field/1,2 jansson_set/1,2,3 jansson_xdecode/1,2
    jansson_xencode/1`,
  json: `json_get_field/1,2 json_get_string/1,2`,
  mqueue: `mq_fetch/1 mq_pv_free/1 mq_size/1`,
  regex: `pcre_match/1,2 pcre_match_group/1,2`,
  dialplan: `dp_match/1,2 dp_replace/1,2,3`,
  async: `return/1`,
  sst: `sstCheckMin/1`,
  siptrace: `hlog/1,2 sip_trace/1,2,3 sip_trace_mode/1`,
  nat_traversal: `client_nat_test/1`,
  tcpops: `tcp_close_connection/1 tcp_conid_alive/1 tcp_conid_state/1 tcp_enable_closed_event/1 tcp_get_conid/1,2 tcp_keepalive_disable/1
    tcp_keepalive_enable/1,2,3,4 tcp_set_connection_lifetime/1,2 tcp_set_otcpid/1 tcp_set_otcpid_flag/1`,
  exec: `exec_avp/1 exec_cmd/1 exec_dset/1 exec_msg/1`,
  uri_db: `check_uri/1`,
  secfilter: `secf_check_country/1 secf_check_dst/1 secf_check_sqli_hdr/1`,
  enum: `enum_pv_query/1,2,3 enum_query/1,2 i_enum_query/1,2 is_from_user_enum/1,2`,
  drouting: `do_routing/1 goes_to_gw/1 is_from_gw/1,2`,
  lcr: `defunct_gw/1 from_any_gw/1,2,3 from_gw/1,2,3,4 load_gws/1,2,3,4,5,6 to_any_gw/1,2 to_gw/1,2,3`,
  rtpproxy: `rtpproxy_answer/1,2 rtpproxy_destroy/1 rtpproxy_manage/1,2 rtpproxy_offer/1,2 unforce_rtp_proxy/1`,
  msrp: `msrp_relay_flags/1 msrp_reply/1,2 msrp_reply_flags/1`,
  jsonrpcs: `jsonrpc_exec/1`,
};

const positions = new Map<string, ReadonlySet<number>>();
for (const [module, text] of Object.entries(COMPUTED)) {
  for (const entry of text.split(/[ \t\r\n]+/)) {
    const [name = '', numbers = ''] = entry.split('/');
    positions.set(`${module} ${name}`, new Set(numbers.split(',').map(Number)));
  }
}

/**
 * Whether an argument (the first is 0) of a module's function may be an expression that is evaluated for each message.
 */
export function computesArgument(module: string, name: string, index: number): boolean {
  return positions.get(`${module} ${name}`)?.has(index + 1) === true;
}
