import { trimEnd } from '../../core/characters.js';
import { CommandFault, type MiValue } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { SipSocket } from '../../sip/transport/transport.js';
import type { Dialog } from './dialog.js';
import { dialogs } from './state.js';
import type { DialogTable } from './table.js';

/** Maximum number of dialogs in one listing. */
export const MAX_DIALOGS_SHOWN = 5000;

/** The dialogs of a configuration. */
export function tableOf(env: ScriptEnvironment): DialogTable {
  return env.modules.of(dialogs);
}

/** A socket as "udp:127.0.0.1:5060"; '' for undefined. */
export function socketText(socket: SipSocket | undefined): string {
  return socket === undefined ? '' : `${socket.transport}:${socket.address}:${socket.port}`;
}

/** When the lifetime of a dialog ends, in seconds since the epoch; 0 before its answer and after that time. */
export function endOf(dialog: Dialog, { clock }: ScriptEnvironment): number {
  const left = dialog.expires === 0 ? 0 : dialog.expires - clock.monotonic();
  return left <= 0 ? 0 : Math.floor((clock.now() + left) / 1000);
}

/** A listing of dialogs, beginning at an offset. */
export function listed(
  which: Iterable<Dialog>,
  entry: (dialog: Dialog) => MiValue,
  from = 0,
  max = MAX_DIALOGS_SHOWN,
): MiValue[] {
  const out: MiValue[] = [];
  let at = 0;
  for (const each of which) {
    if (out.length >= Math.min(max, MAX_DIALOGS_SHOWN)) break;
    if (at++ >= from) out.push(entry(each));
  }
  return out;
}

/** The dialog with a did, an "entry:id" or a Call-ID; undefined when there is none. */
export function find(env: ScriptEnvironment, text: string): Dialog | undefined {
  const table = tableOf(env);
  const [entry = '', id = ''] = text.split(/[:.]/);
  const base = text.includes('.') ? 16 : 10;
  return table.index.find(Number.parseInt(entry, base), Number.parseInt(id, base)) ?? table.index.findCall(text);
}

/** The dialog with a did, an "entry:id" or a Call-ID. Throws CommandFault. */
export function named(env: ScriptEnvironment, text: string): Dialog {
  const found = find(env, text);
  if (found === undefined) throw new CommandFault(404, 'Requested Dialog not found');
  return found;
}

/** The name of an existing profile. Throws CommandFault. */
export function profileOf(env: ScriptEnvironment, name: string | undefined): string {
  if (name === undefined || !tableOf(env).profiles.has(name)) throw new CommandFault(404, 'Profile not found');
  return name;
}

/** Ends a dialog by BYE to both sides, with additional header lines. */
export async function hangUp(env: ScriptEnvironment, dialog: Dialog, headers: string | undefined): Promise<MiValue> {
  const lines = headers === undefined || headers === '' ? '' : `${trimEnd(headers)}\r\n`;
  await tableOf(env).hangUp(dialog, 'MI Termination', 'both', lines);
  return 'OK';
}
