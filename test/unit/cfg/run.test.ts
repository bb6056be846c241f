import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cfg } from '../../support/cfg-script.js';

test('an opensips script runs through its statements', () => {
  const { log } = cfg(
    'opensips',
    '$var(i)=0; while ($var(i)<3) { $var(i)+=1; if ($var(i)==2) break; xlog("i=$var(i)\\n"); }',
  ).run();
  assert.deepEqual(log, ['i=1']);
});

test('a kamailio script runs through its statements', () => {
  const { log } = cfg('kamailio', '$var(i) = 1 + 2 * 3; xlog("L_INFO", "i=$var(i)\\n");').run();
  assert.deepEqual(log, ['i=7']);
});
