import type { ScriptEnvironment } from '../../script/environment.js';
import type { Dialog } from '../dialog/dialog.js';
import { accounting, type FilledRecord } from './account.js';
import { type CallData, writeCdr } from './cdr.js';

/** The record that is written when a call ends, of OpenSIPS or of Kamailio, as it was when the call was answered. */
interface KeptRecord {
  readonly opensips?: FilledRecord & { readonly created: number; readonly answered: number };
  readonly kamailio?: CallData;
}

/**
 * Passes the content of a call's record to another process until the call has ended. That process writes the record if
 * this one dies. Without another process it does nothing, and `record` is not called.
 */
export function keepRecord(env: ScriptEnvironment, dialog: Dialog, record: () => KeptRecord): void {
  const { keep } = env.services;
  if (keep === undefined) return;
  const id = `${dialog.entry}.${dialog.id}`;
  keep(id, { callId: dialog.callId, lifetimeMs: dialog.lifetime, text: JSON.stringify(record()) });
  dialog.atEnd.push(() => keep(id, undefined));
}

/** Writes a record that was kept for a process which has died; `ended`: milliseconds since the epoch. */
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
