import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('in opensips.cfg text that is not a number has no hexadecimal and no decimal form', async () => {
  const shown = (text: string): string => `$var(s) = "${text}"; xlog("$(var(s){s.dec2hex}) $(var(s){s.hex2dec})\\n");`;
  const script = `${['10', '-1', 'abc', '12x', ''].map(shown).join('\n')} $var(i) = 255; xlog("$(var(i){s.dec2hex})\\n"); xlog("end\\n");`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', script }), [
    'a 16',
    'ffffffff <null>',
    '<null> 2748',
    '<null> <null>',
    '<null> <null>',
    'ff',
  ]);
});
