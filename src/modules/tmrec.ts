import { trimmed } from '../core/characters.js';
import { timeRecurrence } from '../core/time-recurrence.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { type Arg, code, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { timePeriodHolds } from './time-period.js';

const settings = {
  module: 'tmrec',
  create: (parameters: ModuleParameters) => ({ separator: parameters.text('separator', '|').charAt(0) || '|' }),
};

/** A time argument in milliseconds; the current time when it is omitted or not a number. */
function timeOf(arg: Arg | undefined, run: MessageRun): number {
  const seconds = arg === undefined ? undefined : arg.int(run);
  return seconds === undefined ? run.env.clock.now() : seconds * 1000;
}

/**
 * Whether a recurrence includes a time. As observed with 5.6.3, an invalid one, or one without a duration that begins
 * with P, includes no time.
 */
function recurrenceHolds(run: MessageRun, text: string, now: number): boolean {
  const { separator } = run.env.modules.of(settings);
  const fields = (separator === '|' ? text : text.replaceAll('|', ' ').replaceAll(separator, '|')).split('|');
  const [start = '', duration = ''] = fields;
  if (trimmed(start) === '' || !/^[ \t\r\n]*P.*[1-9]/i.test(duration)) return false;
  try {
    return timeRecurrence(fields.join('|'))?.holds(now) === true;
  } catch {
    return false;
  }
}

/** Functions of Kamailio's tmrec. */
export const tmrecFunctions: ScriptFunction[] = moduleFunctions('tmrec', [
  kamailioFunction(
    'tmrec_match',
    'recurrence time?',
    'whether a recurrence (RFC 2445) includes the current time, or a time in seconds since the epoch',
    (run, [text, time]) => code(recurrenceHolds(run, textOf(text, run), timeOf(time, run))),
  ),
  kamailioFunction(
    'is_leap_year',
    'year?',
    'whether a year, by default the current one, is a leap year',
    (run, [given]) => {
      const year = given === undefined ? new Date(run.env.clock.now()).getFullYear() : (given.int(run) ?? 0);
      return code((year % 4 === 0 && year % 100 !== 0) || year % 400 === 0);
    },
  ),
  kamailioFunction(
    'time_period_match',
    'period time?',
    'whether a period, as "wd{2-6} hr{8-16}, wd{7}", is now, or at a time in seconds since the epoch',
    (run, [text, time]) => code(timePeriodHolds(textOf(text, run), new Date(timeOf(time, run)))),
  ),
]);
