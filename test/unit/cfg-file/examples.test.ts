import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { problemText } from '../../../src/cfg/problem.js';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

const EXAMPLES = resolve(import.meta.dirname, '../../../examples');

for (const name of readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((each) =>
  each.endsWith('.cfg'),
)) {
  test(`examples/${name} runs whole`, () => {
    const reading = readCfg(join(EXAMPLES, name), { runtimeFolder: tmpdir() });
    assert.deepEqual(reading.problems.filter(({ severity }) => severity === 'error').map(problemText), []);
    assert.equal(inventory(reading).verdict, 'runs whole');
  });
}
