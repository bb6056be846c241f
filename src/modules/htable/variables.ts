import type { Adder } from '../../core/owned-entries.js';
import type { PvarContext, PvarValue } from '../../pvar/context.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { MessageRun } from '../../script/call.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { adderOf } from '../expiring-map.js';
import { exactly } from '../patterns.js';
import { scopeOf } from '../script-variable.js';
import { type HashTable, setIn, tableKey, tableOf } from './tables.js';

function sht(
  read: (env: ScriptEnvironment, table: HashTable, key: string, run: MessageRun | undefined) => PvarValue,
  write?: (env: ScriptEnvironment, table: HashTable, key: string, value: PvarValue, by: Adder | undefined) => void,
): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      if ((argument?.constant ?? argument?.shape)?.includes('=>') === false)
        throw new Error('needs "table=>key" between its parentheses');
      const text = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
      return {
        get: (context) => {
          const { env, run } = scopeOf(context);
          const [name, key] = tableKey(text(context));
          const table = tableOf(env, name);
          return table === undefined ? null : read(env, table, key, run);
        },
        ...(write !== undefined
          ? {
              set: (context: PvarContext, value: PvarValue) => {
                const { env, run } = scopeOf(context);
                const [name, key] = tableKey(text(context));
                const table = tableOf(env, name);
                if (table !== undefined) write(env, table, key, value, run && adderOf(run));
              },
            }
          : {}),
      };
    },
  };
}

/** $sht(table=>key) and the like. */
export const hashTableVariables: readonly [string, VariableDefinition][] = [
  ['sht', sht((env, table, key) => table.entries.get(key, env.clock.monotonic()) ?? table.initial, setIn)],
  ['shtex', sht(secondsLeft, setSecondsLeft)],
  ['shtcn', sht((env, table, pattern) => countMatching(env, table, operatorTest(pattern)))],
  ['shtcv', sht((env, table, pattern) => countMatching(env, table, valueTest(pattern)))],
  ['shtinc', sht((env, table, key, run) => step(env, table, key, 1, run && adderOf(run)))],
  ['shtdec', sht((env, table, key, run) => step(env, table, key, -1, run && adderOf(run)))],
];

/** Seconds until an entry expires; 0 when it does not expire or does not exist. */
function secondsLeft(env: ScriptEnvironment, table: HashTable, key: string): number {
  const at = table.entries.expiresAt(key, env.clock.monotonic());
  return at === undefined ? 0 : Math.max(0, Math.round((at - env.clock.monotonic()) / 1000));
}

/**
 * Sets the seconds after which an existing entry expires; with 0, or a value that is not a number, it does not expire.
 * Has no effect in a table without autoexpire. As observed of Kamailio 5.6.3.
 */
export function setSecondsLeft(env: ScriptEnvironment, table: HashTable, key: string, seconds: PvarValue): void {
  const now = env.clock.monotonic();
  const value = table.entries.get(key, now);
  if (value === undefined || table.autoexpire === 0) return;
  const stays = typeof seconds !== 'number' || seconds <= 0;
  table.entries.set(key, value, stays ? undefined : now + seconds * 1000);
}

function step(env: ScriptEnvironment, table: HashTable, key: string, change: number, by: Adder | undefined): PvarValue {
  return table.entries.alone(() => {
    const now = table.entries.get(key, env.clock.monotonic()) ?? table.initial;
    if (typeof now !== 'number') return null;
    // As recorded, the number after 2147483647 is -2147483648.
    const next = (now + change) | 0;
    setIn(env, table, key, next, by);
    return next;
  });
}

function countMatching(
  env: ScriptEnvironment,
  table: HashTable,
  test: (key: string, value: PvarValue) => boolean,
): number {
  let count = 0;
  for (const [key, value] of table.entries.entries(env.clock.monotonic())) if (test(key, value)) count++;
  return count;
}

/**
 * Parses an operator of $shtcn and $shtcv: "~~regex", "%~start", "~%end", "==text", "**" for all; any other text, also
 * an operator alone, is a pattern. As recorded, an empty text and an invalid pattern match nothing.
 */
function operatorTest(pattern: string): (text: string) => boolean {
  const rest = pattern.length > 2 ? pattern.slice(2) : '';
  if (pattern.startsWith('**')) return () => true;
  if (rest !== '' && pattern.startsWith('~~')) return matching(rest);
  if (rest !== '' && pattern.startsWith('%~')) return (text) => text.startsWith(rest);
  if (rest !== '' && pattern.startsWith('~%')) return (text) => text.endsWith(rest);
  if (rest !== '' && pattern.startsWith('==')) return (text) => text === rest;
  return matching(pattern);
}

/** Test of $shtcv: "eq5" is for values that are this number, "**" for all values, any other for texts. */
function valueTest(pattern: string): (key: string, value: PvarValue) => boolean {
  if (pattern.startsWith('**')) return () => true;
  const number = /^eq([+-]?\d{1,10})$/.exec(pattern)?.[1];
  if (number !== undefined) return (_key, value) => value === Number(number);
  const test = operatorTest(pattern);
  return (_key, value) => typeof value === 'string' && test(value);
}

function matching(pattern: string): (text: string) => boolean {
  if (pattern === '') return () => false;
  try {
    const regex = exactly(pattern);
    return (text) => regex.test(text);
  } catch {
    return () => false;
  }
}
