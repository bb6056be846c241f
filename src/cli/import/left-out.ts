import type { Statement } from '../../cfg/ast.js';
import { expressionText } from './expression-text.js';
import { ARMS, isBuiltIn, isLog, SELECTS } from './functions.js';
import type { Ledger } from './ledger.js';

const MAX_DEPTH = 32;

/**
 * Reports the contents of these statements as not imported, each with its line; `under`: what contains them. Log lines
 * and what the proxy does itself are skipped, and so are selections, which are reported with their own reasons.
 */
export function leaveBelow(statements: readonly Statement[], under: string, ledger: Ledger, depth = 0): void {
  if (depth > MAX_DEPTH) return;
  const leave = (statement: Statement, what: string): void =>
    ledger.leave(statement.at, `${what} is not carried over: it depends on ${under}`);
  const inner = (bodies: readonly Statement[], what: string): void => leaveBelow(bodies, what, ledger, depth + 1);
  for (const statement of statements) {
    switch (statement.kind) {
      case 'assign':
        leave(statement, `the assignment to ${statement.target.text}`);
        break;
      case 'call-statement': {
        const { call } = statement;
        if (call.kind === 'call' && (isLog(call.name) || isBuiltIn(call.name) || ARMS.test(call.name))) break;
        if (call.kind === 'call' && SELECTS.test(call.name)) break;
        leave(statement, expressionText(call));
        break;
      }
      case 'if': {
        const what = `"if (${expressionText(statement.condition)})"`;
        inner([...statement.body, ...(statement.otherwise ?? [])], what);
        break;
      }
      case 'while':
      case 'for':
        inner(statement.body, `"${statement.kind}"`);
        break;
      case 'switch':
        inner(
          statement.cases.flatMap(({ body }) => body),
          '"switch"',
        );
        break;
      case 'async':
      case 'launch':
        leave(statement, statement.kind);
        break;
      default:
        leave(statement, `"${statement.kind}"`);
    }
  }
}
