import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, startScript } from '../../support/script-run.js';

test('parameters of a Contact that are named pass a hidden call, others do not', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog topology_hiding',
    head: 'modparam("topology_hiding", "th_passed_contact_uri_params", "line; ob;transport")',
    script: 'topology_hiding("U"); $du = "sip:127.0.0.1:7001"; t_relay();',
    clock: new FakeClock(),
  });
  try {
    runner.receive(
      INVITE.replace('<sip:alice@127.0.0.1:5070>', '<sip:alice@10.0.0.9;line=a%3b2;secret=1;ob;transport=tcp>;+sip.x'),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    assert.match(sent, /Contact: <sip:alice@127\.0\.0\.1(?::5060)?;line=a%3b2;ob;did=[0-9a-f.]+>;\+sip\.x\r\n/);
    assert.match(sent, /Call-ID: a@a\.example\r\n/);
  } finally {
    await runner.stop();
  }
});

test('a flag that is not known is refused at load', () => {
  const script = (flags: string) => ({
    dialect: 'opensips' as const,
    modules: 'dialog topology_hiding',
    script: `topology_hiding("${flags}");`,
  });
  assert.throws(() => startScript(script('UX')), /flag "X" is not known/);
});
