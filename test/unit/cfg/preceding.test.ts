import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Expression, FunctionCall, Position, Statement } from '../../../src/cfg/ast.js';
import { precedingCalls } from '../../../src/cfg/compile/preceding.js';

const at: Position = { file: 'a.cfg', line: 1, column: 1 };
const call = (name: string): FunctionCall => ({ kind: 'call', name, args: [], at });
const run = (name: string): Statement => ({ kind: 'call-statement', call: call(name), at }) as Statement;
const when = (condition: Expression, ...body: Statement[]): Statement =>
  ({ kind: 'if', condition, body, otherwise: undefined, at }) as Statement;
const not = (operand: Expression): Expression => ({ kind: 'unary', operator: '!', operand, at }) as Expression;
const and = (left: Expression, right: Expression): Expression =>
  ({ kind: 'binary', operator: '&&', left, right, at }) as Expression;

/** The last statement before the call of "reply". */
function before(...body: Statement[]): string | undefined {
  for (const [node, last] of precedingCalls(body)) if (node.name === 'reply') return last;
  return undefined;
}

test('the last function is that of the condition, until another statement runs', () => {
  assert.equal(before(when(not(call('relay')), run('reply'))), 'relay');
  assert.equal(before(when(not(call('relay')), run('log'), run('reply'))), 'log');
  assert.equal(before(run('relay'), run('reply')), 'relay');
  assert.equal(before(when(call('relay'), run('log')), run('reply')), 'relay');
  assert.equal(before(when(and(not(call('relay')), call('is')), run('reply'))), 'is');
  assert.equal(before(when(not(call('relay')), when(call('is'), run('reply')))), 'is');
  assert.equal(before(run('reply')), '');
});
