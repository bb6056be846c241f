import type { FunctionCall, Statement } from '../../cfg/ast.js';
import { literalText } from './expression-text.js';
import type { Ledger } from './ledger.js';
import { numberAfterAssignment, sameNumber } from './number.js';
import type { Ending, Path, Selection } from './path.js';

/**
 * Why a selection does not become a rule: what the script does when nothing is found is more than a rule can express.
 */
export const ROUTED_OTHERWISE = 'when it finds nothing, the script routes the request in another way';

/** A path through the script and how it ends. */
export interface Outcome {
  readonly path: Path;
  readonly ending: Ending;
}

/** A selection as the script calls it, with the constants known on the path as its arguments. */
export function selectionOf(call: FunctionCall, { constants }: Path): Selection {
  const args = call.args.map((arg) => {
    if (arg === undefined) return '';
    const text = literalText(arg);
    return text === undefined ? undefined : (constants.get(text) ?? text);
  });
  return { call, args, fallbacks: [], reject: undefined, problem: undefined };
}

/** A path after an assignment. What is not carried over is noted in the ledger. */
export function assigned(
  path: Path,
  { target, value, operator, at }: Extract<Statement, { kind: 'assign' }>,
  ledger: Ledger,
): Path {
  const constants = new Map(path.constants);
  const text = literalText(value);
  const isScript = /^\$(?:var|avp|\(|xavp|xavu|xavi|dlg_val|vars?)\b/.test(target.text);
  const changed = numberAfterAssignment(target.text, operator, value, path.number);
  if (changed !== undefined && !('problem' in changed)) return { ...path, number: changed };
  if (!isScript) ledger.leaveRepeated(at, `the assignment to ${target.text} is not carried over`);
  if (operator === '=' && text !== undefined && !text.includes('$')) constants.set(target.text, text);
  else constants.delete(target.text);
  return { ...path, constants, rewritten: path.rewritten ?? changed?.problem };
}

/**
 * A path on which another selection follows one that found nothing: it is a fallback if everything else is the same.
 */
export function noteFallback(
  outcomes: readonly Outcome[],
  failed: Selection,
  fallback: Selection,
  path: Path,
  ending: Ending,
): void {
  if (failed.fallbacks.some(({ call }) => call === fallback.call)) return;
  const first = outcomes.find((each) => each.path.selection === failed);
  const isSame =
    first !== undefined &&
    first.ending === ending &&
    (ending === 'relay' || ending === 'stateless') &&
    first.path.failureRoute === path.failureRoute &&
    first.path.recordRoute === path.recordRoute &&
    path.rewritten === undefined &&
    sameNumber(first.path.number, path.number) &&
    [...path.match.keys()].every((each) => first.path.match.has(each));
  if (isSame) failed.fallbacks.push(fallback);
  else failed.problem ??= ROUTED_OTHERWISE;
}
