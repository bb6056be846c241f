import type { Expression } from '../../cfg/ast.js';
import { within } from '../../cfg/visit.js';
import { literalText } from './expression-text.js';
import { SELECTS } from './functions.js';

/**
 * The value of a condition on the result of a selection if it found something; undefined when the condition has other
 * parts.
 */
export function ofSelection(condition: Expression): boolean | undefined {
  const isResult = (each: Expression): boolean =>
    each.kind === 'variable' && /^\$(?:rc|retcode|\?|\((?:rc|retcode)\))$/.test(each.text);
  if (isResult(condition)) return undefined;
  if (condition.kind !== 'binary' || !isResult(condition.left)) return undefined;
  const asked = Number(literalText(condition.right) ?? Number.NaN);
  const test = COMPARISONS.get(condition.operator);
  if (test === undefined || !Number.isInteger(asked)) return undefined;
  const found = test(FOUND, asked);
  return found === test(NOT_FOUND, asked) ? undefined : found;
}

/** The results of a successful and of a failed selection. */
const FOUND = 1;
const NOT_FOUND = -1;
const COMPARISONS = new Map<string, (result: number, asked: number) => boolean>([
  ['<', (result, asked) => result < asked],
  ['<=', (result, asked) => result <= asked],
  ['>', (result, asked) => result > asked],
  ['>=', (result, asked) => result >= asked],
  ['==', (result, asked) => result === asked],
]);

/** Whether a condition calls a function that selects. */
export function mentionsSelection(condition: Expression): boolean {
  for (const each of within(condition)) if (each.kind === 'call' && SELECTS.test(each.name)) return true;
  return false;
}
