import type { ScriptEnvironment } from '../../script/environment.js';
import type { Dialog } from '../dialog/dialog.js';
import { accounting, type FilledRecord } from './account.js';
import { type CallData, writeCdr } from './cdr.js';

/** What is written when a call ends: the record of OpenSIPS or of Kamailio, as it was when the call was answered. */
interface KeptRecord {
  readonly opensips?: FilledRecord & { readonly created: number; readonly answered: number };
  readonly kamailio?: CallData;
}

/**
 * Lets another process know what the record of a call would say, until the call has ended: that process writes it if
 * this one dies. Does nothing where there is no other process; `record` is not called then.
 */
export function keepRecord(env: ScriptEnvironment, dialog: Dialog, record: () => KeptRecord): void {
  const { keep } = env.services;
  if (keep === undefined) return;
  const id = `${dialog.entry}.${dialog.id}`;
  keep(id, { callId: dialog.callId, lifetimeMs: dialog.lifetime, text: JSON.stringify(record()) });
  dialog.atEnd.push(() => keep(id, undefined));
}

/** Writes a record that a process which has died had kept; `ended`: milliseconds since the epoch. */
export function writeKept(env: ScriptEnvironment, text: string, ended: number): void {
  if (!env.modules.loaded.has('acc')) return;
  const { opensips, kamailio } = JSON.parse(text) as KeptRecord;
  const acc = env.modules.of(accounting);
  if (opensips !== undefined) {
    const { created, answered } = opensips;
    acc.writeOut(env, opensips, { created, answered, ended: Math.max(ended, answered) });
  }
  if (kamailio !== undefined) writeCdr(env, acc, kamailio, Math.max(ended, kamailio.start));
}
