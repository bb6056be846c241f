import { parseAddress } from '../core/name-addr.js';
import { parseUri, uriParam } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { sendRaw } from './core.js';
import {
  type Args,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { hostPort } from './host-port.js';
import { relay } from './tm.js';
import { compareUris } from './uri-comparison.js';

type Body = (run: MessageRun, args: Args) => number | Promise<number>;

function spec(name: string, parameters: string, summary: string, body: Body, waits = false): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    ...(waits ? { waits: true } : {}),
    parameters:
      parameters === ''
        ? []
        : parameters
            .split(' ')
            .map((each) => (each.endsWith('?') ? optional(each.slice(0, -1), 'string') : param(each, 'string'))),
    summary,
    compile: (args) => (run) => body(run, args),
  };
}

/** Flags of a message that functions set by name or number; kept for the call. */
const marks = new WeakMap<object, Set<string>>();

function marksOf(run: MessageRun): Set<string> {
  let set = marks.get(run.call);
  if (set === undefined) {
    set = new Set();
    marks.set(run.call, set);
  }
  return set;
}

/** Marks one message may have. */
const MOST_MARKS = 256;

function marking(set: string, reset: string, test: string, kind: string, missing: number): FunctionSpec[] {
  return [
    spec(set, 'flag', `sets ${kind}`, (run, [flag]) => {
      const all = marksOf(run);
      if (all.size < MOST_MARKS) all.add(`${kind} ${textOf(flag, run)}`);
      return 1;
    }),
    spec(reset, 'flag', `resets ${kind}`, (run, [flag]) => {
      marksOf(run).delete(`${kind} ${textOf(flag, run)}`);
      return 1;
    }),
    spec(test, 'flag', `whether ${kind} is set`, (run, [flag]) =>
      marksOf(run).has(`${kind} ${textOf(flag, run)}`) ? 1 : missing,
    ),
  ];
}

function accepted(names: string, parameters: string, result: number, summary: string): FunctionSpec[] {
  return names.split(' ').map((name) => spec(name, parameters, summary, () => result));
}

function recvSocket(run: MessageRun, text: string): number {
  const socket = run.env.socket(text);
  if (socket !== undefined) {
    run.pvars.receivedAddress = socket.address;
    run.pvars.receivedPort = socket.port;
  }
  return 1;
}

function sourceAddress(run: MessageRun, text: string): number {
  const found = hostPort(text);
  if (found === undefined) return -1;
  run.pvars.sourceAddress = found.host;
  run.pvars.sourcePort = found.port ?? 5060;
  return 1;
}

const corex: FunctionSpec[] = [
  ...marking('setxflag', 'resetxflag', 'isxflagset', 'an extended flag', -1),
  ...marking('msg_iflag_set', 'msg_iflag_reset', 'msg_iflag_is_set', 'an internal flag', -2),
  ...accepted('is_faked_msg is_incoming', '', -1, 'false: requests come from the network'),
  ...accepted('via_add_srvid via_add_xavp_params via_use_xavp_fields', 'mode', 1, 'accepted; our Via is as it is'),
  ...accepted('file_read file_write', 'file value', -1, 'false: a script reads and writes no files here'),
  ...accepted('forward_reply', '', 1, 'accepted: replies are forwarded'),
  ...accepted('sendx', 'uri socket text', -1, 'false: not done here'),
  ...accepted('send_data', 'uri text', -1, 'false: a script sends no text of its own'),
  spec('is_socket_name', 'name', 'whether a socket has that name', (run, [name]) =>
    code(run.env.sockets.called(textOf(name, run)) !== undefined),
  ),
  spec('set_recv_socket', 'socket', 'the socket the request counts as received on', (run, [socket]) =>
    recvSocket(run, textOf(socket, run)),
  ),
  spec('set_recv_socket_name', 'name', 'the same by its name', (run, [name]) => recvSocket(run, textOf(name, run))),
  spec('set_source_address', 'address', 'the address the request counts as come from', (run, [address]) =>
    sourceAddress(run, textOf(address, run)),
  ),
  ...(['udp', 'tcp'] as const).map((transport) =>
    spec(`send_${transport}`, 'target?', 'sends the request as it came, without our Via', (run, [target]) =>
      sendRaw(
        run,
        target === undefined
          ? (run.pvars.destinationUri ?? run.call.requestUri)
          : `${transport}:${textOf(target, run)}`,
      ),
    ),
  ),
];

const kex: FunctionSpec[] = [
  ...accepted('setdebug', 'level', 1, 'accepted; the level of the log is of the file'),
  ...accepted('resetdebug', '', 1, 'accepted'),
];

function transaction(run: MessageRun) {
  return run.transaction ?? run.call.transaction;
}

const NOTHING_SPECIAL = { no100: false, noAutoReply: false };

const tm: FunctionSpec[] = [
  ...accepted('t_clean t_use_uac_headers', '', 1, 'accepted'),
  ...accepted('t_is_retr_async_reply', '', -1, 'false'),
  spec('t_save_lumps', '', 'accepted where there is a transaction', (run) => code(transaction(run) !== undefined)),
  spec('t_get_status_code', '', 'the status of the transaction', (run) => transaction(run)?.lastStatus || -1),
  spec('t_retransmit_reply', '', 'sends the last reply again', (run) => {
    if ((transaction(run)?.lastStatus ?? 0) === 0) return -1;
    run.transaction?.server.retransmitted();
    return 1;
  }),
  ...['', '_udp', '_tcp', '_tls', '_sctp'].map((suffix) =>
    spec(
      `t_forward_nonack${suffix}`,
      'host port',
      'false without a transaction that was begun',
      (run, [host, port]) =>
        run.transaction === undefined
          ? -1
          : relay(run, NOTHING_SPECIAL, `sip:${textOf(host, run)}:${textOf(port, run)}`),
      true,
    ),
  ),
  ...['t_replicate_udp', 't_replicate_tcp', 't_replicate_tls', 't_replicate_sctp', 't_replicate_to'].map((name) =>
    spec(
      name,
      'host port',
      'sends a copy of the request, whose replies are not passed on',
      (run, [host, port]) => {
        const transport = name.slice('t_replicate_'.length);
        const params = transport === 'udp' || transport === 'to' ? '' : `;transport=${transport}`;
        const result = relay(
          run,
          { no100: false, noAutoReply: true },
          `sip:${textOf(host, run)}:${textOf(port, run)}${params}`,
        );
        run.transaction?.ended(200);
        return result;
      },
      true,
    ),
  ),
  ...accepted(
    't_uac_send',
    'method uri next-hop socket headers body',
    -1,
    'false: uac_req_send() is what sends requests here',
  ),
];

const tmx: FunctionSpec[] = [
  ...accepted('t_cancel_callid', 'callid cseq flag code?', -1, 'false: transactions are not looked for by Call-ID'),
  ...accepted('t_reply_callid', 'callid cseq code reason', -1, 'false: transactions are not looked for by Call-ID'),
  ...accepted('t_continue', 'index label route', -1, 'false: nothing is suspended'),
  ...accepted('t_reuse_branch', '', -1, 'false where no branch is to be used again'),
  spec('t_flush_xflags', '', 'accepted where there is a transaction', (run) => code(transaction(run) !== undefined)),
  spec('t_drop', 'code?', 'ends the transaction without a reply', (run) => {
    const found = transaction(run);
    if (found === undefined) return -1;
    found.ended(500);
    return 1;
  }),
];

const sl: FunctionSpec[] = [
  spec('send_reply_mode', 'code reason mode', 'answers the request', (run, [status, reason]) => {
    run.env.layer.replyStateless(
      run.call.message,
      run.source,
      intOf(status, run, 500),
      textOf(reason, run),
      run.call.replyLines,
      '',
      run.call.marking,
    );
    run.answered = true;
    return 1;
  }),
  ...accepted('sl_forward_reply', 'code? reason?', 1, 'accepted: replies are forwarded'),
];

const TEL = /^[+]?[0-9*#]+$/;

function ruriParamEdit(run: MessageRun, edit: (params: string) => string): number {
  const uri = parseUri(run.call.requestUri);
  if (uri === undefined) return -1;
  const text = run.call.requestUri;
  const at = uri.headers === '' ? text.length : text.length - uri.headers.length;
  run.pvars.setRequestUri(text.slice(0, at - uri.params.length) + edit(uri.params) + uri.headers);
  return 1;
}

const withoutParam = (params: string, name: string): string =>
  params
    .split(';')
    .filter((each, i) => i === 0 || each.split('=')[0]?.toLowerCase() !== name.toLowerCase())
    .join(';');

function editContact(run: MessageRun, edit: (uri: string) => string | undefined): number {
  const field = run.message.nextField('contact');
  if (field === undefined) return -1;
  const value = run.message.text.slice(field.value, field.end);
  const { uri } = parseAddress(value);
  const at = value.indexOf(uri);
  const changed = uri === '' ? undefined : edit(uri);
  if (changed === undefined) return -1;
  run.edits.replace(field.value + at, field.value + at + uri.length, changed);
  return 1;
}

/** "scheme:user@host" of a URI, for comparison. */
function aor(text: string): string {
  const uri = parseUri(text);
  return uri === undefined ? text : `${uri.user}@${uri.host.toLowerCase()}`;
}

const LONG: Readonly<Record<string, string>> = {
  f: 'from',
  t: 'to',
  v: 'via',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
  c: 'content-type',
  k: 'supported',
  s: 'subject',
  e: 'content-encoding',
};
const longName = (name: string): string => LONG[name.toLowerCase()] ?? name.toLowerCase();

const siputils: FunctionSpec[] = [
  spec('cmp_uri', 'one other', 'whether two URIs are the same (RFC 3261 section 19.1.4)', (run, [a, b]) =>
    code(compareUris(textOf(a, run), textOf(b, run))),
  ),
  spec('cmp_aor', 'one other', 'whether two addresses of record are the same', (run, [a, b]) =>
    code(aor(textOf(a, run)) === aor(textOf(b, run))),
  ),
  spec('cmp_hdr_name', 'one other', 'whether two header names are the same', (run, [a, b]) =>
    code(longName(textOf(a, run)) === longName(textOf(b, run))),
  ),
  spec('is_tel_number', 'text', 'whether a text is a telephone number', (run, [text]) =>
    TEL.test(textOf(text, run)) && !/[*#]/.test(textOf(text, run)) ? 1 : -2,
  ),
  spec(
    'is_alphanumex',
    'text more',
    'whether a text has only letters, digits and the given characters',
    (run, [text, more]) => {
      const others = textOf(more, run);
      const value = textOf(text, run);
      return value !== '' && [...value].every((c) => /[A-Za-z0-9]/.test(c) || others.includes(c)) ? 1 : -3;
    },
  ),
  {
    name: 'is_e164',
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable')],
    summary: 'whether a variable holds an E.164 number',
    compile:
      ([variable]) =>
      (run) =>
        code(/^\+[0-9]{2,15}$/.test(textOf(variable, run))),
  },
  {
    name: 'is_uri_user_e164',
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable')],
    summary: 'whether the user of a URI is an E.164 number',
    compile:
      ([variable]) =>
      (run) =>
        code(/^\+[0-9]{2,15}$/.test(parseUri(textOf(variable, run))?.user ?? '')),
  },
  ...accepted('is_rpid_user_e164', '', -1, 'false: no Remote-Party-ID of an authentication is kept'),
  ...accepted('append_rpid_hf', 'prefix? suffix?', -1, 'false: no Remote-Party-ID of an authentication is kept'),
  spec('is_supported', 'option', 'whether the request supports an option', (run, [option]) => {
    const wanted = textOf(option, run).toLowerCase();
    for (const field of run.message.fields('supported')) {
      if (
        run.message.text
          .slice(field.value, field.end)
          .toLowerCase()
          .split(',')
          .some((each) => each.trim() === wanted)
      )
        return 1;
    }
    return -1;
  }),
  spec('hdr_date_check', 'seconds', 'whether the Date is not older than that', (run, [seconds]) => {
    const field = run.message.nextField('date');
    if (field === undefined) return -1;
    const at = Date.parse(run.message.text.slice(field.value, field.end));
    if (Number.isNaN(at)) return -2;
    return Math.abs(run.env.clock.now() - at) <= intOf(seconds, run, 0) * 1000 ? 1 : -3;
  }),
  spec('get_uri_param', 'name variable', 'a parameter of the request-URI', (run, [name, target]) => {
    const params = parseUri(run.call.requestUri)?.params ?? '';
    const value = uriParam(params, 'user') === 'phone' ? undefined : uriParam(params, textOf(name, run));
    if (value === undefined) return -1;
    target?.variable?.assign(run.pvars, value);
    return 1;
  }),
  spec('uri_param_any', 'name', 'whether the request-URI has a parameter', (run, [name]) =>
    code(uriParam(parseUri(run.call.requestUri)?.params ?? '', textOf(name, run)) !== undefined),
  ),
  spec('uri_param_rm', 'name', 'removes a parameter of the request-URI', (run, [name]) =>
    ruriParamEdit(run, (params) => withoutParam(params, textOf(name, run))),
  ),
  ...(['user', 'host'] as const).map(
    (part): FunctionSpec => ({
      name: `set_uri_${part}`,
      dialects: KAMAILIO,
      parameters: [param('variable', 'writable'), param(part, 'string')],
      summary: `gives the URI in a variable another ${part}`,
      compile: ([variable, value]) => {
        if (variable?.text.startsWith('$var(') === true) throw new Error('the URI may not be in a $var');
        return (run) => {
          const text = textOf(variable, run);
          const uri = parseUri(text);
          if (uri === undefined || uri.host === '') return -1;
          const next = textOf(value, run);
          const rest = text.slice(uri.scheme.length + 1);
          const at = rest.indexOf('@');
          const changed =
            part === 'user'
              ? `${next === '' ? '' : `${next}@`}${at < 0 ? rest : rest.slice(at + 1)}`
              : `${at < 0 ? '' : rest.slice(0, at + 1)}${next}${rest.slice((at < 0 ? 0 : at + 1) + uri.host.length)}`;
          variable?.variable?.assign(run.pvars, `${uri.scheme}:${changed}`);
          return 1;
        };
      },
    }),
  ),
  {
    name: 'tel2sip',
    dialects: KAMAILIO,
    parameters: [param('uri', 'string'), param('host', 'string'), param('result', 'writable')],
    summary: 'makes a SIP URI of a tel URI (RFC 3261 section 19.1.6)',
    compile:
      ([from, host, target]) =>
      (run) => {
        const text = textOf(from, run);
        if (!/^tel:/i.test(text)) return 2;
        const [number = '', ...params] = text.slice(4).split(';');
        const user = [number.replace(/[-.() ]/g, ''), ...params].join(';').toLowerCase();
        target?.variable?.assign(run.pvars, `sip:${user}@${textOf(host, run)};user=phone`);
        return 1;
      },
  },
  spec(
    'encode_contact',
    'prefix address',
    'hides the URI of Contact in the user part of another',
    (run, [prefix, address]) =>
      editContact(run, (uri) => {
        const parsed = parseUri(uri);
        if (parsed === undefined) return undefined;
        const mark = run.env.modules.module('siputils').text('contact_flds_separator', '*')[0] ?? '*';
        const transport = uriParam(parsed.params, 'transport') ?? '';
        const parts = [textOf(prefix, run), parsed.user, parsed.password, parsed.host, parsed.portText, transport];
        return `sip:${parts.join(mark)}@${textOf(address, run)}`;
      }),
  ),
  spec(
    'contact_param_encode',
    'name address',
    'hides the URI of Contact in a parameter of another',
    (run, [name, address]) =>
      editContact(
        run,
        (uri) => `${textOf(address, run)};${textOf(name, run)}=${Buffer.from(uri, 'latin1').toString('base64')}`,
      ),
  ),
  ...accepted(
    'contact_param_decode contact_param_decode_ruri contact_param_rm',
    'name',
    1,
    'accepted where there is no such parameter',
  ),
  ...accepted('decode_contact decode_contact_header', '', -26, 'false where nothing was encoded'),
  ...accepted('sip_p_charging_vector', 'flags', 1, 'accepted'),
];

/** Functions of Kamailio's corex, kex, sl, tm, tmx and siputils that OpenSIPS has not. */
export const corexFunctions: ScriptFunction[] = [
  ...moduleFunctions('corex', corex),
  ...moduleFunctions('kex', kex),
  ...moduleFunctions('tm', tm),
  ...moduleFunctions('tmx', tmx),
  ...moduleFunctions('sl', sl),
  ...moduleFunctions('siputils', siputils),
];
