import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingLog } from '../../support/recording-log.js';
import { INVITE, startScript } from '../../support/script-run.js';

test('for a thousand sources that pike blocks ten lines are logged', async () => {
  const { log, lines } = recordingLog();
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'pike',
    head: 'modparam("pike", "reqs_density_per_unit", 1)',
    script: `$var(n) = $(ci{s.select,0,@}{s.int}); $var(a) = $var(n) / 250; $var(b) = $var(n) mod 250; $var(i) = 0;
      while ($var(i) < 5) { pike_check_ip("10.1.$var(a).$var(b)"); $var(i) = $var(i) + 1; } exit;`,
    log,
  });
  try {
    for (let i = 0; i < 1000; i++) runner.receive(INVITE.replace('z9hG4bK1', `z9hG4bKx${i}`).replace('a@', `${i}@`));
    const blocked = lines.filter(({ message }) => message === 'script: pike blocks a source');
    assert.equal(blocked.length, 10);
  } finally {
    await runner.stop();
  }
});
