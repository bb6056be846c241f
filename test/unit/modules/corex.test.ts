import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('functions of corex, ipops and tm return what they were recorded to return', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'corex ipops textopsx',
    script: `request_route {
  set_source_address("127.0.0.77:99"); xlog("$rc $si:$sp\\n");
  set_source_address("127.0.0.78"); xlog("$rc $si:$sp\\n");
  set_source_address("x"); xlog("$rc $si:$sp\\n");
  is_in_subnet("1.2.3.4", "1.2.3.4/33"); xlog("$rc\\n");
  is_in_subnet("1.2.3.4", "1.2.3.4/"); xlog("$rc\\n");
  is_in_subnet("2001:db8::1", "9.9.9.9, 2001:db8::/32"); xlog("$rc\\n");
  fnmatch("abc", "a[[:alpha:]]c"); xlog("$rc\\n");
  t_set_retr("-1", "2"); xlog("$rc\\n"); t_set_retr("100", "200"); xlog("$rc\\n");
}
`,
  });
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, [
      '1 127.0.0.77:99',
      '1 127.0.0.78:0',
      '-1 127.0.0.78:0',
      '-1',
      '-1',
      '1',
      '1',
      '-1',
      '1',
    ]);
  } finally {
    await runner.stop();
  }
});
