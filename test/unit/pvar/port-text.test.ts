import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('in opensips.cfg a port is written unchanged, like a host: text that is not a port makes the URI invalid', async () => {
  const shown = (value: string): string => `$ru = "sip:bob@x.example:5070"; $rp = ${value}; xlog("[$ru] [$rp]\\n");`;
  const script = `${['"5098"', '"abc"', '""', '0', 'NULL'].map(shown).join('\n')} xlog("end\\n");`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', script }), [
    '[sip:bob@x.example:5098] [5098]',
    '[<null>] [<null>]',
    '[sip:bob@x.example] [5060]',
    '[sip:bob@x.example:0] [0]',
    '[sip:bob@x.example] [5060]',
  ]);
});
