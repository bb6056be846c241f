import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('a name of this host is recognised with a final dot, in the alias or in the request', async () => {
  for (const [alias, host] of [
    ['sbc.example.com.', 'sbc.example.com'],
    ['sbc.example.com', 'SBC.example.com.'],
    ['sbc.example.com.', 'sbc.example.com.'],
  ]) {
    for (const [dialect, condition] of [
      ['opensips', 'is_myself("$rd")'],
      ['kamailio', 'uri == myself'],
    ] as const) {
      const runner = startScript({
        dialect,
        head: `alias="${alias}"`,
        script: `if (${condition}) { xlog("ours\\n"); } else { xlog("foreign\\n"); } exit;`,
      });
      runner.receive(INVITE.replace('sw.example', host as string));
      await runner.stop();
      assert.deepEqual(runner.lines, ['ours'], `${dialect}: ${alias}, ${host}`);
    }
  }
});
