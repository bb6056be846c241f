import type { Expression, Position } from '../../cfg/ast.js';
import { FROM_LIST_CONDITION } from './from-list.js';
import { matchTest, type OwnNames } from './match.js';
import { type Branch, isChanged, type Path, split } from './path.js';

/**
 * The paths into which a condition that becomes a part of "match" splits a path. Conditions on the source of a request
 * are added to `guards`.
 */
export function tested(condition: Expression, path: Path, own: OwnNames, guards: Set<Position>): readonly Branch[] {
  const test = matchTest(condition, own);
  if (test === undefined) return [{ path, holds: 'unknown' }];
  if (test.variable.startsWith(FROM_LIST_CONDITION)) {
    return fromList(condition, test.variable, path, guards);
  }
  // Rules match the request as received.
  if (/^\$r[uUdp]$/.test(test.variable) && isChanged(path)) return [{ path, holds: 'unknown' }];
  // The proxy itself knows where a CANCEL and an ACK go.
  const values = test.values.filter((each) => test.variable !== '$rm' || (each !== 'CANCEL' && each !== 'ACK'));
  if (values.length === 0) return [{ path, holds: false }];
  return split(path, { ...test, values }) ?? [{ path, holds: 'unknown' }];
}

/** A rule can ask for one list only: a subset of the lists asked for before is more exact. */
function fromList(condition: Expression, variable: string, path: Path, guards: Set<Position>): readonly Branch[] {
  const held = [...path.match.keys()].find((each) => each.startsWith(FROM_LIST_CONDITION));
  const isWithin = held?.endsWith('*') && variable.startsWith(held.slice(0, -1));
  if (held !== undefined && held !== variable && !isWithin) return [{ path, holds: 'unknown' }];
  if (condition.kind === 'call') guards.add(condition.at);
  if (held === variable) return [{ path, holds: true }];
  const match = new Map(path.match);
  if (held !== undefined) match.delete(held);
  return [
    { path: { ...path, match: match.set(variable, '1') }, holds: true },
    { path, holds: false },
  ];
}
