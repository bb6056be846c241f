import type { Expression, FunctionCall, Statement } from '../ast.js';
import { within } from '../visit.js';

/**
 * Finds, for each call that is a statement, the name of the function that ran last before it; "" when an assignment, a
 * call of a route or another `if` came between. Kamailio's error code of a function is lost with the next action, so
 * the replies of some functions depend on this.
 */
export function precedingCalls(body: readonly Statement[]): ReadonlyMap<FunctionCall, string> {
  const found = new Map<FunctionCall, string>();
  walk(body, '', found);
  return found;
}

/** `last` is the function that ran last before these statements; returns the one that ran last when they have ended. */
function walk(body: readonly Statement[], last: string, found: Map<FunctionCall, string>): string {
  let before = last;
  for (const node of body) {
    switch (node.kind) {
      case 'call-statement':
        if (node.call.kind === 'call') found.set(node.call, before);
        before = node.call.kind === 'call' ? node.call.name : '';
        break;
      case 'if': {
        const tested = lastCall(node.condition);
        walk(node.body, tested, found);
        // After the `if`, the error code is that of its condition, as when the condition was false.
        before = node.otherwise === undefined ? tested : walk(node.otherwise, tested, found);
        break;
      }
      case 'while':
        before = lastCall(node.condition);
        walk(node.body, before, found);
        break;
      case 'switch':
        for (const each of node.cases) walk(each.body, '', found);
        before = '';
        break;
      case 'for':
        walk(node.body, '', found);
        before = '';
        break;
      default:
        before = '';
    }
  }
  return before;
}

/** The function that an expression calls last: in its right operand, if that has a call. */
function lastCall(condition: Expression): string {
  let last = '';
  for (const each of within(condition)) {
    if (each.kind === 'call') last = each.name;
    else if (each.kind === 'route' || each.kind === 'assign-expression') last = '';
  }
  return last;
}
