import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('files of OpenSIPS 1.x and 2.x choose the sending socket with $fs; an unknown one changes nothing', async () => {
  const { receive, lines, sent, stop } = startScript({
    dialect: 'opensips',
    old: true,
    head: 'listen=udp:127.0.0.1:5070\n',
    script: `xlog("$fs\\n"); $fs = "udp:127.0.0.1:5070"; xlog("$fs\\n"); $fs = "udp:127.0.0.1:9"; xlog("$fs\\n");
      $du = "sip:127.0.0.2:7000"; t_relay();`,
  });
  try {
    receive(INVITE);
    assert.deepEqual(lines, ['<null>', 'udp:127.0.0.1:5070', 'udp:127.0.0.1:5070']);
    const invite = sent.find(({ text }) => text.startsWith('INVITE'));
    assert.match(invite?.text ?? '', /^Via: SIP\/2\.0\/UDP 127\.0\.0\.1:5070;/m);
  } finally {
    await stop();
  }
});
