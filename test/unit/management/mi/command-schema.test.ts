import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileSchema } from '../../../../src/config/schema.js';
import { MiError } from '../../../../src/management/mi/command.js';
import { schemaFile } from '../../../../src/management/mi/command-schema.js';
import { matchParameters } from '../../../../src/management/mi/parameters.js';
import { currentMiSchemas, miCommands, publishedMiSchemas } from '../../../support/mi-schema-files.js';

test('schemas/mi has one schema for each command, as generated from the table (npm run docs)', () => {
  const published = publishedMiSchemas();
  const current = currentMiSchemas();
  assert.deepEqual([...published.keys()].sort(), [...current.keys()].sort());
  for (const [name, schema] of current) assert.deepEqual(published.get(name), schema, name);
});

for (const command of miCommands()) {
  test(`the schema of ${command.name} accepts the parameters that the command accepts`, () => {
    const schema = compileSchema(`mi/${schemaFile(command).replace('.schema.json', '')}`);
    const accepts = (params: unknown) =>
      schema.accepts({ jsonrpc: '2.0', id: 1, method: command.name, ...(params === undefined ? {} : { params }) });
    const matches = (params: unknown): boolean => {
      try {
        matchParameters(command, params);
        return true;
      } catch (error) {
        if (error instanceof MiError) return false;
        throw error;
      }
    };
    const names = [...new Set([...command.paramLists.flat(), ...(command.extraParams ?? [])].map((spec) => spec.name))];
    const value = fc.oneof(
      fc.constantFrom<unknown>('', 'x', '7', ' -3 ', '5.5', 1, 5.5, -1, true, null, [], ['a'], {}, { a: 1 }),
    );
    const params = fc.oneof(
      fc.constant(undefined),
      fc.array(value, { maxLength: 6 }),
      fc.dictionary(fc.constantFrom(...names, 'foo'), value, { maxKeys: 8 }),
    );
    fc.assert(
      fc.property(params, (given) => assert.equal(accepts(given), matches(given), JSON.stringify(given))),
      { numRuns: 300 },
    );
    assert.equal(schema.accepts({ jsonrpc: '2.0', method: 'nosuch', params: {} }), false);
    assert.equal(schema.accepts({ method: command.name }), false);
  });
}
