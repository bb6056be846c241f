import type { LoadedCfg } from '../cfg-file/load.js';
import { messageOf } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { FraudFigure, FraudProfiles, FraudRule, Thresholds } from '../script/fraud-rules.js';
import { FaultyRows } from './faulty-rows.js';
import { type DatabaseRow, textIn } from './script-rows.js';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Maximum length of a prefix. */
const LONGEST = 64;

/** Parameters that name the columns of the thresholds, and their default values. */
const THRESHOLDS: readonly (readonly [FraudFigure, parameter: string, column: string])[] = [
  ['calls per minute', 'cpm_thresh', 'cpm'],
  ['call duration', 'calldur_thresh', 'call_duration'],
  ['total calls', 'totalc_thresh', 'total_calls'],
  ['concurrent calls', 'concalls_thresh', 'concurrent_calls'],
  ['sequential calls', 'seqcalls_thresh', 'sequential_calls'],
];

/** Parses "Mon-Fri, Sun"; an absent text means all days. Throws an Error for anything else. */
function daysIn(text: string): ReadonlySet<number> {
  const days = new Set<number>();
  const dayOf = (name: string): number => {
    const day = DAYS.indexOf(name.trim().slice(0, 3).toLowerCase());
    if (day < 0) throw new Error(`"${name.trim().slice(0, 20)}" is not a day of the week`);
    return day;
  };
  for (const part of text.split(/[,;\s]+/)) {
    if (part === '') continue;
    const [first = '', last = first] = part.split('-');
    const end = dayOf(last);
    for (let day = dayOf(first); ; day = (day + 1) % 7) {
      days.add(day);
      if (day === end) break;
    }
  }
  return days.size === 0 ? new Set(DAYS.keys()) : days;
}

/** Parses "HH:MM" as minutes; an absent text means `usual`. Throws an Error for anything else. */
function minutesIn(text: string, usual: number): number {
  if (text.trim() === '') return usual;
  const [, hours = '', minutes = '0'] = /^\s*(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*$/.exec(text) ?? [];
  const found = Number(hours) * 60 + Number(minutes);
  if (hours === '' || found > 24 * 60) throw new Error(`"${text.slice(0, 20)}" is not a time of the day`);
  return found;
}

/** Rows read in one event loop iteration. */
const ROWS = 2000;

/** Reads the rows of fraud_detection, and calls `faulty` for malformed ones. Calls are handled meanwhile. */
export async function fraudProfiles(
  rows: readonly DatabaseRow[],
  cfg: LoadedCfg,
  faulty: (row: string, reason: string) => void,
): Promise<FraudProfiles> {
  const parameters = cfg.modules.get('fraud_detection');
  const column = (name: string, usual: string): string =>
    String(parameters?.get(`${name}_col`)?.at(-1) ?? parameters?.get(name)?.at(-1) ?? usual);
  const id = column('rid', 'ruleid');
  const profile = column('pid', 'profileid');
  const prefix = column('prefix', 'prefix');
  const [from, to, days] = [
    column('start_h', 'start_hour'),
    column('end_h', 'end_hour'),
    column('days', 'daysoftheweek'),
  ];
  const levels = THRESHOLDS.map(
    ([name, parameter, usual]) =>
      [
        name,
        column(`${parameter}_warn`, `${usual}_warning`),
        column(`${parameter}_crit`, `${usual}_critical`),
      ] as const,
  );
  const leftOut = new FaultyRows(faulty);
  const profiles = new Map<number, Map<string, FraudRule[]>>();
  for (const [i, row] of rows.entries()) {
    if (i > 0 && i % ROWS === 0) await nextIteration();
    try {
      const number = (name: string): number => Math.max(0, Number(row[name] ?? 0) || 0);
      const text = (name: string): string => textIn(row, name) ?? '';
      const starts = text(prefix).trim();
      if (starts.length > LONGEST) throw new Error('the prefix is too long');
      const thresholds = Object.fromEntries(
        levels.map(([name, warning, critical]): [string, Thresholds] => [
          name,
          { warning: number(warning), critical: number(critical) },
        ]),
      ) as Record<FraudFigure, Thresholds>;
      const rule: FraudRule = {
        id: number(id),
        prefix: starts,
        from: minutesIn(text(from), 0),
        to: minutesIn(text(to), 24 * 60) % (24 * 60),
        days: daysIn(text(days)),
        thresholds,
      };
      const key = number(profile);
      const rules = profiles.get(key) ?? new Map<string, FraudRule[]>();
      profiles.set(key, rules);
      const same = rules.get(starts);
      if (same === undefined) rules.set(starts, [rule]);
      else same.push(rule);
    } catch (error) {
      leftOut.add(textIn(row, id) ?? '', messageOf(error));
    }
  }
  leftOut.end();
  return profiles;
}
