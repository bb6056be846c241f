import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/** Results of conditions for an INVITE to sip:bob@sw.example from 127.0.0.1, recorded from Kamailio 5.6.3. */
const CONDITIONS: readonly (readonly [condition: string, holds: boolean])[] = [
  ['!uri == myself', true],
  ['not uri == myself', true],
  ['!src_ip == 127.0.0.1', false],
  ['!method == "INVITE"', false],
  ['!method == "BYE"', true],
  ['!uri =~ "sw.example"', false],
  ['!proto == TCP', true],
  ['!src_port == 5060 && method == "INVITE"', true],
  ['!$var(x) == 1', true],
];

test('"!" negates the whole of a comparison that begins with a word of the core', async () => {
  const script = CONDITIONS.map(([condition], i) => `if (${condition}) xlog("${i}\\n");`).join('\n');
  assert.deepEqual(
    await linesOf({ dialect: 'kamailio', script: `${script}\nxlog("end\\n");` }),
    CONDITIONS.flatMap(([, holds], i) => (holds ? [String(i)] : [])),
  );
});
