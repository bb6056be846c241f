import { trimmed } from '../../core/characters.js';
import { linesToAdd } from '../../route/script/header-edits.js';
import { CommandFault, first, type MiValue, type ScriptCommand } from '../../script/commands.js';
import { NOBODY } from '../../sip/transaction/client.js';
import { named, profileOf, tableOf } from './commanded.js';
import { CONFIRMED, type Dialog, otherSide, type Side } from './dialog.js';
import { sendWithin } from './requests-within.js';

const module = 'dialog';

/** The body of a request by the parameter "body", and the header lines that belong to it. */
function bodyOf(dialog: Dialog, side: Side, text: string): { readonly lines: string; readonly body: string } {
  if (text === 'none') return { lines: '', body: '' };
  if (text === 'outbound') {
    const shown = dialog.shown[side];
    if (shown === undefined || shown.sdp === '')
      throw new CommandFault(404, `no body is kept for the ${side}: create_dialog() needs "reinvite-ping-${side}"`);
    return { lines: 'Content-Type: application/sdp\r\n', body: shown.sdp };
  }
  const [, start = '', type = ''] = /^(custom:([\w.+-]+\/[\w.+-]+):)/.exec(text) ?? [];
  if (type === '') throw new CommandFault(400, `body "${text}" is not supported: none, outbound or custom:TYPE:BODY`);
  return { lines: `Content-Type: ${type}\r\n`, body: text.slice(start.length) };
}

/** Sends a request to one side; the result is its final reply. Throws CommandFault. */
function send(dialog: Dialog, side: Side, method: string, headers: string, text: string): Promise<MiValue> {
  if (!/^[A-Z]{1,32}$/.test(method) || /^(?:ACK|CANCEL|PRACK|BYE)$/.test(method))
    throw new CommandFault(400, `${method} is not sent by this command`);
  if (dialog.state < CONFIRMED) throw new CommandFault(404, 'the dialog is not answered');
  const { lines, body } = bodyOf(dialog, side, text);
  // The 2xx would contain an offer, and nobody here can answer it.
  if (method === 'INVITE' && body === '') throw new CommandFault(400, 'an INVITE needs a body: outbound or custom');
  const contact = dialog.shown[side]?.contact ?? `<${dialog.leg(otherSide(side)).contact}>`;
  const { lines: more, fault } = linesToAdd(headers);
  if (fault !== undefined) throw new CommandFault(400, `the headers are refused: ${fault}`);
  const all = `Contact: ${contact}\r\n${lines}${more}`;
  return new Promise((resolve, reject) => {
    const unsent = (reason: string): void =>
      reject(new CommandFault(500, `the request cannot be sent to the ${side}: ${reason}`));
    sendWithin(
      dialog,
      side,
      { method, lines: all, body, unsent },
      {
        onReply(_client, reply) {
          if (reply.status < 200) return;
          // RFC 3261 section 13.2.2.4: each 2xx needs an ACK.
          if (method === 'INVITE' && reply.status < 300)
            sendWithin(dialog, side, { method: 'ACK', number: reply.cseqNumber }, NOBODY);
          resolve({ Code: reply.status, Reason: reply.reason });
        },
        onFailure() {
          resolve({ Code: 408, Reason: 'Request Timeout' });
        },
      },
    );
  });
}

/** Management commands that send requests inside dialogs, and put dialogs into profiles. */
export const dialogCommandsWithin: readonly ScriptCommand[] = [
  {
    module,
    mi: 'dlg_send_sequential',
    help: 'sends a request inside a dialog to its caller or callee',
    joined: first,
    changes: true,
    parameters: ['callid', 'method', 'mode', 'body', 'headers'],
    required: 1,
    forms: [['callid']],
    named: ['method', 'mode', 'body', 'headers'],
    run(env, { callid = '', method = 'INVITE', mode = 'caller', body = 'none', headers = '' }) {
      if (mode !== 'caller' && mode !== 'callee')
        throw new CommandFault(400, `mode "${mode}" is not supported: caller or callee`);
      return send(named(env, callid), mode, method, headers, body);
    },
  },
  {
    module,
    mi: 'set_dlg_profile',
    help: 'adds a dialog to a profile; clear_values removes it from the other values',
    joined: first,
    changes: true,
    parameters: ['dlg_id', 'profile', 'value', 'clear_values'],
    required: 2,
    run(env, { dlg_id: id = '', profile, value, clear_values: clear = '0' }) {
      const dialog = named(env, id);
      const name = profileOf(env, profile);
      const { profiles } = tableOf(env);
      if (value === undefined && profiles.hasValues(name)) throw new CommandFault(400, 'the profile needs a value');
      if (trimmed(clear) !== '0') profiles.removeAll(dialog, name);
      profiles.add(dialog, name, value);
      return 'OK';
    },
  },
  {
    module,
    mi: 'unset_dlg_profile',
    help: 'removes a dialog from a profile, or from one of its values',
    joined: first,
    changes: true,
    parameters: ['dlg_id', 'profile', 'value'],
    required: 2,
    run(env, { dlg_id: id = '', profile, value }) {
      const dialog = named(env, id);
      const name = profileOf(env, profile);
      const { profiles } = tableOf(env);
      const removed = value === undefined ? profiles.removeAll(dialog, name) : profiles.remove(dialog, name, value);
      if (!removed) throw new CommandFault(404, 'the dialog is not in the profile');
      return 'OK';
    },
  },
];
