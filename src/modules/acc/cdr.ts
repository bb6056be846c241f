import type { PvarValue } from '../../pvar/context.js';
import type { MessageRun } from '../../script/call.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { Dialog } from '../dialog/dialog.js';
import { databaseTime } from '../sql.js';
import { type Accounting, oneLine, valueIn } from './account.js';

/** The content of Kamailio's record of a whole call, without its end. */
export interface CallData {
  /** The source of the call. */
  readonly source: string;
  readonly callId: string;
  /** When the call began, in milliseconds since the epoch. */
  readonly start: number;
  readonly extra: readonly (readonly [name: string, value: PvarValue])[];
}

/** The data for a record of this call, as they are now. */
export function callData({ call }: Pick<MessageRun, 'call'>, acc: Accounting, dialog: Dialog): CallData {
  const { cdrs } = acc.settings;
  const start = dialog.state === 0 || cdrs.fromConfirmed || dialog.answered === 0 ? dialog.answeredAt : dialog.began;
  const extra = cdrs.extra.map(({ name, value }) => [name, valueIn(value, call.scope)] as const);
  return { callId: dialog.callId, source: dialog.call.source.address, start, extra };
}

/** Whether the settings leave out the record of this call: it failed, or the variable of cdr_skip is set. */
export function skipsCdr({ settings: { cdrs } }: Accounting, dialog: Dialog): boolean {
  if (!cdrs.failed && dialog.answered === 0) return true;
  return cdrs.skip !== '' && dialog.values.has(cdrs.skip);
}

/** Writes Kamailio's record of a whole call: "start_time=...; end_time=...; duration=...; name=value". */
export function writeCdr(env: ScriptEnvironment, acc: Accounting, data: CallData, ended: number): void {
  const { cdrs } = acc.settings;
  const { callId, source, start, extra } = data;
  const duration = Math.max(0, ended - start);
  const { names } = cdrs;
  if (cdrs.log) {
    const parts = [
      `${names.start}=${seconds(start)}`,
      `${names.end}=${seconds(ended)}`,
      `${names.duration}=${duration === 0 ? '0' : seconds(duration)}`,
      ...extra.map(([name, value]) => `${name}=${value ?? ''}`),
    ];
    env.log.info({ callId: oneLine(callId) }, parts.join('; '));
  }
  if (cdrs.table !== undefined && acc.settings.dbUrl !== '') {
    const row = {
      [names.start]: databaseTime(start),
      [names.end]: databaseTime(ended),
      [names.duration]: Number(seconds(duration)),
    };
    acc.writer.add(env, cdrs.table, acc.stored(env, row, Object.fromEntries(extra)), source);
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
