import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { answerTrying, beginTransaction } from '../script/relay.js';
import { runErrorOf } from '../script/service-routes.js';
import { qParameter } from './contacts.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  named,
  OPENSIPS,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/**
 * How a reply is sent: "begin" begins the transaction when there is none, "stateful" only uses one, "either" uses one
 * that is there, "stateless" never does.
 */
export type ReplyWay = 'begin' | 'stateful' | 'either' | 'stateless';

/** Answers the request of a run. */
export function replyHere(run: MessageRun, status: number, reason: string, way: ReplyWay): number {
  const { call, env } = run;
  if (status < 100 || status > (env.dialect === 'opensips' ? 699 : 999)) return -1;
  if (call.message.method === 'ACK') return -1;
  runErrorOf(call);
  let transaction = run.transaction ?? (way === 'stateless' ? undefined : call.transaction);
  if (way === 'begin' && transaction === undefined) {
    transaction = beginTransaction(run);
    if (transaction === undefined) return 0;
    if (env.dialect === 'opensips') answerTrying(transaction, call);
  }
  const lines = replyLines(run, status);
  const body = call.replyBody;
  if (transaction !== undefined && (way !== 'stateless' || env.dialect === 'opensips')) {
    const good = transaction.reply(status, reason, lines, body);
    call.replyBody = '';
    return code(good);
  }
  if (way === 'stateful') return -1;
  const text = call.replyLines === lines ? lines + server(run, status) : server(run, status) + lines;
  env.layer.replyStateless(call.message, run.source, status, reason, text, body, call.marking);
  call.replyBody = '';
  run.answered = status >= 200;
  if (status >= 200 && call.message.method !== 'CANCEL') {
    env.calls?.answered(status);
    env.calls?.refused(call.message, run.source, status, reason);
  }
  return 1;
}

/** The Server line of a reply. */
function server(run: MessageRun, status: number): string {
  return status > 100 || run.env.dialect === 'kamailio' ? run.env.serverLine : '';
}

/** Lines of append_to_reply, and for a redirection the Contact URIs the script gave. */
function replyLines(run: MessageRun, status: number): string {
  const { call, env } = run;
  let lines = call.replyLines;
  if (status >= 300 && status < 400) {
    const changed = call.requestUri !== call.message.requestUri;
    const uris = [
      ...(changed ? [withQ(call.requestUri, call.q)] : []),
      ...call.branches.map((each) => withQ(each.uri, each.q)),
    ];
    if (uris.length > 0) lines += `Contact: ${uris.join(', ')}\r\n`;
  }
  if (env.warning && status > 100) {
    const { message } = call;
    const { address, port } = run.source.socket;
    lines += `Warning: 392 ${address}:${port} "Noisy feedback tells:  pid=${process.pid} req_src_ip=${run.source.address} req_src_port=${run.source.port} in_uri=${message.requestUri} out_uri=${call.requestUri} via_cnt==${message.headerCount('via')}"\r\n`;
  }
  return lines;
}

function withQ(uri: string, q: string | undefined): string {
  return `<${uri}>${qParameter(q)}`;
}

function statusCheck(value: string | number): string | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number >= 100 && number <= 699 ? undefined : `${value} is no status code`;
}

function send(names: readonly string[], way: ReplyWay): FunctionSpec[] {
  const summary = 'answers the request';
  const routes = ['request', 'failure', 'error', 'onreply', 'event', 'branch-failure', 'local'] as const;
  return [
    ...named(names, {
      dialects: OPENSIPS,
      routes: way === 'stateless' ? ['request', 'error', 'local'] : ['request', 'error', 'failure', 'local', 'onreply'],
      parameters: [param('code', 'int', { check: statusCheck }), param('reason', 'string')],
      summary,
      compile:
        ([status, reason]) =>
        (run) => {
          const number = (status as Arg).int(run);
          return number === undefined ? -1 : replyHere(run, number, textOf(reason, run), 'either');
        },
    }),
    ...named(names, {
      dialects: KAMAILIO,
      routes,
      parameters: [param('code', 'string'), param('reason', 'string')],
      summary,
      compile:
        ([status, reason]) =>
        (run) => {
          const number = (status as Arg).int(run);
          return number === undefined ? -1 : replyHere(run, number, textOf(reason, run), way);
        },
    }),
  ];
}

function serverError(run: MessageRun): number {
  const reason =
    run.env.dialect === 'kamailio'
      ? "I'm terribly sorry, server error occurred (1/SL)"
      : 'Server error occurred (1/SL)';
  return replyHere(run, 500, reason, 'stateless');
}

export const replyFunctions: ScriptFunction[] = [
  ...moduleFunctions('sl', [
    ...send(['sl_send_reply'], 'stateless'),
    ...send(['sl_reply'], 'stateless').filter(({ dialects }) => dialects === KAMAILIO),
    ...send(['send_reply'], 'either').filter(({ dialects }) => dialects === KAMAILIO),
    {
      name: 'sl_reply_error',
      dialects: OPENSIPS,
      routes: ['request', 'error'],
      summary: 'answers 500 for the error that came before',
      compile: () => serverError,
    },
    {
      name: 'sl_reply_error',
      dialects: KAMAILIO,
      routes: ['request', 'error', 'failure', 'local', 'onreply'],
      summary: 'answers 500 for the error that came before',
      compile: () => serverError,
    },
    {
      name: 'send_reply_error',
      dialects: KAMAILIO,
      summary: 'answers 500 for the error that came before',
      compile: () => serverError,
    },
    ...['set_reply_no_connect', 'set_reply_close'].map(
      (name): FunctionSpec => ({
        name,
        dialects: KAMAILIO,
        keepsReturnCode: true,
        summary: 'accepted; replies go by the connection the request came by',
        compile: () => () => 1,
      }),
    ),
  ]),
  ...moduleFunctions(
    'signaling',
    send(['send_reply'], 'either').filter(({ dialects }) => dialects === OPENSIPS),
  ),
  ...moduleFunctions('sl', [
    {
      name: 'send_reply',
      until: 2,
      dialects: OPENSIPS,
      parameters: [param('code', 'int', { check: statusCheck }), param('reason', 'string')],
      routes: ['request', 'error', 'failure'],
      summary: 'answers the request',
      compile:
        ([status, reason]) =>
        (run) =>
          replyHere(run, intOf(status, run, 500), textOf(reason, run), 'either'),
    },
  ]),
  ...moduleFunctions('textops', [
    {
      name: 'append_to_reply',
      parameters: [param('lines', 'string')],
      routes: ['request', 'branch', 'failure', 'error', 'onreply', 'event'],
      summary: 'adds header lines to replies given here, as they are written',
      compile:
        ([lines]) =>
        (run) => {
          run.call.replyLines += textOf(lines, run);
          return 1;
        },
    },
    {
      name: 'append_body_to_reply',
      dialects: OPENSIPS,
      parameters: [param('body', 'string')],
      summary: 'gives replies a body',
      compile:
        ([body]) =>
        (run) => {
          run.call.replyBody += textOf(body, run);
          return 1;
        },
    },
    {
      name: 'change_reply_status',
      parameters: [param('code', 'int'), param('reason', 'string')],
      routes: ['onreply'],
      summary: 'changes the status of the reply that is passed on',
      compile:
        ([status, reason]) =>
        (run) => {
          const number = intOf(status, run, 0);
          const now = run.message.status;
          if (number < 100 || number > 699 || now < 300 !== number < 300 || now < 200 !== number < 200) return -1;
          run.newStatus = `${number} ${textOf(reason, run)}`;
          return 1;
        },
    },
  ]),
  ...moduleFunctions('options', [
    {
      name: 'options_reply',
      dialects: OPENSIPS,
      routes: ['request'],
      summary: 'answers an OPTIONS for this proxy itself',
      compile: () => (run) => optionsReply(run, 'Accept: */*\r\nAccept-Language: en\r\n'),
    },
  ]),
  ...moduleFunctions('siputils', [
    {
      name: 'options_reply',
      dialects: KAMAILIO,
      routes: ['request'],
      summary: 'answers an OPTIONS for this proxy itself',
      compile: () => (run) =>
        optionsReply(run, 'Accept: */*\r\nAccept-Encoding: \r\nAccept-Language: en\r\nSupported: \r\n'),
    },
  ]),
];

function optionsReply(run: MessageRun, lines: string): number {
  const { call } = run;
  if (call.message.method !== 'OPTIONS') return -1;
  const uri = parseUri(call.requestUri);
  if (uri === undefined || uri.user !== '') return -1;
  const before = call.replyLines;
  call.replyLines = before + lines;
  const result = replyHere(run, 200, 'OK', 'stateless');
  call.replyLines = before;
  return result;
}
