import { trimmed } from '../core/characters.js';
import { addrSpecOf } from '../core/name-addr.js';
import { parseUri, uriParam } from '../core/uri.js';
import type { Call, MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { type Hiding, hidingReply } from '../script/hiding.js';
import type { ScriptHooks } from '../script/hooks.js';
import { beginTransaction } from '../script/relay.js';
import type { TransactionState } from '../script/state.js';
import { moduleFunctions, OPENSIPS, optional, type ScriptFunction, textOf } from './define.js';
import { contactOf, type Dialog, otherSide, type Side, splitValues } from './dialog/dialog.js';
import { dialogs } from './dialog/state.js';
import { restoreInDialog } from './uac-restore.js';

const named = (parameters: ModuleParameters, name: string): string[] =>
  parameters
    .text(name, '')
    .split(';')
    .map((each) => trimmed(each).toLowerCase())
    .filter((each) => each !== '');

/** The parameters of topology_hiding. Throws an Error for an unsupported one. */
export const hidingSettings = {
  module: 'topology_hiding',
  create(parameters: ModuleParameters) {
    if (parameters.text('th_internal_trusted_tag', '') !== '')
      throw new Error('th_internal_trusted_tag is not supported: each side is hidden from the other');
    return {
      prefix: parameters.text('th_callid_prefix', 'DLGCH_'),
      // The transport parameter is that of this proxy.
      passed: named(parameters, 'th_passed_contact_uri_params').filter((each) => each !== 'transport'),
      passedFieldParams: named(parameters, 'th_passed_contact_params'),
    };
  },
};

function checkFlags(constant: string | number): string | undefined {
  const wrong = /[^UuDdCcAa, \t\r\n]/.exec(String(constant))?.[0];
  return wrong === undefined ? undefined : `unknown flag "${wrong}": expected U, D, C, a or A`;
}

/** Parses the users of the Contacts shown to the sides: "both", "/caller/callee". */
function usersIn(given: string): NonNullable<Dialog['hidden']>['users'] {
  // A script may take the text from a peer: characters not allowed in a user would end the URI or the line.
  const text = given.replace(/[^\w!~*'().&=+$,;?/%-]/g, '');
  if (text === '') return {};
  if (!text.includes('/')) return { caller: text, callee: text };
  const [, caller = '', callee = ''] = text.split('/');
  return { ...(caller === '' ? {} : { caller }), ...(callee === '' ? {} : { callee }) };
}

function hidingOf(dialog: Dialog, hidden: NonNullable<Dialog['hidden']>, to: Side): Hiding {
  const { passed, passedFieldParams } = dialog.call.env.modules.of(hidingSettings);
  const { keepUser, callId, users, fixed, didAsUser } = hidden;
  return {
    params: didAsUser ? '' : `;did=${dialog.did}`,
    keepUser,
    user: didAsUser ? dialog.did : users[to],
    fixed: fixed[to],
    callId: callId === undefined ? undefined : dialog.callIdOf(to),
    passed,
    passedFieldParams,
  };
}

/** Hides each side of a call from the other, beginning with its INVITE. */
function hide(run: MessageRun, flags: string, users: string): number {
  const { call, env } = run;
  const { message } = call;
  if (message.method !== 'INVITE' || message.toTag !== '') return -1;
  const table = env.modules.of(dialogs);
  const dialog = table.begin(run);
  if (dialog === undefined) return -1;
  // The dialog is kept here, so the Call-ID for the other side can be random.
  const callId = /c/i.test(flags) ? `${env.modules.of(hidingSettings).prefix}${env.random.token(16)}` : undefined;
  dialog.hidden = {
    keepUser: /u/i.test(flags),
    users: usersIn(users),
    fixed: {
      ...(flags.includes('a') ? { caller: { text: undefined } } : {}),
      ...(flags.includes('A') ? { callee: { text: undefined } } : {}),
    },
    didAsUser: /d/i.test(flags),
    callId,
    contact: '',
    route: [],
  };
  if (callId !== undefined) env.claims?.claim(callId);
  call.hiding = hidingOf(dialog, dialog.hidden, 'callee');
  const existed = run.transaction !== undefined;
  const transaction = beginTransaction(run);
  if (transaction === undefined) return 0;
  table.follow(run, dialog);
  if (existed) restore(call, transaction);
  return 1;
}

/** Sends a request inside such a call to the other side: to its Contact, through the routers before it. */
function match(run: MessageRun): number {
  const { call, env } = run;
  const { message } = call;
  const table = env.modules.of(dialogs);
  const uri = parseUri(call.requestUri);
  const dialog = table.index.byDid(uriParam(uri?.params ?? '', 'did') ?? uri?.user ?? '');
  if (dialog?.hidden === undefined || message.toTag === '') return -1;
  // Each side uses its own Call-ID.
  const side = message.fromTag === dialog.caller.tag ? 'caller' : 'callee';
  if (dialog.callIdOf(side) !== message.callId) return -1;
  table.taken(run, dialog);
  const to = otherSide(side);
  const other = dialog.leg(to);
  if (other.contact === '') return -1;
  restoreInDialog(run);
  call.hiding = hidingOf(dialog, dialog.hidden, to);
  for (const { line, next } of message.fields('route')) run.edits.remove(line, next);
  for (const each of other.route) run.edits.insert(message.headersEnd, `Route: ${each}\r\n`);
  run.pvars.setRequestUri(other.contact);
  const [first] = other.route;
  run.pvars.destinationUri = first === undefined ? undefined : addrSpecOf(first);
  if (other.socket !== undefined) call.sendSocket = other.socket;
  return 1;
}

/** Registers filters that hide the answering side in replies, and put the Via fields of the request back. */
function restore(call: Call, transaction: TransactionState): void {
  const { hiding } = call;
  const table = call.env.modules.of(dialogs);
  const dialog = table.of({ call });
  if (hiding === undefined) return;
  // A reply shows the hidden form of its sender to the side that sent the request.
  const back = dialog?.hidden === undefined ? hiding : hidingOf(dialog, dialog.hidden, dialog.direction);
  transaction.filterReplies((reply) => {
    if (dialog !== undefined) learn(call, dialog, reply);
    return hidingReply(reply, call.message, call.source, call.marking, back);
    // Late, so that reply routes see and change what the other side has sent.
  }, true);
}

/** Stores Contact and Record-Route of the answering side before they are hidden. */
function learn(call: Call, dialog: Dialog, reply: Parameters<typeof contactOf>[0]): void {
  const contact = reply.status < 300 ? contactOf(reply) : '';
  if (contact === '') return;
  if (dialog.call === call && dialog.hidden !== undefined) {
    dialog.hidden.contact = contact;
    dialog.hidden.route = reply.headers('record-route').flatMap(splitValues).reverse();
  } else if (reply.status >= 200) dialog.leg(otherSide(dialog.direction)).contact = contact;
}

/** Hooks that undo the hiding when a request of such a dialog creates a transaction. */
export const topologyHidingHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [({ call }, transaction) => restore(call, transaction)],
  routed: [],
  acknowledged: [],
  cancelled: [],
};

/** Functions of topology_hiding. */
export const topologyHidingFunctions: ScriptFunction[] = moduleFunctions('topology_hiding', [
  {
    name: 'topology_hiding',
    dialects: OPENSIPS,
    parameters: [optional('flags', 'string', { check: checkFlags }), optional('contact user', 'string')],
    routes: ['request'],
    summary:
      'hides Via, Record-Route and Contact of each side of the call from the other; U keeps the user of Contact, D puts the id of the dialog there, a and A keep the Contact that caller and callee were shown first, C gives the other side another Call-ID',
    compile:
      ([flags, users]) =>
      (run) =>
        hide(run, textOf(flags, run), textOf(users, run)),
  },
  {
    name: 'topology_hiding_match',
    dialects: OPENSIPS,
    parameters: [optional('mode', 'string')],
    routes: ['request'],
    summary: 'sends a request inside a hidden call to the other side',
    compile: () => match,
  },
]);
