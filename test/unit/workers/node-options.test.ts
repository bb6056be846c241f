import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeOptions } from '../../../src/workers/pool.js';

test('a worker inherits the loader and memory options of the daemon, not those of the test runner and the debugger', () => {
  assert.deepEqual(
    nodeOptions([
      '--import',
      'tsx',
      '--test',
      '--test-name-pattern',
      'round robin',
      '--require=./a.cjs',
      '--inspect=9229',
      '--max-old-space-size=512',
      '-C',
      'development',
      '--cpu-prof',
    ]),
    ['--import', 'tsx', '--require=./a.cjs', '--max-old-space-size=512', '-C', 'development'],
  );
  assert.deepEqual(nodeOptions([]), []);
});
