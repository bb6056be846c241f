import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
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
  // Records of several workers are in order up to the time it takes to report them.
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
