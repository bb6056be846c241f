import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { builtValidators, digestOf } from '../../../src/config/built-validators.js';
import { compileSchema, validatorsSource } from '../../../src/config/schema.js';

interface Validators {
  readonly digest: string;
  readonly settings: ((value: unknown) => boolean) & { errors?: readonly { instancePath: string }[] | null };
}

/** The module of this source. */
function evaluated(source: string): Validators {
  const module = { exports: {} };
  const require = createRequire(import.meta.resolve('../../../src/config/schema.js'));
  new Function('module', 'exports', 'require', source)(module, module.exports, require);
  return module.exports as Validators;
}

describe('validators compiled by the build', () => {
  const samples = [{}, { listen: 5 }, { listen: ['udp:127.0.0.1:5060'], limits: { gather_ms: 'x' }, nonsense: 1 }];

  test('find the faults that validators compiled at the start find', () => {
    const { settings } = evaluated(validatorsSource(true));
    for (const sample of samples) {
      settings(sample);
      const expected = compileSchema('settings').faults(sample);
      const found = new Set((settings.errors ?? []).map((each) => each.instancePath));
      for (const { pointer } of expected) assert.ok([...found].some((path) => pointer.startsWith(path)));
      assert.equal(settings(sample), expected.length === 0);
    }
  });

  test('those that stop at the first fault accept the same values', () => {
    const { settings } = evaluated(validatorsSource(false));
    for (const sample of samples) assert.equal(settings(sample), compileSchema('settings').accepts(sample));
  });

  test('are left out where the build made none, and hold for their schemas only', () => {
    assert.equal(builtValidators(true, () => '').size, 0);
    assert.notEqual(digestOf([{ type: 'object' }]), digestOf([{ type: 'array' }]));
  });
});
