import { parseUri } from '../core/uri.js';
import { answerFunctions } from '../route/functions/replies.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { containsLineBreak } from '../script/outgoing.js';
import { oneLine } from '../script/own-requests.js';
import { cfgActions } from './actions.js';
import {
  BOTH,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { changeReplyStatus, replyHere } from './replying.js';
import { sharedFunctions } from './shared.js';

const shared = answerFunctions(cfgActions);

const serverError = (run: MessageRun): number => replyHere(run, 500, 'Server error occurred (1/SL)', 'stateless');

/** As recorded, Kamailio answers with the error of a function that relays only if no other function ran since. */
function errorReply(after: string | undefined): (run: MessageRun) => number {
  const lost = after !== undefined && !/^(?:t_relay|forward|t_forward_nonack|t_newtran|t_replicate)/.test(after);
  return (run) => {
    const { status, reason } = (lost ? undefined : run.call.relayFault) ?? UNKNOWN;
    return replyHere(run, status, reason.replace('/TM)', '/SL)'), 'stateless');
  };
}

const UNKNOWN = { status: 500, reason: "I'm terribly sorry, server error occurred (1/TM)" };

/** Functions of sl: stateless replies. */
export const replyFunctions: ScriptFunction[] = [
  ...sharedFunctions('sl', OPENSIPS, { sl_send_reply: shared.opensips.sl_send_reply }),
  ...sharedFunctions('sl', KAMAILIO, {
    sl_send_reply: shared.kamailio.sl_send_reply,
    sl_reply: shared.kamailio.sl_reply,
    send_reply: shared.kamailio.send_reply,
  }),
  ...moduleFunctions('sl', [
    {
      name: 'sl_reply_error',
      dialects: OPENSIPS,
      routes: ['request', 'error'],
      summary: 'replies 500 for an error of an earlier function',
      compile: () => serverError,
    },
    {
      name: 'sl_reply_error',
      dialects: KAMAILIO,
      routes: ['request', 'error', 'failure', 'local', 'onreply'],
      summary: 'replies with the error of an earlier t_relay(), or else with 500',
      compile: (_args, { after }) => errorReply(after),
    },
    {
      name: 'send_reply_error',
      dialects: KAMAILIO,
      summary: 'replies with the error of an earlier t_relay(), or else with 500',
      compile: (_args, { after }) => errorReply(after),
    },
    ...['set_reply_no_connect', 'set_reply_close'].map(
      (name): FunctionSpec => ({
        name,
        dialects: KAMAILIO,
        keepsReturnCode: true,
        summary: 'accepted; replies are sent over the connection of the request',
        compile: () => () => 1,
      }),
    ),
  ]),
  ...sharedFunctions('signaling', OPENSIPS, { send_reply: shared.opensips.send_reply }),
  ...sharedFunctions('sl', OPENSIPS, {
    send_reply: { ...shared.opensips.send_reply, until: 2, routes: ['request', 'error', 'failure'] },
  }),
  ...sharedFunctions('textops', BOTH, shared.both),
  ...moduleFunctions('textops', [
    {
      name: 'append_body_to_reply',
      dialects: OPENSIPS,
      parameters: [param('body', 'string')],
      summary: 'sets the body of replies of this proxy',
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
      summary: 'changes the status of the forwarded reply',
      compile:
        ([status, reason]) =>
        (run) => {
          const text = oneLine(textOf(reason, run));
          if (text === '' && run.env.dialect === 'kamailio') return -1;
          return changeReplyStatus(run, intOf(status, run, 0), text);
        },
    },
  ]),
  ...moduleFunctions('options', [
    {
      name: 'options_reply',
      dialects: OPENSIPS,
      routes: ['request'],
      summary: 'replies to an OPTIONS for this proxy itself',
      compile: () => (run) => optionsReply(run, run.env.modules.of(capabilities)),
    },
  ]),
  ...moduleFunctions('siputils', [
    {
      name: 'options_reply',
      dialects: KAMAILIO,
      routes: ['request'],
      summary: 'replies to an OPTIONS for this proxy itself',
      compile: () => (run) => optionsReply(run, run.env.modules.of(optionsFields)),
    },
  ]),
];

/** The header lines of options_reply() from the parameters of module options: those with a value. */
const capabilities = {
  module: 'options',
  create: (parameters: ModuleParameters): string =>
    [
      ['Accept', parameters.text('accept', '*/*')],
      ['Accept-Encoding', parameters.text('accept_encoding', '')],
      ['Accept-Language', parameters.text('accept_language', 'en')],
      ['Supported', parameters.text('support', '')],
    ]
      .filter(([, value = '']) => value !== '' && !containsLineBreak(value))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
};

/** Parameters of siputils: what options_reply() says that this proxy understands. */
const optionsFields = {
  module: 'siputils',
  create: (parameters: ModuleParameters): string =>
    `Accept: ${parameters.text('options_accept', '*/*')}\r\n` +
    `Accept-Encoding: ${parameters.text('options_accept_encoding', '')}\r\n` +
    `Accept-Language: ${parameters.text('options_accept_language', 'en')}\r\n` +
    `Supported: ${parameters.text('options_support', '')}\r\n`,
};

function optionsReply(run: MessageRun, lines: string): number {
  const { call } = run;
  if (call.message.method !== 'OPTIONS') return -1;
  const uri = parseUri(call.requestUri);
  if (uri === undefined || uri.user !== '') return -1;
  const before = call.replyLines;
  call.replyLines = before + lines;
  const result = replyHere(run, 200, 'OK', 'stateless');
  // As recorded, in Kamailio later replies have these lines too.
  if (run.env.dialect !== 'kamailio') call.replyLines = before;
  return result;
}
