import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('{nameaddr.N.param} reads a parameter of one address of a list, {nameaddr.param} of the first', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    script: `
      $var(s) = "\\"N, M\\" <sip:a@x>;p=1, B <sip:b@y>;q=2";
      xlog("$(var(s){nameaddr.param,p}) $(var(s){nameaddr.param,q})\\n");
      xlog("$(var(s){nameaddr.1.param,q}) $(var(s){nameaddr.7.param,q})\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1 <null>', '2 <null>']);
});
