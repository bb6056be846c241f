import type { Expression, FunctionCall, Statement } from '../ast.js';
import { within } from '../visit.js';

/**
 * The name of the function that has run last before each call, for calls that are statements. "" where something else was done in between: an assignment,
 * a call of a route, another `if`. What Kamailio answers for the error of a function is lost with the next action.
 */
export function precedingCalls(body: readonly Statement[]): ReadonlyMap<FunctionCall, string> {
  const found = new Map<FunctionCall, string>();
  walk(body, '', found);
  return found;
}

/** `last` is what ran last before these statements; returns what ran last when they have ended. */
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
        // What follows both blocks answers for the condition that failed.
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

/** The call that an expression makes last: that of its right-hand side, where there is one. */
function lastCall(condition: Expression): string {
  let last = '';
  for (const each of within(condition)) {
    if (each.kind === 'call') last = each.name;
    else if (each.kind === 'route' || each.kind === 'assign-expression') last = '';
  }
  return last;
}
