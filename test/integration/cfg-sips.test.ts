import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer } from 'node:tls';
import { pem, TestAuthority } from '../support/certificates.js';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { INVITE } from '../support/script-run.js';
import { findProgram } from '../support/servers/programs.js';
import { until } from '../support/until.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;
const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});
const authority = skip === false ? new TestAuthority() : undefined;
closing.push(() => authority?.remove());

interface Got {
  readonly by: 'udp' | 'tls';
  readonly line: string;
}

/**
 * A gateway that answers INVITE and OPTIONS with 486, over UDP and TLS on one port, and records which transport was
 * used.
 */
async function gateway(): Promise<{ readonly port: number; readonly got: Got[] }> {
  assert.ok(authority !== undefined);
  const port = await freePort('127.0.0.1');
  const got: Got[] = [];
  const note = (by: Got['by'], text: string, answer: (reply: string) => void): void => {
    if (!/^(?:INVITE|OPTIONS)/.test(text)) return;
    got.push({ by, line: text.slice(0, text.indexOf('\r\n')) });
    const copied = text.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
    answer(['SIP/2.0 486 Busy', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
  };
  const clear = createSocket('udp4');
  clear.on('message', (data, from) =>
    note('udp', data.toString('latin1'), (reply) => clear.send(reply, from.port, from.address)),
  );
  clear.bind(port, '127.0.0.1');
  closing.push(() => clear.close());
  const server = createServer(pem(authority.issue(`gateway${port}`, ['IP:127.0.0.1'])), (connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (data) => note('tls', data.toString('latin1'), (reply) => connection.write(reply)));
    closing.push(() => connection.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { port, got };
}

type Dialect = 'opensips' | 'kamailio';

interface Case {
  readonly rows: readonly string[];
  /** The routes of the file. */
  readonly route: string;
  readonly secure?: boolean;
  readonly request?: string;
  readonly json?: Readonly<Record<string, unknown>>;
}

/** Sends an INVITE to a file with a UDP socket and, unless `secure` is false, a TLS socket; returns the final reply. */
async function call(dialect: Dialect, { rows, route, secure = true, request = INVITE, json = {} }: Case) {
  assert.ok(authority !== undefined);
  const tls = await freePort('127.0.0.1');
  const own = authority.issue(`edge${tls}`, ['IP:127.0.0.1']);
  const kamailio = dialect === 'kamailio';
  const loads = [
    'tm',
    'sl',
    ...(kamailio ? ['pv', 'textops', 'xlog'] : ['proto_udp', 'signaling', 'sipmsgops', 'db_text']),
  ];
  const head = kamailio
    ? [
        '#!KAMAILIO',
        'listen=LISTEN',
        ...(secure
          ? [
              `listen=tls:127.0.0.1:${tls}`,
              'loadmodule "tls.so"',
              `modparam("tls", "certificate", "${own.cert}")`,
              `modparam("tls", "private_key", "${own.key}")`,
              `modparam("tls", "ca_list", "${authority.ca}")`,
            ]
          : []),
      ]
    : [
        '#!OPENSIPS',
        'socket=LISTEN',
        ...(secure
          ? [
              `socket=tls:127.0.0.1:${tls}`,
              'loadmodule "proto_tls.so"',
              'loadmodule "tls_mgm.so"',
              'modparam("tls_mgm", "server_domain", "edge")',
              `modparam("tls_mgm", "certificate", "[edge]${own.cert}")`,
              `modparam("tls_mgm", "private_key", "[edge]${own.key}")`,
              `modparam("tls_mgm", "ca_list", "[edge]${authority.ca}")`,
            ]
          : []),
      ];
  const table = kamailio
    ? 'modparam("dispatcher", "list_file", "FOLDER/list")'
    : 'modparam("dispatcher", "db_url", "text://FOLDER")';
  const daemon = await startCfgDaemon({
    json,
    text: [
      ...head,
      ...loads.map((each) => `loadmodule "${each}.so"`),
      'loadmodule "dispatcher.so"',
      table,
      ...(kamailio ? ['modparam("dispatcher", "flags", 2)'] : []),
      route,
    ].join('\n'),
    prepare: (folder) => {
      if (kamailio) writeFileSync(join(folder, 'list'), rows.map((uri, i) => `1 ${uri} 0 ${9 - i}\n`).join(''));
      else {
        const columns =
          'id(int,auto) setid(int) destination(string) socket(string,null) state(int) probe_mode(int) weight(string) priority(int) attrs(string) description(string)';
        const lines = rows.map((uri, i) => `${i + 1}:1:${uri.replaceAll(':', '\\:')}::0:0:1:${i}::`);
        writeFileSync(join(folder, 'dispatcher'), `${[columns, ...lines].join('\n')}\n`);
        writeFileSync(join(folder, 'version'), 'table_name(string) table_version(int)\ndispatcher:9\n');
      }
    },
  });
  closing.push(() => daemon.stop());
  const caller = createSocket('udp4');
  closing.push(() => caller.close());
  let final = 0;
  caller.on('message', (data) => {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(data.toString('latin1'))?.[1] ?? 0);
    if (status >= 200) final = status;
  });
  caller.bind(0, '127.0.0.1');
  await new Promise((resolve) => caller.once('listening', resolve));
  const text = request
    .replaceAll('127.0.0.1:5070', `127.0.0.1:${caller.address().port}`)
    .replaceAll('OURS', `127.0.0.1:${daemon.port}`);
  caller.send(text, daemon.port, '127.0.0.1');
  await until('a final reply', () => final !== 0);
  return { final, log: daemon.log };
}

/** `route` as the request route of a dialect, and failure routes. */
function routes(dialect: Dialect, route: string, failure = ''): string {
  const name = dialect === 'kamailio' ? 'request_route' : 'route';
  return `${name} { ${route} }\n${failure === '' ? '' : `failure_route[next] { ${failure} }`}`;
}

const DIALECTS: readonly Dialect[] = ['opensips', 'kamailio'];
const SELECT = { opensips: 'ds_select_domain(1, 8, "f");', kamailio: 'ds_select_domain("1", "8");' };
const SIPS = INVITE.replace('sip:bob@sw.example', 'sips:bob@sw.example');

for (const dialect of DIALECTS) {
  const select = SELECT[dialect];
  test(`${dialect}: ds_select_domain of a sips destination leaves by TLS, the text as recorded`, { skip }, async () => {
    const { port, got } = await gateway();
    for (const changed of ['', 'prefix("00");', '$rU = "eve";']) {
      const { final } = await call(dialect, {
        rows: [`sips:127.0.0.1:${port}`],
        route: routes(dialect, `${select} ${changed} t_relay();`),
      });
      assert.equal(final, 486);
    }
    assert.deepEqual(
      got,
      ['bob', '00bob', 'eve'].map((user) => ({ by: 'tls', line: `INVITE sip:${user}@127.0.0.1:${port} SIP/2.0` })),
    );
  });

  test(`${dialect}: failover from a plain to a sips destination, and back`, { skip }, async () => {
    for (const order of ['udp', 'tls'] as const) {
      const first = await gateway();
      const second = await gateway();
      const schemes = order === 'udp' ? ['sip', 'sips'] : ['sips', 'sip'];
      await call(dialect, {
        rows: [`${schemes[0]}:127.0.0.1:${first.port}`, `${schemes[1]}:127.0.0.1:${second.port}`],
        route: routes(dialect, `t_on_failure("next"); ${select} t_relay();`, 'if (ds_next_domain()) t_relay();'),
      });
      const by = [...first.got, ...second.got].map((each) => each.by);
      assert.deepEqual(by, order === 'udp' ? ['udp', 'tls'] : ['tls', 'udp']);
    }
  });

  test(`${dialect}: without a TLS socket a request that needs TLS is refused and logged`, { skip }, async () => {
    const { port, got } = await gateway();
    const { final, log } = await call(dialect, {
      rows: [`sips:127.0.0.1:${port}`],
      route: routes(dialect, `${select} t_relay();`),
      secure: false,
    });
    assert.equal(final, 500);
    assert.deepEqual(got, []);
    await until('the line', () => log.some((line) => line.includes('a request that needs TLS cannot be sent')));
  });

  test(`${dialect}: a request to a sips URI leaves by TLS whatever names its next hop`, { skip }, async () => {
    const { port, got } = await gateway();
    const hops = [
      `$du = "sip:127.0.0.1:${port}"; t_relay();`,
      `$du = "sip:127.0.0.1:${port};transport=udp"; t_relay();`,
      `$du = "sips:127.0.0.1:${port}"; t_relay();`,
      `$ru = "sips:bob@127.0.0.1:${port}"; t_relay();`,
      `ds_select_dst(${dialect === 'kamailio' ? '"1", "8"' : '1, 8'}); t_relay();`,
      ...(dialect === 'kamailio'
        ? [`t_relay_to_udp("127.0.0.1", "${port}");`, `t_relay("127.0.0.1", "${port}");`]
        : [`t_relay(, "udp:127.0.0.1:${port}");`]),
    ];
    for (const hop of hops) {
      const before = got.length;
      const { final } = await call(dialect, {
        rows: [`sip:127.0.0.1:${port}`],
        route: routes(dialect, hop),
        request: SIPS,
      });
      assert.equal(final, 486, hop);
      assert.deepEqual(
        got.slice(before).map((each) => each.by),
        ['tls'],
        hop,
      );
      assert.match(got.at(-1)?.line ?? '', /^INVITE sips:/);
    }
    // Without $du the request-URI decides, which contains the address of a sips destination.
    const byName = dialect === 'kamailio' ? 't_relay_to_udp();' : 't_relay();';
    for (const [hop, request] of [
      [`${select} ${byName}`, INVITE],
      [`$du = "sip:127.0.0.1:${port}"; forward();`, SIPS],
      [`${select} forward();`, INVITE],
    ] as const) {
      const before = got.length;
      await call(dialect, { rows: [`sips:127.0.0.1:${port}`], route: routes(dialect, hop), request });
      assert.deepEqual(
        got.slice(before).map((each) => each.by),
        ['tls'],
        hop,
      );
    }
  });

  test(`${dialect}: a request to a sips URI within a dialog leaves by TLS, whatever transport its Route names`, {
    skip,
  }, async () => {
    const { port, got } = await gateway();
    const request = SIPS.replace(/^(To: .*)$/m, '$1;tag=callee').replace(
      'CSeq:',
      `Route: <sip:OURS;lr>, <sip:127.0.0.1:${port};lr>\r\nCSeq:`,
    );
    const { final } = await call(dialect, {
      rows: [`sip:127.0.0.1:${port}`],
      route: `loadmodule "rr.so"\n${routes(dialect, 'loose_route(); t_relay();')}`,
      request,
    });
    assert.equal(final, 486);
    assert.deepEqual(
      got.map((each) => each.by),
      ['tls'],
    );
  });

  test(`${dialect}: with sips_needs_tls false the next hop decides the transport, not the address of a sips destination`, {
    skip,
  }, async () => {
    const { port, got } = await gateway();
    const rows = [`sips:127.0.0.1:${port}`];
    const json = { tm: { sips_needs_tls: false } };
    for (const [hop, request] of [
      [`$du = "sip:127.0.0.1:${port}"; t_relay();`, SIPS],
      [`${select} t_relay();`, INVITE],
    ] as const)
      await call(dialect, { rows, route: routes(dialect, hop), request, json });
    assert.deepEqual(
      got.map((each) => each.by),
      ['udp', 'tls'],
    );
  });

  test(`${dialect}: a branch with the address of a sips destination leaves by TLS`, { skip }, async () => {
    const { port, got } = await gateway();
    await call(dialect, {
      rows: [`sips:127.0.0.1:${port}`],
      route: routes(dialect, `${select} append_branch(); $rU = "eve"; t_relay();`),
    });
    assert.deepEqual(
      got.map((each) => each.by),
      ['tls', 'tls'],
    );
  });
}

test('a request to a sips URI that a script creates leaves by TLS whatever names its next hop', { skip }, async () => {
  const { port, got } = await gateway();
  const [uri, plain] = [`sips:new@127.0.0.1:${port}`, `sip:127.0.0.1:${port}`];
  await call('opensips', {
    rows: [plain],
    route: `${routes('opensips', `t_new_request("OPTIONS", "${uri}", "sip:a@sw.example", "sip:b@sw.example"); send_reply(486, "Busy");`)}
      local_route { $du = "${plain}"; }`,
  });
  await call('kamailio', {
    rows: [plain],
    route: `loadmodule "uac.so"
      ${routes('kamailio', `$uac_req(method) = "OPTIONS"; $uac_req(ruri) = "${uri}"; $uac_req(furi) = "sip:a@sw.example"; $uac_req(ouri) = "${plain}"; uac_req_send(); sl_send_reply("486", "Busy");`)}`,
  });
  await until('both requests', () => got.length === 2);
  assert.deepEqual(got, Array(2).fill({ by: 'tls', line: `OPTIONS ${uri} SIP/2.0` }));
});
