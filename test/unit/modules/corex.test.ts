import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

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

test('$Rn is the name of the socket that set_recv_socket() has named', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'corex',
    head: 'listen=udp:127.0.0.1:5062 name "second"\n',
    script: `request_route {
  xlog("$Rn\n"); set_recv_socket("udp:127.0.0.1:5062"); xlog("$Rn\n"); set_recv_socket("x"); xlog("$Rn\n");
}
`,
  });
  assert.deepEqual(lines, ['<null>', 'second', 'second']);
});

test('set_send_socket() without an address or a port fails, with an unknown socket it does not', async () => {
  for (const [text, code] of [
    ['', '-1'],
    ['udp:', '-1'],
    ['udp:127.0.0.1:', '-1'],
    ['udp:192.0.2.9:9', '1'],
  ]) {
    const script = `request_route { set_send_socket("${text}"); xlog("$rc\\n"); }`;
    assert.deepEqual(await linesOf({ dialect: 'kamailio', modules: 'corex', script }), [code], text);
  }
});
