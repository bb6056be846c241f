import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type * as sip from 'sip';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { freePort } from '../support/ports.js';
import { type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'kamailio-sockets-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Sockets on 127.0.0.71 (no name), .72 ("edge") and .73 ("Inside"). */
async function start(
  list: string,
  modparam: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Promise<DaemonFixture & { readonly proxy: string }> {
  const port = await freePort();
  const path = join(folder, `${port}.list`);
  writeFileSync(path, list);
  const fixture = await startDaemon(
    {
      listen: [`udp:127.0.0.71:${port}`, `udp:127.0.0.72:${port} name edge`, `udp:127.0.0.73:${port} name "Inside"`],
      partitions: [{ name: 'gw', db_url: `list:${path}`, flavour: 'kamailio' }],
      default: 'gw',
      modparam: { flags: 2, ...modparam },
      routing: [{ select: { set: '$rU', alg: 8 } }],
      ...more,
    },
    {},
  );
  return Object.assign(fixture, { proxy: `sip:127.0.0.71:${port}` });
}

/** The source of the newest request of a method, from its Via; undefined when there was none. */
function sentFrom(gateway: Gateway, method: string): string | undefined {
  const request = gateway.requests.findLast((each) => each.method === method);
  return (request?.headers['via'] as sip.SipVia[] | undefined)?.[0]?.host;
}

async function withGateway(
  run: (gateway: Gateway, call: (proxy: string, set: number) => Promise<number>) => Promise<void>,
) {
  const gateway = await startGateway({ host: '127.0.0.75', name: 'gw' });
  const caller = await startCaller({ host: '127.0.0.76' });
  try {
    await run(
      gateway,
      async (proxy, set) => (await caller.placeCall({ ruri: `sip:${set}@example.com`, proxy })).status,
    );
  } finally {
    caller.stop();
    gateway.kill();
  }
}

describe('sockets of destinations', () => {
  const lists = ({ uri }: Gateway) =>
    `1 ${uri}\n2 ${uri} 0 0 sockname=edge\n3 ${uri} 0 0 socket=udp:127.0.0.73\n` +
    `4 ${uri} 0 0 sockname=INSIDE;socket=udp:127.0.0.72\n`;

  test('calls leave by socket= and sockname=, others by the socket they came in on', async () => {
    await withGateway(async (gateway, call) => {
      const daemon = await start(lists(gateway), {});
      try {
        const from: (string | undefined)[] = [];
        for (const set of [1, 2, 3, 4]) {
          assert.equal(await call(daemon.proxy, set), 200);
          from.push(sentFrom(gateway, 'INVITE'));
        }
        assert.deepEqual(from, ['127.0.0.71', '127.0.0.72', '127.0.0.73', '127.0.0.73']);
      } finally {
        await daemon.stop();
      }
    });
  });

  test('a route script uses the same sockets; ds_default_sockname holds for destinations without one', async () => {
    const script = join(folder, 'route.js');
    writeFileSync(
      script,
      `export const routes = { request(r) {
         if (!r.ds_select_dst(r.format('$rU'), 8)) return r.send_reply(404, 'no');
         r.t_relay();
       } };\n`,
    );
    await withGateway(async (gateway, call) => {
      const daemon = await start(
        lists(gateway),
        { ds_default_sockname: 'inside' },
        { route_script: script, routing: undefined },
      );
      try {
        assert.equal(await call(daemon.proxy, 1), 200);
        assert.equal(sentFrom(gateway, 'INVITE'), '127.0.0.73');
        assert.equal(await call(daemon.proxy, 2), 200);
        assert.equal(sentFrom(gateway, 'INVITE'), '127.0.0.72');
      } finally {
        await daemon.stop();
      }
    });
  });

  test('a destination whose socket the daemon does not have is discarded with the reason', async () => {
    await withGateway(async (gateway, call) => {
      const { uri } = gateway;
      const daemon = await start(
        `1 ${uri} 0 9 socket=udp:9.9.9.9:1\n1 ${uri} 0 8 sockname=nope\n1 ${uri} 0 0 sockname=edge\n`,
        {},
      );
      try {
        assert.equal(await call(daemon.proxy, 1), 200);
        assert.equal(sentFrom(gateway, 'INVITE'), '127.0.0.72');
        assert.equal(daemon.daemon.engine.partition('gw')?.snapshot.size, 1);
        assert.equal(daemon.logged(/socket \\?"udp:9\.9\.9\.9:1\\?" is not one of our sockets/).length, 1);
        assert.equal(daemon.logged(/there is no socket named \\?"nope\\?"/).length, 1);
      } finally {
        await daemon.stop();
      }
    });
  });

  test('probes leave by ping_socket=, then the socket of calls, then the default one', async () => {
    await withGateway(async (gateway) => {
      const wanted: Record<string, string> = { a: '127.0.0.73', b: '127.0.0.72', c: '127.0.0.73', d: '127.0.0.71' };
      const at = (user: string) => gateway.uri.replace('sip:', `sip:${user}@`);
      const daemon = await start(
        `1 ${at('a')} 8 0 sockname=edge;ping_socket=udp:127.0.0.73\n1 ${at('b')} 8 0 sockname=edge\n` +
          `1 ${at('c')} 8 0 socket=udp:127.0.0.73\n1 ${at('d')} 8 0\n`,
        { ds_ping_interval: 1, ds_probing_mode: 1, ds_default_socket: 'udp:127.0.0.71' },
      );
      try {
        const seen = new Map<string, string>();
        await until('a probe of each', () => {
          for (const { uri, headers } of gateway.requests) {
            seen.set(String(uri).slice(4, 5), (headers['via'] as sip.SipVia[])[0]?.host ?? '');
          }
          return seen.size === 4;
        });
        assert.deepEqual(Object.fromEntries([...seen].sort()), wanted);
      } finally {
        await daemon.stop();
      }
    });
  });

  test('probes go through the proxy of obproxy=, or outbound_proxy; calls do not', async () => {
    const proxies = [
      await startGateway({ host: '127.0.0.77', name: 'one' }),
      await startGateway({ host: '127.0.0.78', name: 'two' }),
    ] as const;
    try {
      await withGateway(async (gateway, call) => {
        const daemon = await start(`1 ${gateway.uri} 8 0\n2 ${gateway.uri} 8 0 obproxy=${proxies[1].uri}\n`, {
          ds_ping_interval: 1,
          ds_probing_mode: 1,
          outbound_proxy: proxies[0].uri,
        });
        try {
          const probed = (each: Gateway) =>
            each.requests.some(({ method, uri }) => method === 'OPTIONS' && uri === gateway.uri);
          await until('probes at both', () => proxies.every(probed));
          assert.equal(await call(daemon.proxy, 2), 200);
          assert.deepEqual(
            gateway.requests.filter(({ method }) => method === 'OPTIONS'),
            [],
          );
          assert.ok(proxies.every((each) => each.received.get('INVITE') === undefined));
        } finally {
          await daemon.stop();
        }
      });
    } finally {
      for (const each of proxies) each.kill();
    }
  });
});
