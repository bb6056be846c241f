import type { Expression, Statement } from '../../cfg/ast.js';

/** Converts a "switch" to "if" and "else if"; undefined if a case falls through to the body of the next. */
export function withoutSwitch({
  subject,
  cases,
  at,
}: Extract<Statement, { kind: 'switch' }>): readonly Statement[] | undefined {
  const groups: { tests: Expression[]; isDefault: boolean; body: readonly Statement[] }[] = [];
  let tests: Expression[] = [];
  let isDefault = false;
  for (const [i, { label, body }] of cases.entries()) {
    if (label === undefined) isDefault = true;
    else if (label.kind === 'regex')
      tests.push({ kind: 'binary', operator: '=~', left: subject, right: label.source, at });
    else tests.push({ kind: 'binary', operator: '==', left: subject, right: label, at });
    // Labels without a body share that of the next one.
    if (body.length === 0 && i < cases.length - 1) continue;
    const last = body.at(-1);
    const ends = last !== undefined && ['exit', 'drop', 'break', 'return'].includes(last.kind);
    if (!ends && i < cases.length - 1) return undefined;
    const own = last?.kind === 'break' ? body.slice(0, -1) : body;
    if (own.some((each) => each.kind === 'break')) return undefined;
    groups.push({ tests, isDefault, body: own });
    tests = [];
    isDefault = false;
  }
  let otherwise: readonly Statement[] = groups.find((each) => each.isDefault)?.body ?? [];
  for (const group of groups.filter((each) => !each.isDefault).reverse()) {
    const [first, ...more] = group.tests;
    if (first === undefined) continue;
    const condition = more.reduce<Expression>(
      (left, right) => ({ kind: 'binary', operator: '||', left, right, at }),
      first,
    );
    otherwise = [{ kind: 'if', condition, body: group.body, otherwise, at }];
  }
  return otherwise;
}
