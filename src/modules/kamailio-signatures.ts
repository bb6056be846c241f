import type { RouteKind } from '../cfg/ast.js';
import type { ArgumentReading, RecordedSignature } from '../cfg/function-table.js';
import { readingOf, refusedArgument } from './kamailio-arguments.js';
import { computesArgument } from './kamailio-computed-arguments.js';

/**
 * The functions of Kamailio's modules, observed with the file check of 5.6.3 (`kamailio -c`): NAME/COUNTS/ROUTES.
 * COUNTS are the accepted numbers of arguments. ROUTES are the kinds of routes: q request_route and route, f
 * failure_route, o onreply_route with a name, r reply_route, b branch_route, s onsend_route, e event_route. "+"
 * separates counts that have different routes.
 */
const RECORDED: Readonly<Record<string, string>> = {
  kex: `avp_printf/2/qforbse is_myself/1/qforbse isbflagset/1,2/qforbse isdsturiset/0/qforbse issflagset/1/qforbse pv_printf/2/qforbse
    resetbflag/1,2/qforbse resetdebug/0/qforbse resetdsturi/0/qforbse resetsflag/1/qforbse setbflag/1,2/qforbse setdebug/1/qforbse
    setdsturi/1/qforbse setsflag/1/qforbse`,
  corex: `append_branch/0,1,2/qfe file_read/2/qforbse file_write/2/qforbse forward_reply/0/r is_faked_msg/0/qforbse is_incoming/0/qforbse
    is_socket_name/1/qforbse isxflagset/1/qforbse msg_iflag_is_set/1/qforbse msg_iflag_reset/1/qforbse msg_iflag_set/1/qforbse
    resetxflag/1/qforbse send_data/2/qforbse send_tcp/0,1/qfe send_udp/0,1/qfe sendx/3/qforbse set_recv_socket/1/qforbse
    set_recv_socket_name/1/qforbse set_send_socket/1/qforbse set_send_socket_name/1/qforbse set_source_address/1/qforbse
    setxflag/1/qforbse via_add_srvid/1/qforbse via_add_xavp_params/1/qforbse via_use_xavp_fields/1/qforbse`,
  tm: `t_any_replied/0/qfobe t_any_timeout/0/qfobe t_branch_replied/0/qfe t_branch_timeout/0/qfe t_check_status/1/qfore
    t_check_trans/0/qorbe t_clean/0/qforbse t_drop_replies/0,1/f t_forward_nonack/2/qe t_forward_nonack_sctp/2/qe
    t_forward_nonack_tcp/2/qe t_forward_nonack_tls/2/qe t_forward_nonack_udp/2/qe t_get_status_code/0/qforbe t_grep_status/1/qfobe
    t_is_canceled/0/qfobe t_is_expired/0/qfobe t_is_retr_async_reply/0/o t_is_set/1/qforbse t_load_contacts/0,1/qfe
    t_lookup_cancel/0,1/qe t_lookup_request/0/qe t_newtran/0/qe t_next_contact_flow/0/qe t_next_contacts/0/qfe t_on_branch/1/qfe
    t_on_branch_failure/1/qfobe t_on_failure/1/qfobe t_on_reply/1/qfobe t_relay/0,2/qfe t_relay_cancel/0/qe t_relay_to/0,1,2/qfe
    t_relay_to_sctp/0,2/qfe t_relay_to_tcp/0,2/qfe t_relay_to_tls/0,2/qfe t_relay_to_udp/0,2/qfe t_release/0/qe t_replicate/0,1,2/qe
    t_replicate_sctp/2/qe t_replicate_tcp/2/qe t_replicate_tls/2/qe t_replicate_to/2/qe t_replicate_udp/2/qe t_reply/2/qfore
    t_reset_fr/0/qfobe t_reset_max_lifetime/0/qfobe t_reset_retr/0/qfobe t_retransmit_reply/0/qe t_save_lumps/0/qe t_send_reply/2/qfore
    t_set_auto_inv_100/1/qe t_set_disable_6xx/1/qfobe t_set_disable_failover/1/qfobe t_set_disable_internal_reply/1/qfobe
    t_set_fr/1,2/qfobe t_set_max_lifetime/2/qfobe t_set_no_e2e_cancel_reason/1/qfobe t_set_retr/2/qfobe t_uac_send/6/qforbse
    t_use_uac_headers/0/qforbse`,
  tmx: `t_cancel_branches/1/or t_cancel_callid/3,4/qforbse t_continue/3/qforbse t_drop/0,1/qforbse t_flush_flags/0/qforbse
    t_flush_xflags/0/qforbse t_is_branch_route/0/qforbse t_is_failure_route/0/qforbse t_is_reply_route/0/qforbse
    t_is_request_route/0/qforbse t_precheck_trans/0/qe t_reply_callid/4/qforbse t_reuse_branch/0/qe t_suspend/0/qforbse`,
  sl: `send_reply/2/qfore send_reply_mode/3/qfore set_reply_close/0/qforbse set_reply_no_connect/0/qforbse sl_forward_reply/0,1,2/or
    sl_reply/2/qe sl_reply_error/0/qe sl_send_reply/2/qe`,
  rr: `add_rr_param/1/qfbe check_route_param/1/qe is_direction/1/qe loose_route/0/qe loose_route_mode/1/qe loose_route_preloaded/0/qe
    record_route/0,1/qfbe record_route_advertised_address/1/qfbe record_route_preset/1,2/qfbe remove_record_route/0/qfe
    rr_next_hop_route/0/qforbse`,
  maxfwd: `is_maxfwd_lt/1/qfbe maxfwd_at_least/1/qfbe maxfwd_process/1/qe mf_lowlimit/1/qfbe mf_process_maxfwd_header/1/qe process_maxfwd/1/qe`,
  textops: `append_body_part/2,3/qfbe append_body_part_hex/2,3/qfbe append_hf/1,2/qforbse append_time/0/qfbe append_time_to_request/0/qforbse
    append_to_reply/1/qfbe append_urihf/2/qfbe cmp_istr/2/qforbse cmp_str/2/qforbse ends_with/2/qforbse filter_body/1/qforbse
    get_body_part/2/qforbe get_body_part_raw/2/qforbe has_body/0,1/qforbse in_list/3/qforbse in_list_prefix/3/qforbse
    insert_hf/1,2/qforbse is_audio_on_hold/0/qforbse is_method/1/qforbse is_present_hf/1/qforbse is_present_hf_pv/1/qforbse
    is_present_hf_re/1/qforbse is_present_hf_re_pv/1/qforbse is_privacy/1/qforbse regex_substring/5/qforbe remove_body_part/1/qfbe
    remove_hf/1/qforbse remove_hf_exp/2/qforbse remove_hf_exp_pv/2/qforbse remove_hf_idx/2/qforbse remove_hf_match/3/qforbse
    remove_hf_pv/1/qforbse remove_hf_re/1/qforbse remove_hf_re_pv/1/qforbse replace/2/qforbse replace_all/2/qforbse
    replace_body/2/qforbse replace_body_all/2/qforbse replace_body_atonce/2/qforbse replace_body_str/3/qforbse replace_hdrs/2/qforbse
    replace_hdrs_str/3/qforbse replace_str/3/qforbse search/1/qforbse search_append/2/qforbse search_append_body/2/qforbse
    search_body/1/qforbse search_hf/3/qforbse search_str/2/qforbse set_body/2/qforbe set_body_multipart/0,1,2,3/qfbe
    set_reply_body/2/qfbe starts_with/2/qforbse str_find/2/qforbse str_ifind/2/qforbse subst/1/qforbse subst_body/1/qforbse
    subst_hf/3/qforbse subst_uri/1/qforbe subst_user/1/qforbe`,
  textopsx: `append_hf_value/2/qforbe assign_hf_value/2/qforbe assign_hf_value2/2/qforbe bl_iterator_append/2/qforbse bl_iterator_end/1/qforbse
    bl_iterator_insert/2/qforbse bl_iterator_next/1/qforbse bl_iterator_rm/1/qforbse bl_iterator_start/1/qforbse
    change_reply_status/2/or change_reply_status_code/1/or exclude_hf_value/2/qforbe fnmatch/2,3/qforbse hf_iterator_append/2/qforbse
    hf_iterator_end/1/qforbse hf_iterator_insert/2/qforbse hf_iterator_next/1/qforbse hf_iterator_prev/1/qforbse
    hf_iterator_rm/1/qforbse hf_iterator_start/1/qforbse hf_value_exists/2/qforbe include_hf_value/2/qforbe insert_hf_value/2/qforbe
    keep_hf/0,1/qforbse msg_apply_changes/0/qore msg_set_buffer/1/qore remove_body/0/qforbse remove_hf_value/1/qforbe
    remove_hf_value2/1/qforbe`,
  siputils: `add_uri_param/1/qe append_rpid_hf/0,2/qfbe cmp_aor/2/qforbse cmp_hdr_name/2/qforbse cmp_uri/2/qforbse contact_param_decode/1/qore
    contact_param_decode_ruri/1/qe contact_param_encode/2/qore contact_param_rm/1/qore decode_contact/0/qe decode_contact_header/0/qfore
    encode_contact/2/qore get_uri_param/2/qe has_totag/0/qforbse hdr_date_check/1/qforbse is_alphanum/1/qforbse is_alphanumex/2/qforbse
    is_e164/1/qfe is_first_hop/0,1/qforbse is_gruu/0,1/qforbse is_numeric/1/qforbse is_reply/0/qforbse is_request/0/qforbse
    is_rpid_user_e164/0/qe is_supported/1/qforbse is_tel_number/1/qforbse is_uri/1/qforbse is_uri_user_e164/1/qforbse is_user/1/qe
    options_reply/0/qe set_uri_host/2/qforbse set_uri_user/2/qforbse sip_p_charging_vector/1/qforbse tel2sip/3/qforbe uri_param/1,2/qfbe
    uri_param_any/1/qfbe uri_param_rm/1/qfbe`,
  pv: `is_int/1/qforbse not_empty/1/qforbse pv_evalx/2/qforbse pv_isset/1/qforbse pv_unset/1/qforbse pv_var_to_xavp/2/qforbse
    pv_xavi_print/0/qforbse pv_xavp_print/0/qforbse pv_xavp_to_var/1/qforbse pv_xavu_print/0/qforbse sbranch_append/0/qforbse
    sbranch_reset/0/qforbse sbranch_set_ruri/0/qforbse typeof/2/qforbse xavi_child_rm/2/qforbse xavi_child_seti/3/qforbse
    xavi_child_sets/3/qforbse xavi_rm/1/qforbse xavp_child_rm/2/qforbse xavp_child_seti/3/qforbse xavp_child_sets/3/qforbse
    xavp_copy/3,4/qforbse xavp_params_explode/2/qforbse xavp_params_implode/2/qforbse xavp_rm/1/qforbse xavp_slist_explode/4/qforbse
    xavu_params_explode/2/qforbse xavu_params_implode/2/qforbse`,
  xlog: `xalert/1/qforbse xbug/1/qforbse xcrit/1/qforbse xdbg/1/qforbse xdbgl/1/qforbse xerr/1/qforbse xinfo/1/qforbse xlog/1,2,3/qforbse
    xlogl/1,2,3/qforbse xlogm/2/qforbse xnotice/1/qforbse xwarn/1/qforbse`,
  dispatcher: `ds_is_active/1,2/qforbse ds_is_from_list/0/qforbe+1,2,3/qforbse ds_list_exist/1/qforbse ds_list_exists/1/qforbse
    ds_load_unset/0/qforbse ds_load_update/0/qforbse ds_mark_dst/0,1/qfore ds_next_domain/0/qfe ds_next_dst/0/qfe ds_reload/0/qforbse
    ds_select/2/qforbse+3/qfe ds_select_domain/2,3/qfe ds_select_dst/2,3/qfe ds_select_routes/2,3/qfe ds_set_domain/0/qfe
    ds_set_dst/0/qfe`,
  http_client: `http_client_get/4/qforbe http_client_query/2,3,4/qforbe http_connect/3,5/qforbe http_connect_raw/5/qforbe http_get_redirect/2/qforbe`,
  sanity: `sanity_check/0,1,2/qore sanity_reply/0/qore`,
  nathelper: `add_contact_alias/0/qorbe+3/qforbe add_rcv_param/0,1/qe fix_nated_contact/0/qorbe fix_nated_register/0/qe fix_nated_sdp/1,2/qforbe
    handle_ruri_alias/0,1/qbe is_rfc1918/1/qforbse nat_uac_test/1/qforbe set_alias_to_pv/1/qforbse set_contact_alias/0,1/qorbe`,
  path: `add_path/0,1,2/qe add_path_received/0,1,2/qe`,
  htable: `sht_has_name/3/qforbse sht_has_str_value/3/qforbse sht_iterator_end/1/qforbse sht_iterator_next/1/qforbse sht_iterator_rm/1/qforbse
    sht_iterator_setex/2/qforbse sht_iterator_seti/2/qforbse sht_iterator_sets/2/qforbse sht_iterator_start/2/qforbse sht_lock/1/qforbse
    sht_match_name/3/qforbse sht_match_str_value/3/qforbse sht_print/0/qforbse sht_reset/1/qforbse sht_rm/2/qforbse
    sht_rm_name/3/qforbse sht_rm_name_re/1/qforbse sht_rm_value/3/qforbse sht_rm_value_re/1/qforbse sht_setxi/4/qforbse
    sht_setxs/4/qforbse sht_unlock/1/qforbse`,
  cfgutils: `abort/0/qforbse check_route_exists/1/qforbse core_hash/3/qforbse is_gflag/1/qforbse lock/1/qforbse pkg_status/0/qforbse
    pkg_summary/0/qforbse rand_event/0/qforbse rand_get_prob/0/qforbse rand_reset_prob/0/qforbse rand_set_prob/1/qforbse
    reset_gflag/1/qforbse route_if_exists/1/qforbse set_gflag/1/qforbse shm_status/0/qforbse shm_summary/0/qforbse sleep/1/qforbse
    trylock/1/qforbse unlock/1/qforbse usleep/1/qforbse`,
  pike: `pike_check_ip/1/qore pike_check_req/0/qore`,
  ratelimit: `rl_check/0/qforbse+1/qe rl_check_pipe/1/qforbse`,
  pipelimit: `pl_active/1/qforbse pl_check/1,3/qforbse pl_drop/0,1,2/qfbse`,
  permissions: `allow_address/3/qforbse allow_address_group/2/qforbse allow_register/1,2/qfe allow_routing/0,1,2/qforbse
    allow_source_address/0,1/qforbse allow_source_address_group/0/qforbse allow_trusted/0,2,3/qforbse allow_uri/2/qfe`,
  domain: `is_domain_local/1/qfbe is_from_local/0/qfbe is_uri_host_local/0/qfbe lookup_domain/1,2/qfbe`,
  ipops: `compare_ips/2/qforbse compare_pure_ips/2/qforbse detailed_ip_type/2/qforbse detailed_ipv4_type/2/qforbse
    detailed_ipv6_type/2/qforbse dns_int_match_ip/2/qforbse dns_query/2/qforbse dns_set_local_ttl/1/qforbse dns_sys_match_ip/2/qforbse
    ip_type/1/qforbse is_in_subnet/2/qforbse is_ip/1/qforbse is_ip_rfc1918/1/qforbse is_ipv4/1/qforbse is_ipv6/1/qforbse
    is_ipv6_reference/1/qforbse is_pure_ip/1/qforbse naptr_query/2/qforbse srv_query/2/qforbse`,
  sdpops: `sdp_content/0,1/qforbse sdp_get/1/qforbse sdp_get_address_family/0/qforbse sdp_get_line_startswith/2/qforbse
    sdp_keep_codecs_by_id/1,2/qforbse sdp_keep_codecs_by_name/1,2/qforbse sdp_print/1/qforbse sdp_remove_codecs_by_id/1,2/qforbse
    sdp_remove_codecs_by_name/1,2/qforbse sdp_remove_line_by_prefix/1,2/qforbse sdp_remove_media/1/qforbse
    sdp_remove_transport/1/qforbse sdp_transport/1/qforbse sdp_with_active_media/1/qforbse sdp_with_codecs_by_id/1/qforbse
    sdp_with_codecs_by_name/1/qforbse sdp_with_ice/0/qforbse sdp_with_media/1/qforbse sdp_with_transport/1/qforbse
    sdp_with_transport_like/1/qforbse`,
  diversion: `add_diversion/1,2/qfbe`,
  acc: `acc_db_request/2/qforbse acc_log_request/1/qforbse acc_request/2/qforbse`,
  dialog: `dlg_bridge/3/qforbse dlg_bye/1/qforbse dlg_db_load_callid/1/qforbse dlg_db_load_extra/0/qforbse dlg_get/3/qforbse
    dlg_isflagset/1/qforbse dlg_manage/0/qe dlg_refer/2/qforbse dlg_remote_profile/5/qforbse dlg_reset_property/1/qforbse
    dlg_resetflag/1/qforbse dlg_set_property/1/qforbse dlg_set_ruri/0/qforbse dlg_set_timeout/1,3/qforbse
    dlg_set_timeout_by_profile/2,3/qforbse dlg_setflag/1/qforbse get_profile_size/2,3/qforbse is_in_profile/1,2/qforbse
    is_known_dlg/0/qforbse set_dlg_profile/1,2/qforbse unset_dlg_profile/1,2/qforbe`,
  rtpengine: `block_dtmf/0,1/qforbse block_media/0,1/qforbse play_dtmf/1/qforbse play_media/1/qforbse rtpengine_answer/0,1/qforbse
    rtpengine_delete/0,1/qforbse rtpengine_info/0,1/qforbse rtpengine_manage/0,1/qforbse rtpengine_offer/0,1/qforbse
    rtpengine_query/0,1/qforbse rtpengine_query_v/2/qforbse set_rtpengine_set/1,2/qforbse silence_media/0,1/qforbse
    start_forwarding/0,1/qforbse start_recording/0,1/qforbse stop_forwarding/0,1/qforbse stop_media/0,1/qforbse
    stop_recording/0,1/qforbse unblock_dtmf/0,1/qforbse unblock_media/0,1/qforbse unsilence_media/0,1/qforbse`,
  avpops: `avp_check/2/qforbe avp_copy/2/qforbe avp_db_delete/2/qforbe avp_db_load/2/qforbe avp_db_query/1,2/qforbe avp_db_store/2/qforbe
    avp_delete/1/qforbe avp_op/2/qforbe avp_print/0/qforbe avp_pushto/2/qforbe avp_subst/2/qforbe avp_subst_pv/2/qforbe
    is_avp_set/1/qforbe`,
  sqlops: `sql_pvquery/3/qforbse sql_query/2,3/qforbse sql_query_async/2/qforbse sql_result_free/1/qforbse sql_xquery/3/qforbse`,
  uac: `uac_auth/0,1/f uac_auth_mode/1/f uac_reg_disable/2/qforbse uac_reg_enable/2/qforbse uac_reg_lookup/2/qforbse
    uac_reg_lookup_uri/2/qforbse uac_reg_refresh/1/qforbse uac_reg_request_to/2/qfbe uac_reg_status/1/qforbse uac_replace_from/1,2/qbe
    uac_replace_to/1,2/qbe uac_req_send/0/qforbse uac_restore_from/0/qe uac_restore_to/0/qe`,
  counters: `cnt_add/2/qforse cnt_inc/1/qforse cnt_reset/1/qforse`,
  registrar: `add_sock_hdr/1/qe lookup/1,2/qfe lookup_branches/1/qfe lookup_to_dset/1,2/qfe reg_fetch_contacts/3/qfe reg_free_contacts/1/qfe
    reg_send_reply/0/qfe registered/1,2,3,4/qforbse save/1,2,3/qfore unregister/2,3/qforbse`,
  auth: `auth_challenge/2/qfore auth_get_www_authenticate/3/qe consume_credentials/0/qe has_credentials/1/qe proxy_challenge/2/qfore
    pv_auth_check/4/qe pv_proxy_authenticate/3/qe pv_www_authenticate/3,4/qe www_challenge/2/qfore`,
  auth_db: `auth_check/3/qe is_subscriber/3/qforbse proxy_authenticate/2/qe proxy_authorize/2/qe www_authenticate/2,3/qe www_authorize/2/qe`,
  xhttp: `xhttp_reply/4/qe`,
  topos: `tps_set_context/1/qforbse`,
  jansson: `jansson_append/4/qforbse jansson_array_size/3/qforbse jansson_get/3/qforbse jansson_get_field/3/qforbse jansson_set/4/qforbse
    jansson_xdecode/2/qforbse jansson_xencode/2/qforbse`,
  json: `json_get_field/3/qforbse json_get_string/3/qforbse`,
  mtree: `mt_match/3/qforbse`,
  mqueue: `mq_add/3/qforbse mq_fetch/1/qforbse mq_pv_free/1/qforbse mq_size/1/qforbse`,
  tmrec: `is_leap_year/0,1/qforbse time_period_match/1,2/qforbse tmrec_match/1,2/qforbse`,
  regex: `pcre_match/2/qforbe pcre_match_group/1,2/qforbe`,
  dialplan: `dp_match/2/qforbse dp_reload/0/qforbse dp_replace/3/qforbse dp_translate/1,2/qforbse`,
  async: `async_ms_route/2/qfe async_ms_sleep/1/qfe async_route/2/qfe async_sleep/1/qfe async_task_data/2/qforbse
    async_task_group_data/3/qforbse async_task_group_route/2/qfe async_task_route/1/qfe return/0,1/qforbse`,
  debugger: `dbg_breakpoint/1/qforbse dbg_pv_dump/0,1,2/qforbse dbg_sip_msg/0,1,2/qore`,
  sst: `sstCheckMin/1/qore`,
  siptrace: `hlog/1,2/qforbse sip_trace/0,1,2,3/qforbse sip_trace_mode/1/qforbse`,
  uac_redirect: `get_redirects/1,2/f set_accept_filter/2/f set_deny_filter/2/f`,
  nat_traversal: `client_nat_test/1/qforbse fix_contact/0/qforbse force_rport/0/qforbe nat_keepalive/0/qe`,
  tcpops: `tcp_close_connection/0,1/qforbse tcp_conid_alive/1/qforbse tcp_conid_state/1/qforbse tcp_enable_closed_event/0/qore+1/qforbse
    tcp_get_conid/2/qforbse tcp_keepalive_disable/0/qore+1/qforbse tcp_keepalive_enable/3/qore+4/qforbse
    tcp_set_connection_lifetime/1/qore+2/qforbse tcp_set_otcpid/1/qforbse tcp_set_otcpid_flag/1/qforbse`,
  exec: `exec_avp/1,2/qfe exec_cmd/1/qforbse exec_dset/1/qfe exec_msg/1/qfe`,
  alias_db: `alias_db_find/3,4/qforbe alias_db_lookup/1,2/qfe`,
  uri_db: `check_from/0/qe check_to/0/qe check_uri/1,3/qe does_uri_exist/0/qe`,
  secfilter: `secf_check_contact_hdr/0/qforbse secf_check_country/1/qforbse secf_check_dst/1/qforbse secf_check_from_hdr/0/qforbse
    secf_check_ip/0/qforbse secf_check_sqli_all/0/qforbse secf_check_sqli_hdr/1/qforbse secf_check_to_hdr/0/qforbse
    secf_check_ua/0/qforbse`,
  enum: `enum_pv_query/1,2,3/qe enum_query/0,1,2/qe i_enum_query/0,1,2/qe is_from_user_enum/0,1,2/qe`,
  drouting: `do_routing/0,1/qfe goes_to_gw/0,1/qfore is_from_gw/0,1,2/qfore next_routing/0/f use_next_gw/0/qfe`,
  lcr: `defunct_gw/1/qfe from_any_gw/0,2,3/qfore from_gw/1,3,4/qfore inactivate_gw/0/qfe load_gws/0,1,2,3,4,5,6/qfe next_gw/0/qfe
    to_any_gw/0,2/qfore to_gw/1,3/qfore`,
  rtpproxy: `rtpproxy_answer/0,1,2/qforbse rtpproxy_destroy/0,1/qforbse rtpproxy_manage/0,1,2/qforbse rtpproxy_offer/0,1,2/qforbse
    rtpproxy_stop_stream2uac/0/qforbse rtpproxy_stop_stream2uas/0/qforbse rtpproxy_stream2uac/2/qforbse rtpproxy_stream2uas/2/qforbse
    set_rtp_proxy_set/1/qforbse start_recording/0/qforbse unforce_rtp_proxy/0,1/qforbse`,
  msrp: `msrp_cmap_lookup/0/qforbse msrp_cmap_save/0/qforbse msrp_is_reply/0/qforbse msrp_is_request/0/qforbse msrp_relay/0/qforbse
    msrp_relay_flags/1/qforbse msrp_reply/2,3/qforbse msrp_reply_flags/1/qforbse msrp_set_dst/2/qforbse`,
  tls: `is_peer_verified/0/qe`,
  jsonrpcs: `jsonrpc_dispatch/0/qe jsonrpc_exec/1/qforbse`,
  xhttp_rpc: `dispatch_xhttp_rpc/0/qe`,
};

const LETTERS: Readonly<Record<string, string>> = {
  request: 'q',
  failure: 'f',
  branch: 'b',
  onsend: 's',
  event: 'e',
  'branch-failure': 'e',
};

class Signature implements RecordedSignature {
  private readonly routes = new Map<number, string>();

  constructor(
    readonly module: string,
    private readonly name: string,
    text: string,
  ) {
    for (const part of text.split('+')) {
      const [counts = '', routes = ''] = part.split('/');
      for (const each of counts.split(',')) this.routes.set(Number(each), routes);
    }
  }

  get counts(): readonly number[] {
    return [...this.routes.keys()];
  }

  inRoute(count: number, kind: RouteKind, nameless: boolean): boolean {
    const letter = kind === 'onreply' ? (nameless ? 'r' : 'o') : (LETTERS[kind] ?? 'q');
    return this.routes.get(count)?.includes(letter) === true;
  }

  refuses(index: number, text: string): string | undefined {
    return refusedArgument(this.name, index, text);
  }

  computes(index: number): boolean {
    return computesArgument(this.module, this.name, index);
  }

  reading(index: number): ArgumentReading {
    return readingOf(this.name, index);
  }
}

const byModule = new Map<string, ReadonlyMap<string, RecordedSignature>>();
for (const [module, text] of Object.entries(RECORDED)) {
  const functions = new Map<string, RecordedSignature>();
  for (const entry of text.split(/[ \t\r\n]+/)) {
    const slash = entry.indexOf('/');
    functions.set(entry.slice(0, slash), new Signature(module, entry.slice(0, slash), entry.slice(slash + 1)));
  }
  byModule.set(module, functions);
}

/**
 * The recorded signature of a function in one of `modules`, else in another module; undefined for a function that 5.6.3
 * does not have.
 */
export function recordedSignature(modules: readonly string[], name: string): RecordedSignature | undefined {
  for (const each of modules) {
    const found = byModule.get(each)?.get(name);
    if (found !== undefined) return found;
  }
  for (const functions of byModule.values()) {
    const found = functions.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Recorded signatures by module and function. */
export function recordedModules(): ReadonlyMap<string, ReadonlyMap<string, RecordedSignature>> {
  return byModule;
}
