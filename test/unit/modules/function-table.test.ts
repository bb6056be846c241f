import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentRange, type FunctionDefinition } from '../../../src/cfg/function-table.js';
import { scriptFunctions } from '../../../src/modules/all.js';
import type { MessageRun } from '../../../src/script/call.js';

type Definition = FunctionDefinition<MessageRun>;

/**
 * Whether one of two definitions can never be found: a module has both for the same dialect, generation and number of
 * arguments.
 */
function clash(one: Definition, other: Definition): boolean {
  const modules = new Set(one.module.split('|'));
  const [[min, max], [otherMin, otherMax]] = [argumentRange(one.parameters), argumentRange(other.parameters)];
  return (
    one.name === other.name &&
    one.until === other.until &&
    one.dialects.some((dialect) => other.dialects.includes(dialect)) &&
    other.module.split('|').some((module) => modules.has(module)) &&
    min <= otherMax &&
    otherMin <= max
  );
}

test('a module defines a function only once for each number of arguments', () => {
  const byName = new Map<string, Definition[]>();
  for (const each of scriptFunctions().all) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);
  const clashes = [...byName.values()].flatMap((same) =>
    same.filter((one, i) => same.slice(i + 1).some((other) => clash(one, other))).map(({ name }) => name),
  );
  assert.deepEqual(clashes, []);
});
