import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('add_contact_alias() writes the alias into brackets with blanks, as recorded of Kamailio 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'nathelper textopsx',
    script: 'request_route { add_contact_alias("192.0.2.9", "5060", "udp"); msg_apply_changes(); xlog("$ct\\n"); }',
  });
  try {
    runner.receive(INVITE.replace(/Contact: [^\r]*/, 'Contact: < sip:a@b >'));
    assert.deepEqual(runner.lines, ['< sip:a@b;alias=192.0.2.9~5060~1 >']);
  } finally {
    await runner.stop();
  }
});
