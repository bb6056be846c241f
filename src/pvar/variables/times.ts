import { trimmed } from '../../core/characters.js';
import { ownValue } from '../../core/own-value.js';
import { dayOfYear } from '../time-format.js';
import type { VariableDefinition } from './definition.js';

/** Parts of a time by its local fields; January and Sunday are 1. */
const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  sec: (date) => date.getSeconds(),
  min: (date) => date.getMinutes(),
  hour: (date) => date.getHours(),
  mday: (date) => date.getDate(),
  mon: (date) => date.getMonth() + 1,
  year: (date) => date.getFullYear(),
  wday: (date) => date.getDay() + 1,
  yday: dayOfYear,
  isdst: (date) => Number(date.getTimezoneOffset() < standardOffset(date.getFullYear())),
};

/** Offset of a year's standard time in minutes west of UTC: the larger of the offsets in January and July. */
function standardOffset(year: number): number {
  return Math.max(new Date(year, 0, 1).getTimezoneOffset(), new Date(year, 6, 1).getTimezoneOffset());
}

/** A variable whose argument names a part of the current time: $time(hour) of Kamailio, $ctime(hour) of OpenSIPS. */
export function timeVariable(dateOf: (ms: number) => Date): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const part = ownValue(PARTS, trimmed(argument?.constant ?? ''));
      if (part === undefined) throw new Error(`needs one of ${Object.keys(PARTS).join(', ')}`);
      return { get: (context) => part(dateOf(context.clock.now())) };
    },
  };
}
