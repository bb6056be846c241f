import type { Expression } from '../../cfg/ast.js';
import { within } from '../../cfg/visit.js';
import { literalText } from './expression-text.js';
import { SELECTS } from './functions.js';

/** What a condition on the result of a selection is where it found something; undefined where it asks for more than that. */
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

/** The result of a selection that found something, and of one that did not. */
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
