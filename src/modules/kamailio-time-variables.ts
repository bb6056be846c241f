import { trimmed } from '../core/characters.js';
import type { Clock } from '../core/clock.js';
import { ownValue } from '../core/own-value.js';
import { asUtc, formatTime, timeText } from '../pvar/time-format.js';
import type { PvarValue } from '../pvar/value.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import { timeVariable } from '../pvar/variables/times.js';
import { own } from './script-variable.js';

/** When this process started by a clock, in seconds since 1970; computed once, so that rounding cannot change it. */
const starts = new WeakMap<Pick<Clock, 'now'>, number>();

/** $Tb of Kamailio: when this process started, in seconds since 1970. */
function startBy(clock: Pick<Clock, 'now'>): number {
  const known = starts.get(clock);
  if (known !== undefined) return known;
  const start = Math.floor(clock.now() / 1000 - process.uptime());
  starts.set(clock, start);
  return start;
}

function formattedTime(dateOf: (ms: number) => Date): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const format = argument?.constant;
      if (format === undefined) throw new Error('needs a format without variables');
      return { get: (context) => formatTime(format, dateOf(context.clock.now())) };
    },
  };
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * $TV(name). In the original "n" reads the current time, the others a time it read before; here all read the current
 * time.
 */
const TIMES: Readonly<Record<string, (ms: number) => PvarValue>> = {
  s: seconds,
  sn: seconds,
  u: (ms) => (ms % 1000) * 1000,
  un: (ms) => (ms % 1000) * 1000,
  Sn: (ms) => `${seconds(ms)}.${String((ms % 1000) * 1000).padStart(6, '0')}`,
};

const local = (ms: number): Date => new Date(ms);

/** Variables of Kamailio's pv about the time: local, and of UTC. */
export const timeVariables: readonly (readonly [string, VariableDefinition])[] = [
  ['time', timeVariable(local)],
  ['utime', timeVariable(asUtc)],
  ['timef', formattedTime(local)],
  ['utimef', formattedTime(asUtc)],
  [
    'TV',
    {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        const of = ownValue(TIMES, trimmed(argument?.constant ?? ''));
        if (of === undefined) throw new Error(`needs one of ${Object.keys(TIMES).join(', ')}`);
        return { get: (context) => of(context.clock.now()) };
      },
    },
  ],
  ['TS', own((scope) => seconds(scope.clock.now()))],
  ['TF', own((scope) => timeText(new Date(scope.clock.now())))],
  ['Tb', own(({ clock }) => startBy(clock))],
];
