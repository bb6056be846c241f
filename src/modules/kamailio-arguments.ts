import type { ArgumentReading } from '../cfg/function-table.js';

/** Form of the arguments of each kind, and its description in messages. */
const CHECKS = {
  number: [/^(?:[+-]?[0-9]+)?$|^ *\$/, 'a number or a variable'],
  format: [/^(?:[+-]?[0-9]+)?$|^[ \t\r\n]*\$/, 'a number or a variable'],
  variable: [/^\$/, 'a variable'],
  target: [/^[^$.:]*[.:][^$]*$/, 'an address'],
  host: [/^(?!.*\.(?:invalid|example)\.?$)(?=[^.:]*[.:])(?:[\w.-]+|\[?[0-9a-f:.]+\]?)$/i, 'an address'],
  proxy: [
    /^(?:0x[0-9a-f]+|[0-9]*|(?:(?:udp|tcp|tls|sctp):)?(?:[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?)$/i,
    'an address with a transport and a port at most, or flags',
  ],
  digits: [/^[0-9]*$/, 'a number without variables'],
  name: [/^[\w.+~-]+[ \t]*(?::|$)/, 'the name of a header field'],
  field: [/^[ \t\r\n]*[\w-]+[ \t\r\n]*$/, 'the name of a header field'],
  value: [/^[ \t\r\n]*[\w-]+(?:\[[-+]?\d*\])?[ \t\r\n]*$/, 'the name of a header field, with an index at most'],
  part: [
    /^[ \t\r\n]*[\w-]+(?:\[(?:[-+]?\d*|\*)\])?(?:\.[\w-]+)?[ \t\r\n]*$/,
    'the name of a header field, with an index and a parameter at most',
  ],
  direction: [/^(?:up|down)stream$/i, 'upstream or downstream'],
  mime: [/^$|[^/]\/[^/]|\$/, 'a type and a subtype with a slash between'],
  key: [/=>/, 'a table and what follows =>'],
  integer: [/^(?:[+-]?[0-9]+)?$/, 'a number without variables'],
  privacy: [
    /^(?:none|header|session|user|id|critical|history)$/i,
    'one of none, header, session, user, id, critical, history',
  ],
  separator: [/^.$/s, 'one character'],
  flags: [/^(?:0x[0-9a-f]+|[0-9]*)$/i, 'a number without variables'],
  methods: [
    /^[A-Za-z0-9_.!%*+`'~-]+(?:[ \t\r\n]*[,|][ \t\r\n]*[A-Za-z0-9_.!%*+`'~-]+)*[,|]?[ \t\r\n]*$/,
    'methods with "|" or "," between',
  ],
} satisfies Readonly<Record<string, readonly [RegExp, string]>>;

type ArgumentKind = keyof typeof CHECKS;

/**
 * Constant arguments that Kamailio refuses at its start, observed with 5.6.3: NAME/INDEX for each kind of argument.
 * Empty text counts as a number. An argument with variables is only accepted by the kinds that say so.
 */
const KINDS: Readonly<Record<ArgumentKind, string>> = {
  variable: `avp_printf/0 pv_printf/0 file_read/1 get_body_part/1 get_body_part_raw/1 get_uri_param/1 is_e164/0 is_uri_user_e164/0
    set_uri_host/0,1 set_uri_user/0,1 tel2sip/2 is_int/0 not_empty/0 pv_evalx/0 pv_isset/0 pv_unset/0 typeof/0 detailed_ip_type/1
    detailed_ipv4_type/1 detailed_ipv6_type/1`,
  number: `isbflagset/0,1 issflagset/0 resetbflag/0,1 resetsflag/0 setbflag/0,1 setdebug/0 setsflag/0 isxflagset/0 resetxflag/0
    setxflag/0 via_add_srvid/0 via_add_xavp_params/0 via_use_xavp_fields/0 t_cancel_callid/2,3 t_continue/0,1 t_drop/0
    t_reply_callid/2 send_reply/0 send_reply_mode/0,2 sl_reply/0 sl_send_reply/0 loose_route_mode/0 is_maxfwd_lt/0
    maxfwd_at_least/0 maxfwd_process/0 mf_lowlimit/0 mf_process_maxfwd_header/0 process_maxfwd/0 regex_substring/2,3
    change_reply_status_code/0 remove_hf_idx/1 hdr_date_check/0 is_first_hop/0 xavi_child_seti/2 xavp_child_seti/2 xavp_copy/1,3 ds_is_active/0
    ds_is_from_list/0,1 ds_list_exist/0 ds_list_exists/0 ds_select/0,1,2 ds_select_domain/0,1,2 ds_select_dst/0,1,2
    ds_select_routes/2 sanity_check/0,1 add_rcv_param/0 fix_nated_sdp/0 handle_ruri_alias/0 nat_uac_test/0
    sht_iterator_setex/1 sht_iterator_seti/1 sht_setxi/2,3 sht_setxs/3 core_hash/2 sleep/0 usleep/0 dns_set_local_ttl/0
    sdp_print/0 rl_check/0 rl_check_pipe/0 dlg_setflag/0 dlg_resetflag/0 dlg_isflagset/0 dlg_set_timeout/0`,
  format: `t_grep_status/0 t_load_contacts/0 t_reply/0 t_send_reply/0 t_set_auto_inv_100/0 t_set_disable_6xx/0 t_set_disable_failover/0
    t_set_disable_internal_reply/0 t_set_fr/0,1 t_set_max_lifetime/0,1 t_set_no_e2e_cancel_reason/0 t_set_retr/0,1`,
  host: `t_forward_nonack/0 t_forward_nonack_sctp/0 t_forward_nonack_tcp/0 t_forward_nonack_tls/0
    t_forward_nonack_udp/0 t_relay/0 t_relay_to_sctp/0 t_relay_to_tcp/0 t_relay_to_tls/0 t_relay_to_udp/0`,
  target: `t_replicate/0 t_replicate_sctp/0 t_replicate_tcp/0 t_replicate_tls/0 t_replicate_udp/0`,
  proxy: `t_relay_to/0`,
  digits: `t_forward_nonack/1 t_forward_nonack_sctp/1 t_forward_nonack_tcp/1 t_forward_nonack_tls/1 t_forward_nonack_udp/1 t_relay/1
    t_relay_to_sctp/1 t_relay_to_tcp/1 t_relay_to_tls/1 t_relay_to_udp/1 t_replicate/1 t_replicate_sctp/1 t_replicate_tcp/1
    t_replicate_tls/1 t_replicate_udp/1 is_gflag/0 reset_gflag/0 set_gflag/0`,
  integer: `t_lookup_cancel/0 set_contact_alias/0`,
  privacy: `is_privacy/0`,
  separator: `in_list/2 in_list_prefix/2`,
  flags: `t_relay_to/1`,
  methods: `is_method/0`,
  name: `append_hf/1 insert_hf/1 is_present_hf/0 remove_hf/0 search_hf/0 subst_hf/0`,
  field: `exclude_hf_value/0 hf_value_exists/0 include_hf_value/0`,
  value: `append_hf_value/0 insert_hf_value/0`,
  part: `assign_hf_value/0 assign_hf_value2/0 remove_hf_value/0 remove_hf_value2/0`,
  direction: `is_direction/0`,
  mime: `has_body/0`,
  key: `sht_lock/0 sht_rm_name_re/0 sht_rm_value_re/0 sht_unlock/0`,
};

/**
 * Arguments of which 5.6.3 reads a variable at the beginning and ignores the rest: send_reply("501", "$rm is not
 * supported") answers "501 INVITE". `text`: a text that does not begin with a variable contains none; `literal`: no
 * variable is replaced at all.
 */
const READ: Readonly<Record<'variable' | 'text' | 'literal', string>> = {
  variable: 'send_reply/1 sl_send_reply/1 sl_reply/1 allow_source_address/0 allow_address/0',
  text: 't_reply/1 t_send_reply/1',
  literal: 'append_urihf/0,1',
};

const byFunction = new Map<string, ArgumentKind[]>();
for (const [kind, text] of Object.entries(KINDS)) {
  for (const entry of text.split(/[ \t\r\n]+/)) {
    const [name = '', indexes = ''] = entry.split('/');
    const kinds = byFunction.get(name) ?? [];
    for (const index of indexes.split(',')) kinds[Number(index)] = kind as ArgumentKind;
    byFunction.set(name, kinds);
  }
}

const readings = new Map<string, ArgumentReading>();
for (const [reading, text] of Object.entries(READ)) {
  for (const entry of text.split(' ')) {
    const [name = '', indexes = ''] = entry.split('/');
    for (const index of indexes.split(',')) readings.set(`${name}/${index}`, reading as ArgumentReading);
  }
}

/** How "$" in a constant argument is read. */
export function readingOf(name: string, index: number): ArgumentReading {
  const kind = byFunction.get(name)?.[index];
  return readings.get(`${name}/${index}`) ?? (kind === 'number' || kind === 'format' ? 'variable' : 'format');
}

/**
 * Arguments that must be numbers at run time, observed with 5.6.3: a variable with a text (even digits) or without a
 * value makes the function fail.
 */
const NUMBERS = `t_set_fr/0,1 t_set_auto_inv_100/0 t_set_retr/0,1 t_set_max_lifetime/0,1 t_set_disable_6xx/0 t_set_disable_failover/0
  t_set_disable_internal_reply/0 t_set_no_e2e_cancel_reason/0 process_maxfwd/0 mf_process_maxfwd_header/0 maxfwd_process/0 sanity_check/0,1
  setdebug/0 setbflag/0,1 resetbflag/0,1 isbflagset/0,1 setsflag/0 resetsflag/0 issflagset/0 remove_hf_idx/1 core_hash/2
  via_add_xavp_params/0 add_rcv_param/0 xavp_child_seti/2 xavi_child_seti/2 ds_is_active/0 ds_is_from_list/0,1 ds_list_exist/0
  ds_list_exists/0 ds_select_routes/2 fix_nated_sdp/0 handle_ruri_alias/0 nat_uac_test/0 sht_setxs/3 sht_setxi/2,3 sleep/0 usleep/0
  sdp_print/0 allow_source_address/0 allow_address/0,2 dlg_setflag/0 dlg_resetflag/0 dlg_isflagset/0 dlg_set_timeout/0
  dns_set_local_ttl/0`;

const numbers = new Map<string, readonly number[]>();
for (const entry of NUMBERS.split(/[ \t\r\n]+/)) {
  const [name = '', indexes = ''] = entry.split('/');
  numbers.set(name, indexes.split(',').map(Number));
}

/** Functions that return another value than -1 when an argument is not a number. */
const WITHOUT_NUMBER: ReadonlyMap<string, number> = new Map([
  ['ds_list_exist', -2],
  ['ds_list_exists', -2],
]);

/** Positions of the arguments of a function that must be numbers at run time. */
export function numberArguments(name: string): readonly number[] {
  return numbers.get(name) ?? [];
}

/** What a function returns when an argument that must be a number is not one. */
export function withoutNumber(name: string): number {
  return WITHOUT_NUMBER.get(name) ?? -1;
}

/** Largest number that 5.6.3 accepts. */
const LARGEST = 2 ** 31 - 1;

/** Why Kamailio refuses a constant argument; undefined when it accepts it. */
export function refusedArgument(name: string, index: number, text: string): string | undefined {
  const kind = byFunction.get(name)?.[index];
  if (kind === undefined) return undefined;
  const [pattern, words] = CHECKS[kind];
  if ((kind === 'number' || kind === 'format' || kind === 'digits') && Math.abs(Number(text)) > LARGEST)
    return `argument ${index + 1} must not be larger than ${LARGEST}`;
  return pattern.test(text) ? undefined : `argument ${index + 1} must be ${words}, not "${text.slice(0, 64)}"`;
}
