import { ownValue } from '../../core/own-value.js';
import { parseCredentials } from '../header-values.js';
import { orNull, plain, type VariableDefinition } from './definition.js';

/** Seconds since 1970 when this process began. */
const STARTED = Math.floor(Date.now() / 1000 - process.uptime());

/** $Au: the user of the credentials, else that of From. */
function accountName(common: ReadonlyMap<string, VariableDefinition>): VariableDefinition {
  const [credentials, from] = ['au', 'fU'].map((name) => common.get(name)?.compile(undefined, undefined).get);
  return plain((context) => credentials?.(context) ?? from?.(context) ?? null);
}

/** Parts of the local time, counted as the documentation says: January and Sunday are 1. */
const TIME_PARTS: Readonly<Record<string, (now: Date) => number>> = {
  sec: (now) => now.getSeconds(),
  min: (now) => now.getMinutes(),
  hour: (now) => now.getHours(),
  mday: (now) => now.getDate(),
  mon: (now) => now.getMonth() + 1,
  year: (now) => now.getFullYear(),
  wday: (now) => now.getDay() + 1,
  yday: (now) => dayOfYear(now),
  isdst: (now) => (isSummerTime(now) ? 1 : 0),
};

function dayOfYear(now: Date): number {
  const day = (date: Date): number => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000;
  return day(now) - day(new Date(now.getFullYear(), 0, 1)) + 1;
}

function isSummerTime(now: Date): boolean {
  const winter = Math.max(...[0, 6].map((month) => new Date(now.getFullYear(), month, 1).getTimezoneOffset()));
  return now.getTimezoneOffset() < winter;
}

/** $ctime(sec) and the like. */
const localTime: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const part = ownValue(TIME_PARTS, String(argument?.constant ?? '').trim());
    if (part === undefined) throw new Error(`needs one of ${Object.keys(TIME_PARTS).join(', ')}`);
    return { get: ({ clock }) => part(new Date(clock.now())) };
  },
};

/** $challenge.realm and the like: of the WWW-Authenticate or Proxy-Authenticate of a reply. */
const challenges = ['algorithm', 'realm', 'nonce', 'opaque', 'qop', 'ik', 'ck'].map(
  (name): [string, VariableDefinition] => [
    `challenge.${name}`,
    plain(({ message }) => {
      const text = message.header('WWW-Authenticate') ?? message.header('Proxy-Authenticate');
      return orNull(text === undefined ? undefined : parseCredentials(text)?.param(name));
    }),
  ],
);

/** Variables of OpenSIPS' core and of cfgutils that the other languages here do not have. `common`: the table of all. */
export function opensipsOnly(
  common: ReadonlyMap<string, VariableDefinition>,
): readonly (readonly [string, VariableDefinition])[] {
  return [['TS', plain(() => STARTED)], ['Au', accountName(common)], ['ctime', localTime], ...challenges];
}
