import type { RouteKind } from '../cfg/ast.js';
import type { DocumentedSignature } from '../cfg/function-table.js';

/**
 * Functions of OpenSIPS with their modules and the kinds of routes that may call them, as documented: NAME/ROUTES with
 * q route, f failure_route, o onreply_route, b branch_route, l local_route, e error_route. A line lists the modules of
 * all versions.
 */
const DOCUMENTED: readonly (readonly [modules: string, functions: string])[] = [
  ['sl', 'sl_send_reply/qe sl_reply_error/qe'],
  ['signaling', 'send_reply/qfe'],
  [
    'tm',
    `t_relay/qf t_reply/qf t_reply_with_body/qf t_newtran/q t_check_trans/qb t_check_status/qfob t_local_replied/qfob t_was_cancelled/qfob
    t_on_failure/qfob t_on_reply/qfob t_on_branch/qfob t_flush_flags/qfob t_replicate/q t_cancel_branch/o t_add_hdrs/qf t_add_cancel_reason/q
    t_wait_for_new_branches/q t_wait_no_more_branches/qfob`,
  ],
  [
    'rr',
    'loose_route/q record_route/qbf record_route_preset/qbf add_rr_param/qbf check_route_param/qfobl is_direction/qfobl',
  ],
  ['maxfwd', 'mf_process_maxfwd_header/q is_maxfwd_lt/qfbl'],
  [
    'sipmsgops|textops',
    `append_to_reply/qbfel append_body_to_reply/qbfel append_hf/qofbl insert_hf/qofbl append_urihf/qofbl append_time/qbfe is_method/qofble has_totag/qofble
    remove_hf/qofbl remove_hf_re/qofbl remove_hf_glob/qofbl is_present_hf/qofbl is_privacy/qofbl has_body/qofbl has_body_part/qofbl is_audio_on_hold/qofbl
    remove_body_part/qofbl add_body_part/qofbl get_updated_body_part/qofbl codec_exists/qofbl codec_delete/qofbl codec_move_up/qofbl codec_move_down/qofbl
    codec_exists_re/qofbl codec_delete_re/qofbl codec_delete_except_re/qofbl codec_move_up_re/qofbl codec_move_down_re/qofbl
    stream_exists/qofbl stream_delete/qofbl change_reply_status/o list_hdr_has_option/qofbl list_hdr_add_option/qofbl list_hdr_remove_option/qofbl
    sipmsg_validate/qofbl sip_to_json/qofbl`,
  ],
  [
    'textops',
    `search/qofbl search_body/qofbl search_append/qofbl search_append_body/qofbl replace/qofbl replace_body/qofbl replace_all/qofbl replace_body_all/qofbl
    replace_body_atonce/qofbl subst/qofbl subst_body/qofbl subst_uri/qofbl subst_user/qofbl`,
  ],
  ['nathelper', 'nat_uac_test/qofbl fix_nated_contact/qofbl fix_nated_sdp/qofbl add_rcv_param/q fix_nated_register/q'],
  ['path', 'add_path/q add_path_received/q'],
  ['options', 'options_reply/q'],
  ['pike', 'pike_check_req/q'],
  ['permissions', 'allow_routing/qf allow_register/qf allow_uri/qf'],
  ['tls_mgm', 'is_peer_verified/q'],
];

const KINDS: Readonly<Record<string, RouteKind>> = {
  q: 'request',
  f: 'failure',
  o: 'onreply',
  b: 'branch',
  l: 'local',
  e: 'error',
};

/** The parsed table, made on first use. */
let parsed: ReadonlyMap<string, DocumentedSignature> | undefined;

/** The documented signature of an OpenSIPS function; undefined when it is not listed. */
export function documentedSignature(name: string): DocumentedSignature | undefined {
  parsed ??= new Map(
    DOCUMENTED.flatMap(([modules, functions]) =>
      functions.split(/[ \t\r\n]+/).map((each): [string, DocumentedSignature] => {
        const [key = '', letters = ''] = each.split('/');
        return [key, { module: modules, routes: [...letters].map((letter) => KINDS[letter] ?? 'request') }];
      }),
    ),
  );
  return parsed.get(name);
}
