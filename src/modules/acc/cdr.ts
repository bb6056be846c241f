import type { MessageRun } from '../../script/call.js';
import type { Dialog } from '../dialog/dialog.js';
import { databaseTime } from '../sql.js';
import { type Accounting, oneLine, textIn } from './account.js';

/** Writes Kamailio's record of a whole call: "start_time=...; end_time=...; duration=...; name=value". */
export function writeCdr(run: MessageRun, acc: Accounting, dialog: Dialog): void {
  const { cdrs } = acc.settings;
  const { env, call } = run;
  const start = dialog.state === 0 || cdrs.fromConfirmed || dialog.answered === 0 ? dialog.answeredAt : dialog.began;
  const duration = Math.max(0, dialog.endedAt - start);
  const extra = cdrs.extra.map(({ name, value }) => [name, textIn(value, call.scope)] as const);
  const { names } = cdrs;
  if (cdrs.log) {
    const parts = [
      `${names.start}=${seconds(start)}`,
      `${names.end}=${seconds(dialog.endedAt)}`,
      `${names.duration}=${duration === 0 ? '0' : seconds(duration)}`,
      ...extra.map(([name, value]) => `${name}=${value}`),
    ];
    env.log.info({ callId: oneLine(dialog.callId) }, parts.join('; '));
  }
  if (cdrs.table !== undefined && acc.settings.dbUrl !== '') {
    acc.writer.add(env, cdrs.table, {
      [names.start]: databaseTime(start),
      [names.end]: databaseTime(dialog.endedAt),
      [names.duration]: Number(seconds(duration)),
      ...Object.fromEntries(extra),
    });
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
