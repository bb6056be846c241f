import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

interface Entry {
  readonly call_id: string;
  readonly code: number;
  readonly [key: string]: unknown;
}

test('calls of a cfg file have records, figures by destination and counters, as those of rules', async () => {
  const [one, two] = [
    await startGateway({ host: '127.0.0.61', name: 'one' }),
    await startGateway({ host: '127.0.0.62', name: 'two' }),
  ];
  const caller = await startCaller({ host: '127.0.0.63' });
  const daemon = await startCfgDaemon({
    prepare: (folder) => writeFileSync(join(folder, 'dispatcher.list'), `1 ${one.uri} 0 10\n1 ${two.uri} 0 5\n`),
    text: `#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "flags", 2)
request_route {
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if ($rU == "no") { sl_send_reply("403", "Not You"); exit; }
  record_route();
  if (!ds_select_dst("1", "8")) { sl_send_reply("503", "None"); exit; }
  t_on_failure("F");
  t_relay();
}
failure_route[F] { if (t_is_canceled()) exit; if (ds_next_dst()) { t_on_failure("F"); t_relay(); } }
`,
  });
  open.push(
    () => one.kill(),
    () => two.kill(),
    () => caller.stop(),
    () => daemon.stop(),
  );
  one.answer = (request) => (request.method === 'INVITE' ? 503 : 200);
  const call = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, holdMs: 50 });
  assert.equal(call.gateway, 'two');
  const refused = await caller.placeCall({ ruri: 'sip:no@example.com', proxy: daemon.proxy });
  assert.equal(refused.status, 403);
  one.answer = () => ({ status: 200, ringMs: 2000 });
  const cancelled = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, cancelOn: 180 });
  assert.equal(cancelled.status, 487);
  const entries = async (): Promise<Entry[]> => {
    const answer = JSON.parse(JSON.stringify(await daemon.daemon.mi.execute('calls_list'))) as Record<string, unknown>;
    return Object.values(answer).find(Array.isArray) as Entry[];
  };
  await until('three records', async () => (await entries()).length === 3, { show: entries });
  const text = JSON.stringify(await entries());
  // Records of several workers are ordered except for the time that their reports take.
  const [first, second, third] = [...(await entries())].sort((a, b) => Number(a.code) - Number(b.code));
  assert.deepEqual([first?.code, second?.code, third?.code], [200, 403, 487], text);
  assert.match(JSON.stringify(first), new RegExp(`${one.uri}.*503.*${two.uri}.*200`));
  assert.match(JSON.stringify(first), /caller/, 'who hung up');
  assert.match(JSON.stringify(first), /"partition":"default"/);
  assert.match(JSON.stringify(second), /Not You/);
  const stats = JSON.parse(
    JSON.stringify(
      await daemon.daemon.mi.execute('get_statistics', {
        statistics: ['failovers', 'cancels', 'received_requests', '2xx_transactions', '4xx_transactions'],
      }),
    ),
  ) as Record<string, number>;
  assert.deepEqual(stats, {
    'dispatcher:failovers': 1,
    'dispatcher:cancels': 1,
    'tm:received_requests': 4,
    'tm:2xx_transactions': 2,
    'tm:4xx_transactions': 2,
  });
});

test('the record of a call of a cfg file names the cause for which its target was not reached', async () => {
  const silent = await startGateway({ host: '127.0.0.64', name: 'silent', answer: () => 'silent' });
  const caller = await startCaller({ host: '127.0.0.65' });
  const daemon = await startCfgDaemon({
    text: `
socket=LISTEN
socket=tcp:127.0.0.1:${await freePort()}
loadmodule "proto_udp.so"
loadmodule "proto_tcp.so"
loadmodule "tm.so"
modparam("tm", "fr_timeout", 1)
route {
  if ($rU == "refused") $du = "sip:127.0.0.1:${await freePort()};transport=tcp";
  else $du = "${silent.uri}";
  t_relay();
}
`,
  });
  open.push(
    () => silent.kill(),
    () => caller.stop(),
    () => daemon.stop(),
  );
  const causeOf = async (user: string): Promise<unknown> => {
    const { callId } = await caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: daemon.proxy });
    const entries = async (): Promise<Entry[]> => {
      const answer = await daemon.daemon.mi.execute('calls_list', { call_id: callId });
      return (JSON.parse(JSON.stringify(answer)) as { Calls: Entry[] }).Calls;
    };
    await until('its record', async () => (await entries()).length === 1, { show: entries });
    const tries = (await entries())[0]?.['tries'] as { code: number; local?: boolean; cause?: string }[];
    return tries.map(({ code, local, cause }) => [code, local, cause]);
  };
  assert.deepEqual(await causeOf('refused'), [[477, true, 'refused']]);
  assert.deepEqual(await causeOf('silent'), [[408, true, 'timeout']]);
});
