import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

test('programs get the events of modules and of raise_event() to which they or the script subscribe', async () => {
  const socket = await bound();
  const target = `udp:127.0.0.1:${(socket.address() as AddressInfo).port}`;
  const { daemon, receive, lines, stop } = startScript({
    dialect: 'opensips',
    modules: 'pike',
    head: 'modparam("pike", "reqs_density_per_unit", 1)',
    script: `route { subscribe_event("E_PIKE_BLOCKED", "${target}", 60); subscribe_event("E_NONE", "${target}"); xlog("$rc\\n");
        $avp(n) = "who"; $avp(v) = $fU; if ($ci =~ "^b") raise_event("E_OURS", $avp(n), $avp(v)); pike_check_req(); }
      event_route[E_PIKE_BLOCKED] { xlog("route $param(ip)\\n"); }`,
  });
  const got: string[] = [];
  socket.on('message', (message) => got.push(message.toString()));
  try {
    await daemon.mi.execute('event_subscribe', { event: 'E_OURS', socket: target, expire: 60 });
    for (const id of [...'abcdefghij'])
      receive(INVITE.replace('Call-ID: a@', `Call-ID: ${id}@`).replace('z9hG4bK1', `z9hG4bK${id}`));
    while (got.length < 2) await once(socket, 'message');
    assert.deepEqual(
      got.map((each) => JSON.parse(each)).sort((a, b) => a.method.localeCompare(b.method)),
      [
        { jsonrpc: '2.0', method: 'E_OURS', params: { who: 'alice' } },
        { jsonrpc: '2.0', method: 'E_PIKE_BLOCKED', params: { ip: '127.0.0.1' } },
      ],
    );
    assert.deepEqual([...new Set(lines)].sort(), ['-1', 'route 127.0.0.1']);
    const { Events } = (await daemon.mi.execute('events_list', {})) as { Events: { name: string }[] };
    assert.deepEqual(
      Events.map(({ name }) => name).filter((name) => /PIKE|OURS/.test(name)),
      ['E_PIKE_BLOCKED', 'E_OURS'],
    );
    await assert.rejects(async () =>
      daemon.mi.execute('event_subscribe', { event: 'E_LOAD_BALANCER_STATUS', socket: target }),
    );
  } finally {
    socket.close();
    await stop();
  }
});

test('programs can subscribe to the changes of status that sr_set_status() raises', async () => {
  const socket = await bound();
  const target = `udp:127.0.0.1:${(socket.address() as AddressInfo).port}`;
  const { daemon, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'status_report',
    head: 'modparam("status_report", "script_sr_group", "fetch")',
    script: 'route { sr_set_status("fetch", -1, "no rows"); }',
  });
  try {
    const arrived = once(socket, 'message');
    await daemon.mi.execute('event_subscribe', { event: 'E_CORE_SR_STATUS_CHANGED', socket: target, expire: 60 });
    receive(INVITE);
    const [message] = await arrived;
    assert.deepEqual(JSON.parse(String(message)), {
      jsonrpc: '2.0',
      method: 'E_CORE_SR_STATUS_CHANGED',
      params: { group: 'fetch', identifier: 'main', status: -1, details: 'no rows', old_status: 1 },
    });
  } finally {
    socket.close();
    await stop();
  }
});
