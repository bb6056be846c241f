import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

/** The address that a request to sip:bob@127.0.0.1:5071 is sent to. */
async function sentTo(script: string): Promise<string> {
  const { receive, sent, stop } = startScript({ dialect: 'kamailio', script: `${script}; exit;` });
  try {
    receive(INVITE.replace('sip:bob@sw.example', 'sip:bob@127.0.0.1:5071'));
    return sent.map(({ address, port }) => `${address}:${port}`).join(' ');
  } finally {
    await stop();
  }
}

test('each form of forward() sends to the same address as 5.6.3', async () => {
  const expected: readonly (readonly [script: string, to: string])[] = [
    ['forward()', '127.0.0.1:5071'],
    ['forward("127.0.0.1")', '127.0.0.1:5060'],
    ['forward("127.0.0.1", 5072)', '127.0.0.1:5072'],
    ['forward(127.0.0.1, 5072)', '127.0.0.1:5072'],
    ['forward(uri:host, uri:port)', '127.0.0.1:5071'],
    ['forward(uri:host)', '127.0.0.1:5060'],
    ['forward(uri:host, 5072)', '127.0.0.1:5072'],
    ['forward_udp(127.0.0.1, 5072)', '127.0.0.1:5072'],
    ['forward_udp(uri:host, uri:port)', '127.0.0.1:5071'],
    ['$du = "sip:127.0.0.1:5073"; forward()', '127.0.0.1:5073'],
    ['$du = "sip:127.0.0.1:5073"; forward(uri:host, uri:port)', '127.0.0.1:5073'],
    ['$du = "sip:127.0.0.1:5073"; forward(uri:host, 5072)', '127.0.0.1:5072'],
    ['$du = "sip:127.0.0.1:5073"; forward(127.0.0.1, 5072)', '127.0.0.1:5072'],
    ['$ru = "sip:x@127.0.0.1"; forward(uri:host, uri:port)', '127.0.0.1:5060'],
    ['forward_tcp(127.0.0.1, 5072)', ''],
  ];
  for (const [script, to] of expected) assert.equal(await sentTo(script), to, script);
});

test('a port that is neither a number nor uri:port is refused', async () => {
  await assert.rejects(linesOf({ dialect: 'kamailio', script: 'forward(127.0.0.1, "x");' }), /a number or uri:port/);
});

test('a name under "invalid" or "example" is refused at load; one under "test", which a hosts file may have, is not', async () => {
  for (const host of ['gw.invalid', 'gw.example'])
    await assert.rejects(linesOf({ dialect: 'kamailio', script: `forward(${host}, 5072);` }), /the host must be/, host);
  await assert.doesNotReject(linesOf({ dialect: 'kamailio', script: 'if (is_method("X")) forward(gw.test, 5072);' }));
});
