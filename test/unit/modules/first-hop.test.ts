import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** What is_first_hop() says of a reply with the given Record-Route line. */
async function ofReply(recordRoute: string, advertised = ''): Promise<string> {
  const runner = startScript({
    dialect: 'kamailio',
    head: `listen=udp:127.0.0.1:5090${advertised}\n`,
    script: `request_route { $du = "sip:127.0.0.1:7001"; t_on_reply("R"); t_relay(); }
      onreply_route[R] { if (is_first_hop()) { xinfo("first\\n"); } else { xinfo("later\\n"); } }`,
  });
  try {
    runner.receive(INVITE);
    await until('an INVITE', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
    const request = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    const headers = recordRoute === '' ? [] : [`Record-Route: ${recordRoute}`];
    runner.receive(answerTo(request, '200 OK', { tag: 'gw', headers }), 7001);
    await until('a line', () => runner.lines.length > 0);
    return runner.lines[0] ?? '';
  } finally {
    await runner.stop();
  }
}

for (const [recordRoute, expected] of [
  ['', 'first'],
  ['<sip:127.0.0.1:5090;lr;ftag=ft>', 'first'],
  ['<sip:127.0.0.1;lr>', 'first'],
  ['<sips:127.0.0.1:5090;lr>', 'first'],
  ['<sip:127.0.0.1:5090;lr>, <sip:192.0.2.9;lr>', 'first'],
  ['<sip:192.0.2.9;lr>, <sip:127.0.0.1:5090;lr>', 'later'],
  ['<sip:127.0.0.1:7001;lr>', 'later'],
  ['<sip:127.0.0.1:5090;lr;transport=tcp>', 'later'],
  ['<sip:sw.example;lr>', 'later'],
  ['sip:127.0.0.1:5090', 'later'],
  ['bad', 'later'],
] as const)
  test(`a reply with Record-Route "${recordRoute}": ${expected}`, async () => {
    assert.equal(await ofReply(recordRoute), expected);
  });

test('a Record-Route with the advertised address is of the first hop, with or without its port', async () => {
  for (const host of ['198.51.100.7:5080', '198.51.100.7', '127.0.0.1:5090'])
    assert.equal(await ofReply(`<sip:${host};lr>`, ' advertise 198.51.100.7:5080'), 'first', host);
  assert.equal(await ofReply('<sip:198.51.100.7:5090;lr>', ' advertise 198.51.100.7:5080'), 'later');
});
