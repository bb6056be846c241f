import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Random } from '../../../src/core/random.js';
import { parseUri } from '../../../src/core/uri.js';
import { orderSrv, type Resolution } from '../../../src/sip/resolve.js';
import { naptr, record, resolverOf, shown } from '../../support/dns-zone.js';
import { countingRandom } from '../../support/sip-recorder.js';

describe('Resolver (RFC 3263)', () => {
  test('IP literals are answered in the same call, without a lookup', () => {
    const { dns, resolver } = resolverOf({});
    for (const [uri, wanted] of [
      ['sip:192.0.2.1', 'udp 192.0.2.1 5060'],
      ['sip:192.0.2.1:5070;transport=tcp', 'tcp 192.0.2.1 5070'],
      ['sips:192.0.2.1', 'tls 192.0.2.1 5061'],
      ['sip:[2001:db8::1];transport=tls', 'tls 2001:db8::1 5061'],
      ['sip:a@gw.example.com;maddr=192.0.2.9', 'udp 192.0.2.9 5060'],
      ['sip:a@gw.example.com;maddr=[2001:db8::9]', 'udp 2001:db8::9 5060'],
    ] as const) {
      let result: Resolution | undefined;
      resolver.resolve(parseUri(uri) ?? assert.fail(), (each) => {
        result = each;
      });
      assert.deepEqual(shown(result ?? assert.fail('not in the same call')), [wanted]);
    }
    assert.deepEqual(dns.asked, []);
  });

  test('NAPTR records decide the transport by order and preference, then SRV records are looked up, then addresses', async () => {
    const { ask, dns } = resolverOf({
      naptr: {
        'example.com': [
          naptr('SIP+D2T', '_sip._tcp.example.com', 50, 20),
          naptr('SIP+D2U', '_sip._udp.example.com', 100),
          naptr('SIPS+D2T', '_sips._tcp.example.com', 50, 10),
          naptr('E2U+sip', 'no', 1),
        ],
      },
      srv: { '_sip._tcp.example.com': [{ name: 'gw1.example.com', port: 5080, priority: 1, weight: 1 }] },
      a: { 'gw1.example.com': [{ address: '192.0.2.1', ttl: 60 }] },
    });
    assert.deepEqual(shown(await ask('sip:example.com')), ['tcp 192.0.2.1 5080']);
    assert.deepEqual(dns.asked.slice(0, 3), [
      'NAPTR example.com',
      'SRV _sips._tcp.example.com',
      'SRV _sip._tcp.example.com',
    ]);
  });

  test('without NAPTR records the SRV records of the own transports are looked up in order', async () => {
    const { ask, dns } = resolverOf({
      srv: { '_sip._tcp.example.com': [{ name: 'gw1.example.com', port: 5080, priority: 1, weight: 1 }] },
      a: { 'gw1.example.com': [{ address: '192.0.2.1', ttl: 60 }] },
    });
    assert.deepEqual(shown(await ask('sip:example.com')), ['tcp 192.0.2.1 5080']);
    assert.deepEqual(dns.asked.slice(0, 3), [
      'NAPTR example.com',
      'SRV _sip._udp.example.com',
      'SRV _sip._tcp.example.com',
    ]);
  });

  test('a transport in the URI leads to its SRV records only; a port to addresses only', async () => {
    const { ask, dns } = resolverOf({ a: { 'gw.example.com': [{ address: '192.0.2.1', ttl: 60 }] } });
    assert.deepEqual(shown(await ask('sip:gw.example.com;transport=tcp')), ['tcp 192.0.2.1 5060']);
    assert.deepEqual(dns.asked, ['SRV _sip._tcp.gw.example.com', 'A gw.example.com', 'AAAA gw.example.com']);
    dns.asked.length = 0;
    assert.deepEqual(shown(await ask('sip:gw.example.com:5070')), ['udp 192.0.2.1 5070']);
    assert.deepEqual(dns.asked, ['A gw.example.com', 'AAAA gw.example.com']);
  });

  test('a sips URI resolves to TLS only', async () => {
    const { ask, dns } = resolverOf({
      naptr: {
        'example.com': [naptr('SIP+D2U', '_sip._udp.example.com', 1), naptr('SIPS+D2T', '_sips._tcp.example.com', 2)],
      },
      srv: { '_sips._tcp.example.com': [{ name: 'gw.example.com', port: 5061, priority: 1, weight: 1 }] },
      a: { 'gw.example.com': [{ address: '192.0.2.1', ttl: 60 }] },
    });
    assert.deepEqual(shown(await ask('sips:example.com')), ['tls 192.0.2.1 5061']);
    assert.ok(!dns.asked.includes('SRV _sip._udp.example.com'));
  });

  test('SRV targets are used by priority, with addresses of both families; targets without address are left out', async () => {
    const { ask } = resolverOf({
      srv: {
        '_sip._udp.example.com': [
          { name: 'backup.example.com', port: 5062, priority: 20, weight: 1 },
          { name: 'gone.example.com', port: 5061, priority: 10, weight: 1 },
          { name: 'main.example.com', port: 5060, priority: 10, weight: 1 },
        ],
      },
      a: {
        'main.example.com': [{ address: '192.0.2.1', ttl: 60 }],
        'backup.example.com': [{ address: '192.0.2.2', ttl: 60 }],
      },
      aaaa: { 'main.example.com': [{ address: '2001:db8::1', ttl: 60 }] },
    });
    assert.deepEqual(shown(await ask('sip:example.com')), [
      'udp 192.0.2.1 5060',
      'udp 2001:db8::1 5060',
      'udp 192.0.2.2 5062',
    ]);
  });

  test('a target "." means that there is no such service', async () => {
    const { ask } = resolverOf({
      srv: { '_sip._udp.example.com': [{ name: '.', port: 0, priority: 0, weight: 0 }] },
      a: { 'example.com': [{ address: '192.0.2.1', ttl: 60 }] },
    });
    assert.deepEqual(shown(await ask('sip:example.com')), ['udp 192.0.2.1 5060']);
  });

  test('the hosts file is used if the DNS has no answer', async () => {
    const { ask } = resolverOf({
      system: {
        gw1: [
          { address: '10.0.0.1', family: 4 },
          { address: 'fd00::1', family: 6 },
        ],
      },
    });
    assert.deepEqual(shown(await ask('sip:gw1:5070')), ['udp 10.0.0.1 5070', 'udp fd00::1 5070']);
  });

  test('answers are kept for the smallest time to live', async () => {
    const { ask, dns, clock } = resolverOf({
      a: {
        'gw.example.com': [
          { address: '192.0.2.1', ttl: 300 },
          { address: '192.0.2.2', ttl: 30 },
        ],
      },
    });
    await ask('sip:gw.example.com:5060');
    const asked = dns.asked.length;
    clock.advance(29_000);
    await ask('sip:GW.example.com:5060');
    assert.equal(dns.asked.length, asked);
    clock.advance(2000);
    await ask('sip:gw.example.com:5060');
    assert.equal(dns.asked.length, 2 * asked);
  });

  test('a failure is kept for a short while and names the host', async () => {
    const { ask, dns, clock } = resolverOf({});
    const first = await ask('sip:none.example.com:5060');
    assert.match(String(first), /host none\.example\.com does not resolve/);
    const asked = dns.asked.length;
    clock.advance(10_000);
    assert.equal(await ask('sip:none.example.com:5060'), first);
    assert.equal(dns.asked.length, asked);
    clock.advance(6000);
    await ask('sip:none.example.com:5060');
    assert.equal(dns.asked.length, 2 * asked);
  });

  test('simultaneous lookups of one name are one DNS query; each caller is answered once', async () => {
    const { ask, dns } = resolverOf({ a: { 'gw.example.com': [{ address: '192.0.2.1', ttl: 60 }] } });
    const results = await Promise.all(Array.from({ length: 20 }, () => ask('sip:gw.example.com:5060')));
    for (const each of results) assert.deepEqual(shown(each), ['udp 192.0.2.1 5060']);
    assert.equal(dns.asked.filter((each) => each === 'A gw.example.com').length, 1);
  });

  test('an unsupported transport is an error with its name', async () => {
    const { ask } = resolverOf({});
    assert.ok((await ask('sip:192.0.2.1;transport=sctp')) instanceof Error);
    assert.ok((await ask('sip:192.0.2.1;transport=foo')) instanceof Error);
  });
});

describe('orderSrv (RFC 2782)', () => {
  test('first positions are drawn in proportion to weight', () => {
    let seed = 1;
    const random: Random = {
      uint32: () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return seed >>> 3;
      },
      token: () => '',
    };
    const records = [
      record('a', 1, 60),
      record('b', 1, 30),
      record('c', 1, 10),
      record('z', 1, 0),
      record('late', 2, 1000),
    ];
    const first: Record<string, number> = {};
    for (let i = 0; i < 10_000; i++) {
      const order = orderSrv(records, random);
      assert.equal(order.length, 5);
      assert.equal(order[4]?.name, 'late');
      const name = order[0]?.name as string;
      first[name] = (first[name] ?? 0) + 1;
    }
    for (const [name, share] of [
      ['a', 0.6],
      ['b', 0.3],
      ['c', 0.1],
    ] as const) {
      assert.ok(Math.abs((first[name] ?? 0) / 10_000 - share) < 0.03, `${name}: ${first[name]}`);
    }
    assert.ok((first['z'] ?? 0) < 300 && (first['z'] ?? 0) > 0);
  });

  test('with all weights zero each target is listed once', () => {
    const order = orderSrv([record('a', 1, 0), record('b', 1, 0), record('c', 0, 0)], countingRandom());
    assert.deepEqual(order.map((each) => each.name).sort(), ['a', 'b', 'c']);
    assert.equal(order[0]?.name, 'c');
  });
});
