import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  compileSchema,
  defaultOf,
  type JsonSchema,
  readSchema,
  schemaNames,
  withDefaults,
} from '../../../src/config/schema.js';

const OURS = ['settings', 'partition', 'modparam', 'routing-rule', 'destination'];

function* properties(schema: JsonSchema, path = ''): Generator<[string, JsonSchema]> {
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    yield [`${path}/${key}`, property];
    yield* properties(property, `${path}/${key}`);
    if (property.items) yield* properties(property.items, `${path}/${key}/items`);
  }
}

describe('schemas', () => {
  test('compile in strict mode, have an $id and describe every key', () => {
    for (const name of OURS) {
      assert.equal(typeof compileSchema(name).accepts({}), 'boolean');
      assert.match(readSchema(name).$id ?? '', new RegExp(`/${name}\\.schema\\.json$`));
      for (const [path, property] of properties(readSchema(name))) {
        assert.ok((property.description ?? '').length > 5, `${name}${path} has no description`);
      }
    }
  });

  test('all schemas are JSON Schemas of 2020-12', () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    ajv.addVocabulary(['x-expected']);
    for (const name of schemaNames()) {
      const { $schema } = readSchema(name) as { $schema?: string };
      assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema', name);
      assert.equal(ajv.validateSchema(readSchema(name)), true, `${name}: ${ajv.errorsText()}`);
    }
  });

  test('every schema accepts its own defaults', () => {
    assert.deepEqual(compileSchema('settings').faults(withDefaults('settings', {})), []);
    const modparam = withDefaults('modparam', {});
    assert.deepEqual(compileSchema('modparam').faults(modparam), []);
    const rule = withDefaults('routing-rule', { select: { set: 1 } });
    assert.deepEqual(compileSchema('routing-rule').faults(rule), []);
    const row = withDefaults('destination', { setid: 1, destination: 'sip:h' });
    assert.ok(compileSchema('destination').accepts(row));
  });

  test('have the documented defaults of the module', () => {
    const documented: Record<string, unknown> = {
      ds_ping_method: 'OPTIONS',
      ds_ping_from: 'sip:dispatcher@localhost',
      ds_ping_interval: 0,
      ds_probing_mode: 0,
      persistent_state: 1,
      setid_col: 'setid',
      destination_col: 'destination',
      state_col: 'state',
      weight_col: 'weight',
      priority_col: 'priority',
      attrs_col: 'attrs',
      socket_col: 'socket',
    };
    for (const [key, value] of Object.entries(documented)) assert.equal(defaultOf('modparam', key), value, key);
    assert.equal(defaultOf('partition', 'table_name'), 'dispatcher');
    assert.equal(defaultOf('settings', 'tm', 't1'), 500);
  });

  test('report every fault with the key that was meant', () => {
    const faults = compileSchema('settings').faults({
      lisetn: [],
      log: { level: 'inf' },
      tm: { t1: 0, auto_100: 'yes' },
      mi: { fifo: {} },
      routing: [{ match: { rd: 'x' } }],
    });
    const by = (pointer: string) => faults.find((fault) => fault.pointer === pointer);
    assert.equal(by('/lisetn')?.suggestion, 'listen');
    assert.equal(by('/log/level')?.suggestion, 'info');
    assert.equal(by('/tm/t1')?.reason, 'must be at least 1');
    assert.equal(by('/tm/auto_100')?.reason, 'must be true or false, not a string');
    assert.equal(by('/mi/fifo')?.reason, 'key "fifo_name" is missing');
    assert.match(by('/routing/0/match/rd')?.reason ?? '', /bad key "rd": expected a pseudo-variable/);
    assert.equal(faults.length, 6);
  });

  test('schemas within folders are found by their path', () => {
    for (const name of schemaNames()) assert.equal(typeof compileSchema(name).accepts({}), 'boolean', name);
  });

  test('a schema that does not exist is an error with its name', () => {
    assert.throws(() => compileSchema('nothing'), /schema "nothing" cannot be read/);
  });

  test('check types and bounds of destination rows', () => {
    const { accepts } = compileSchema('destination');
    assert.ok(accepts({ setid: '3', destination: 'sip:h', weight: '50', state: 2, attrs: null }));
    assert.ok(!accepts({ setid: -1, destination: 'sip:h' }));
    assert.ok(!accepts({ setid: 1, destination: 'sip:h', state: 3 }));
    assert.ok(!accepts({ setid: 1, destination: 'sip:h\r\nX: y' }));
    assert.ok(!accepts({ setid: 1 }));
  });
});
