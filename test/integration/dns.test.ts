import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { DnsServer } from '../support/dns-server.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { parsed, replyTo } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

describe('destinations by name, with a name server', () => {
  let dns: DnsServer;
  let daemon: DaemonProcess;
  let caller: Caller;
  let first: Gateway;
  let second: Gateway;
  let stream: Server;
  const streamed: string[] = [];

  before(async () => {
    first = await startGateway({ host: '127.0.0.61', name: 'first' });
    second = await startGateway({ host: '127.0.0.62', name: 'second' });
    caller = await startCaller({ host: '127.0.0.60' });
    stream = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const text = data.toString('latin1');
        streamed.push(text);
        if (!text.startsWith('ACK')) socket.write(replyTo(text, 486), 'latin1');
      });
    });
    await new Promise<void>((resolve) => stream.listen(0, '127.0.0.1', resolve));
    const { port } = stream.address() as { port: number };
    dns = await DnsServer.start({
      'SRV _sip._udp.pool.test': [
        [20, 0, second.port, 'b.pool.test'],
        [10, 0, first.port, 'a.pool.test'],
      ],
      'A a.pool.test': ['127.0.0.61'],
      'AAAA a.pool.test': ['2001:db8::61'],
      'A b.pool.test': ['127.0.0.62'],
      'NAPTR trunk.test': [
        [20, 10, 'SIP+D2U', '_sip._udp.pool.test'],
        [10, 10, 'SIPS+D2T', '_sips._tcp.trunk.test'],
        [10, 20, 'SIP+D2T', '_sip._tcp.trunk.test'],
      ],
      'SRV _sip._tcp.trunk.test': [[1, 1, port, 'tcp.trunk.test']],
      'A tcp.trunk.test': ['127.0.0.1'],
    });
    for (const name of ['slow.test', '_sip._udp.slow.test', '_sip._tcp.slow.test']) dns.silent.add(name);
    const rule = (user: string, set: number) => ({ match: { $rU: user }, select: { set, alg: 8, flags: 'f' } });
    daemon = await startDaemon({
      dns: dns.address,
      transports: ['udp', 'tcp'],
      destinations: [
        [1, 'sip:pool.test'],
        [2, 'sip:trunk.test'],
      ],
      settings: { tm: { fr_timeout: 1 }, routing: [rule('pool', 1), rule('trunk', 2), { match: { $rd: '*.test' } }] },
    });
    // The table is loaded when its names are resolved, perhaps after the first answer.
    for (let i = 0; i < 200; i++) {
      if ((await fetch(`${daemon.http}/health`)).status === 200) break;
      await sleep(50);
    }
  });

  beforeEach(() => {
    first.answer = () => 200;
    for (const gateway of [first, second]) gateway.requests.length = 0;
  });

  after(async () => {
    caller?.stop();
    first?.kill();
    second?.kill();
    await daemon?.stop();
    stream?.close();
    dns?.stop();
  });

  const call = (ruri: string) => caller.placeCall({ ruri, proxy: `sip:127.0.0.1:${daemon.port}` });

  test('SRV: the target of the lower priority is tried first, and the other after a 503 or silence', async () => {
    assert.equal((await call('sip:pool@x')).gateway, 'first');
    first.answer = () => 503;
    assert.equal((await call('sip:pool@x')).gateway, 'second');
    first.answer = () => 'silent';
    const result = await call('sip:pool@x');
    assert.deepEqual([result.status, result.gateway], [200, 'second']);
    first.answer = () => 486;
    assert.equal((await call('sip:pool@x')).status, 486, 'which speaks for all of them');
  });

  test('an answer is kept for its time to live, a failed lookup for a shorter time', async () => {
    await call('sip:pool@x');
    await call('sip:someone@unknown.test');
    const before = dns.asked.length;
    await call('sip:pool@x');
    assert.equal((await call('sip:someone@unknown.test')).status, 500);
    assert.deepEqual(dns.asked.slice(before), []);
  });

  test('NAPTR: of the transports that have a socket the preferred one is used', async () => {
    const result = await call('sip:trunk@x');
    assert.equal(result.status, 486);
    assert.equal(parsed(streamed[0] ?? '').via?.transport, 'TCP');
    assert.ok(dns.asked.includes('NAPTR trunk.test'));
    assert.ok(!dns.asked.includes('SRV _sips._tcp.trunk.test'), 'there is no TLS socket');
  });

  test('a silent name server delays the call that needs it by five seconds, and no other call', async () => {
    const began = performance.now();
    let ended = 0;
    const slow = call('sip:someone@slow.test').finally(() => {
      ended = performance.now();
    });
    assert.equal((await call('sip:pool@x')).gateway, 'first');
    assert.equal(ended, 0, 'the other one is still waiting');
    assert.equal((await slow).status, 500);
    assert.ok(ended - began >= 4900, `${ended - began}`);
  });
});

describe('each address of a name as a destination of its own (expand_names, ds_dns_mode)', () => {
  test('SRV targets are listed, follow the DNS, and keep their states', async (t) => {
    const dns = await DnsServer.start({
      'SRV _sip._udp.pool.test': [
        [10, 0, 5071, 'a.pool.test'],
        [20, 0, 5072, 'b.pool.test'],
      ],
      'A a.pool.test': ['127.0.0.61'],
      'A b.pool.test': ['127.0.0.62', '127.0.0.63'],
    });
    dns.ttl = 1;
    t.after(() => dns.stop());
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-dns-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'list'), '1 sip:pool.test 0 0 duid=x\n');
    const daemon = await startDaemon({
      dns: dns.address,
      destinations: [],
      settings: {
        modparam: {
          list_file: join(folder, 'list'),
          expand_names: 1,
          ds_dns_mode: 12,
          ds_dns_interval: 1,
          ds_ping_interval: 0,
        },
      },
    });
    t.after(() => daemon.stop());
    const listed = async (): Promise<Record<string, string>> => {
      const answer = (await daemon.mi('ds_list')) as {
        PARTITIONS: { SETS: { Destinations: { URI: string; state: string }[] }[] }[];
      };
      const all = answer.PARTITIONS.flatMap(({ SETS }) => SETS.flatMap(({ Destinations }) => Destinations));
      return Object.fromEntries(all.map(({ URI, state }) => [URI, state]));
    };
    const listing = async (count: number): Promise<Record<string, string>> => {
      let found: Record<string, string> = {};
      const complete = async () => Object.keys((found = await listed())).length === count;
      await until(`${count} destinations`, complete, { show: () => found });
      return found;
    };
    const first = await listing(3);
    assert.deepEqual(first, {
      'sip:127.0.0.61:5071': 'Active',
      'sip:127.0.0.62:5072': 'Active',
      'sip:127.0.0.63:5072': 'Active',
    });
    await daemon.mi('ds_set_state', { state: 'i', group: '1', address: 'sip:127.0.0.62:5072' });
    dns.zone['A b.pool.test'] = ['127.0.0.64', '127.0.0.62'];
    dns.zone['A a.pool.test'] = [];
    assert.deepEqual(await listing(2), { 'sip:127.0.0.62:5072': 'Inactive', 'sip:127.0.0.64:5072': 'Active' });
    assert.ok(dns.asked.includes('SRV _sip._udp.pool.test'));
  });
});
