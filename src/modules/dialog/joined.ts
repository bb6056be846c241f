import type { CommandParameters, MiValue } from '../../script/commands.js';
import { MAX_DIALOGS_SHOWN } from './commanded.js';

/** Joins the answers of several processes, each of which knows only its own dialogs. */
type Joined = (answers: readonly MiValue[], params: CommandParameters) => MiValue;

type Fields = Readonly<Record<string, MiValue>>;

/** Joins lists. */
export const lists: Joined = (answers) =>
  answers.flatMap((each) => each as readonly MiValue[]).slice(0, MAX_DIALOGS_SHOWN);

/** Adds numbers with the same name. */
export const sums: Joined = (answers) => {
  const sum: Record<string, number> = {};
  for (const each of answers as readonly Readonly<Record<string, number>>[])
    for (const [name, number] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + number;
  return sum;
};

/**
 * Joins the lists of dialogs in the answers and adds their counts; an answer about a single dialog is returned as it
 * is.
 */
export const dialogsOf: Joined = (answers) => {
  const all = answers as readonly Fields[];
  const found = all.find(({ Dialog }) => Dialog !== undefined);
  if (found !== undefined) return found;
  const counts = all.flatMap(({ count }) => (count === undefined ? [] : [Number(count)]));
  const Dialogs = all.flatMap(({ Dialogs: each = [] }) => each as readonly MiValue[]).slice(0, MAX_DIALOGS_SHOWN);
  return counts.length === 0 ? { Dialogs } : { count: counts.reduce((sum, count) => sum + count, 0), Dialogs };
};

/** Adds counts of the same value. */
export const byValue: Joined = (answers) => {
  const counts = new Map<string, number>();
  for (const { Profiles = [] } of answers as readonly Fields[]) {
    for (const { value, count } of Profiles as unknown as readonly { value: string; count: number }[])
      counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return { Profiles: [...counts].map(([value, count]) => ({ value, count })) };
};
