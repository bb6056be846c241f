import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { importCfg } from '../../../../src/cli/import/import-cfg.js';
import { remarkText } from '../../../../src/cli/import/ledger.js';
import { carry, one } from '../../../support/imported-cfg.js';

describe('parameters and sockets', () => {
  const { settings, partitions, left } = carry(`
log_level=3  # level
socket=udp:127.0.0.1:5060 as 203.0.113.7:5060 use_workers 4
socket=tcp:127.0.0.1
/* modparam("dispatcher","db_url","mysql://no") */
# modparam("dispatcher","ds_ping_interval", 99)
loadmodule "dispatcher.so"
loadmodule "rtpengine.so"
modparam("tm", "fr_timeout", 7)
modparam("tm|sl", "fr_inv_timeout", 30)
modparam("dispatcher", "db_url", "mysql://opensips:se#cret@localhost/opensips")
modparam("dispatcher", "partition", "part2 : db_url=mysql://u:p@localhost/db; table_name = ds_table; ds_define_blacklist= list2= 4,6;")
modparam("dispatcher", "ds_define_blacklist", "list= 1,4,3")
modparam("dispatcher", "ds_define_blacklist", "blist2= 2,10,6")
modparam("dispatcher", "nosuch", 1)
modparam("mi_fifo", "fifo_name", "/tmp/opensips_fifo")
modparam("mi_fifo", "fifo_mode", 0666)
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:8080")
modparam("event_rabbitmq", "heartbeat", 3)
udp_workers=4
`);

  test('import carries parameters and sockets over', () => {
    assert.deepEqual(settings['listen'], ['udp:127.0.0.1:5060 as 203.0.113.7:5060', 'tcp:127.0.0.1:5060']);
    assert.deepEqual(settings['tm'], { fr_timeout: 7, fr_inv_timeout: 30 });
    assert.deepEqual(settings['modparam'], {
      db_url: 'mysql://opensips:se#cret@localhost/opensips',
      ds_define_blacklist: ['list= 1,4,3', 'blist2= 2,10,6'],
    });
    assert.deepEqual(settings['mi'], {
      fifo: { fifo_name: '/tmp/opensips_fifo', fifo_mode: '0666' },
      datagram: [{ socket_name: 'udp:127.0.0.1:8080' }],
    });
    assert.deepEqual(partitions.get('part2'), {
      name: 'part2',
      db_url: 'mysql://u:p@localhost/db',
      table_name: 'ds_table',
      ds_define_blacklist: ['list2= 4,6'],
    });
  });

  test('parameters without a counterpart are listed with their lines', () => {
    for (const entry of [
      'line 8: module rtpengine has no counterpart',
      'line 15: dispatcher parameter "nosuch" is not known and was left out',
      'line 19: event_rabbitmq heartbeat: events go to NATS here (settings key "events")',
      'line 20: core parameter udp_workers has no counterpart',
    ]) {
      assert.ok(left.includes(entry), `${entry} in\n${left.join('\n')}`);
    }
  });

  test('sockets are taken in every form', () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['socket=udp:*:5060', ['udp:0.0.0.0:5060']],
      ['listen=udp:(10.0.0.1, 10.0.0.2):5060', ['udp:10.0.0.1:5060', 'udp:10.0.0.2:5060']],
      ['#!KAMAILIO\nport=5080\nlisten=10.0.0.1', ['udp:10.0.0.1:5080', 'tcp:10.0.0.1:5080']],
      ['#!KAMAILIO\ndisable_tcp=yes\nlisten=10.0.0.1:5070', ['udp:10.0.0.1:5070']],
      [
        '#!KAMAILIO\nsocket = {\n bind = "udp:10.0.0.1:5060";\n advertise = "192.0.2.1:5062"; name = "edge"; workers = 4\n}',
        ['udp:10.0.0.1:5060 as 192.0.2.1:5062 name edge'],
      ],
      [
        '#!KAMAILIO\nlisten=tls:10.0.0.1:5061 advertise 192.0.2.1:5061 name "s1"',
        ['tls:10.0.0.1:5061 as 192.0.2.1:5061 name s1'],
      ],
      ['#!KAMAILIO\nport=5090', ['udp:0.0.0.0:5090', 'tcp:0.0.0.0:5090']],
    ];
    for (const [text, expected] of cases) assert.deepEqual(carry(text).settings['listen'], expected, text);
    const { left } = carry(
      'socket=hep_udp:127.0.0.1:9060\nsocket=tcp:192.0.2.1:5060 anycast tag edge\nlisten=udp:nosuch0:5060',
    );
    assert.deepEqual(left, [
      'line 1: socket=hep_udp:127.0.0.1:9060: protocol hep_udp has no counterpart',
      'line 2: socket=tcp:192.0.2.1:5060: its options have no counterpart: anycast tag edge',
      'line 3: listen=nosuch0:5060: this machine has no interface "nosuch0": write its address into "listen"',
    ]);
  });

  test('modules with a counterpart become its settings', () => {
    const { settings } = carry(`socket=udp:127.0.0.1:5060
loadmodule "httpd.so"
loadmodule "mi_http.so"
loadmodule "prometheus.so"
modparam("httpd", "ip", "192.0.2.1")
modparam("pike", "sampling_time_unit", 5)
modparam("pike", "reqs_density_per_unit", 100)
modparam("tls_mgm", "certificate", "[edge]/etc/c.pem")
modparam("tls_mgm", "private_key", "[edge]/etc/k.pem")
modparam("tls_mgm", "verify_cert", "[edge]0")`);
    assert.equal(settings['http'], '192.0.2.1:8888');
    assert.deepEqual(settings['mi'], { http: { root: 'mi' } });
    assert.deepEqual(settings['limits'], { requests_per_second_per_source: 20 });
    assert.deepEqual(settings['tls'], {
      certificate: '/etc/c.pem',
      private_key: '/etc/k.pem',
      verify_client: false,
      verify_server: true,
    });
  });

  test('included files are read; one that is missing is listed, whichever word includes it', () => {
    const { settings, left } = carry(
      'include_file "a.cfg"\nimport_file "b.cfg"\n#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n',
      {
        'a.cfg': 'modparam("tm", "fr_timer", 4000)\n',
      },
    );
    assert.deepEqual(settings['tm'], { fr_timeout: 4 });
    assert.deepEqual(left, ['line 2: included file "b.cfg" cannot be read: nothing of it is carried over']);
    assert.deepEqual(carry('include_file "c.cfg"').left, [
      'line 1: included file "c.cfg" cannot be read: nothing of it is carried over',
    ]);
  });

  test("a list file makes a partition of Kamailio's flavour, with timers in milliseconds", () => {
    const { settings, partitions } = carry(`#!KAMAILIO
#!define DBURL "mysql://a:b@c/d"
listen=udp:10.0.0.1:5060
modparam("tm", "fr_timer", 5000)
modparam("dispatcher", "list_file", "/etc/kamailio/dispatcher.list")
modparam("dispatcher", "flags", 2)`);
    assert.deepEqual(settings['tm'], { fr_timeout: 5 });
    assert.deepEqual(settings['modparam'], { flags: 2 });
    assert.deepEqual(partitions.get('default'), {
      name: 'default',
      flavour: 'kamailio',
      db_url: 'list:/etc/kamailio/dispatcher.list',
    });
  });
});

test('import throws no exception for any text', () => {
  const words =
    'modparam ( ) " , { } # \n dispatcher x \\ /* listen = route if ds_select_dst t_relay exit ; ! && "1" is_method'.split(
      ' ',
    );
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words, ' '), { maxLength: 40 }), (pieces) => {
      assert.ok(Array.isArray(carry(pieces.join(' ')).left));
    }),
  );
});

test('sockets keep the ports that definitions stand for, and those after a line that is not understood', () => {
  const kamailio = carry(`#!KAMAILIO
#!define PORT 5170
#!substdef "!MY_IP!127.0.0.1!g"
listen=udp:MY_IP:5160
listen=tcp:MY_IP:PORT advertise MY_IP:PORT
request_route { exit; }`);
  assert.deepEqual(kamailio.settings['listen'], ['udp:127.0.0.1:5160', 'tcp:127.0.0.1:5170 as 127.0.0.1:5170']);
  const opensips = carry('socket = { proto udp }\nsocket=udp:127.0.0.1:5561\nroute { exit; }');
  assert.deepEqual(opensips.settings['listen'], ['udp:127.0.0.1:5561']);
  assert.match(opensips.left.join(), /line 1: not understood/);
});

test('a relative list file is that beside the file', () => {
  const { partitions } = importCfg(
    '#!KAMAILIO\nloadmodule "dispatcher"\nmodparam("dispatcher", "list_file", "d.list")\nrequest_route { exit; }',
    '/etc/kamailio/kamailio.cfg',
    { read: () => undefined },
  );
  assert.match(JSON.stringify([...partitions]), /"db_url":"list:\/etc\/kamailio\/d\.list"/);
});

test('max_res of 0 and less keeps the chosen destination alone in OpenSIPS, and all destinations in Kamailio', () => {
  for (const most of ['0', '-1']) {
    assert.equal(one(`ds_select_dst(1, 4, "f", , ${most}); t_relay();`).rules[0]?.select?.['max_res'], 1);
    const { rules } = carry(`#!KAMAILIO\nrequest_route { ds_select_dst("1", "4", "${most}"); t_relay(); }`);
    assert.deepEqual(rules[0]?.select, { set: 1, alg: 4, flags: '' });
  }
});

test('event_callback, which names a function of a Lua or Python script, is listed', () => {
  const { settings, left } = carry(
    '#!KAMAILIO\nlisten=udp:127.0.0.1:5060\nmodparam("dispatcher", "event_callback", "ksr_event")\nrequest_route { }\n',
  );
  assert.equal((settings['modparam'] as Record<string, unknown> | undefined)?.['event_callback'], undefined);
  assert.equal(left.filter((each) => /^line 3: event_callback names a function of a KEMI script/.test(each)).length, 1);
});

test('of thousands of conditions in sequence as many are followed as the limit of paths allows', () => {
  const head = '#!KAMAILIO\nlisten=udp:127.0.0.1:5060\nloadmodule "tm.so"\nloadmodule "dispatcher.so"\n';
  const logged = 'if ($rU == "a") { xlog("a"); }\n'.repeat(8000);
  assert.deepEqual(importCfg(`${head}request_route {\n${logged} exit;\n}\n`).settings['routing'], []);
  const selecting = 'if (ds_select_dst("1", "4")) { t_relay(); exit; }\n'.repeat(8000);
  const { left } = importCfg(`${head}request_route {\n${selecting} exit;\n}\n`);
  assert.match(left.map(remarkText).join('\n'), /did not become a rule/);
});

test('TLS domains and a tls.cfg are read as when the file is run; relative names start from the file', () => {
  const domains = importCfg(
    `socket=tls:10.0.0.1:5061
modparam("tls_mgm", "server_domain", "a")
modparam("tls_mgm", "server_domain", "b")
modparam("tls_mgm", "match_sip_domain", "[b]b.example")
modparam("tls_mgm", "certificate", "[a]a.pem")
modparam("tls_mgm", "private_key", "[a]a.key")
modparam("tls_mgm", "certificate", "[b]/etc/b.pem")
modparam("tls_mgm", "private_key", "[b]/etc/b.key")
modparam("tls_mgm", "verify_cert", "[a]1")
modparam("tls_mgm", "verify_cert", "[b]1")
modparam("tls_mgm", "require_cert", "[a]0")
modparam("tls_mgm", "require_cert", "[b]0")`,
    '/etc/opensips/opensips.cfg',
  );
  assert.deepEqual(domains.left, []);
  assert.deepEqual(domains.settings['tls'], {
    certificate: '/etc/opensips/a.pem',
    private_key: '/etc/opensips/a.key',
    verify_client: 'if_shown',
    verify_server: true,
    contexts: [{ server_name: ['b.example'], certificate: '/etc/b.pem', private_key: '/etc/b.key' }],
  });

  const folder = mkdtempSync(join(tmpdir(), 'switchyard-import-'));
  try {
    writeFileSync(join(folder, 'tls.cfg'), '[server:default]\ncertificate = s.pem\nrequire_certificate = yes\n');
    const kamailio = importCfg(
      '#!KAMAILIO\nlisten=tls:10.0.0.1:5061\nenable_tls=yes\nmodparam("tls", "config", "tls.cfg")',
      join(folder, 'kamailio.cfg'),
    );
    assert.deepEqual(kamailio.left, []);
    const certificate = join(folder, 's.pem');
    assert.deepEqual(kamailio.settings['tls'], {
      certificate,
      private_key: certificate,
      verify_client: true,
      verify_server: false,
    });
    const off = importCfg('#!KAMAILIO\nlisten=tls:10.0.0.1:5061\nenable_tls=no');
    assert.match(off.left.map(({ text }) => text).join(), /enable_tls=no: remove the tls sockets from "listen"/);
    assert.deepEqual(importCfg('#!KAMAILIO\nlisten=udp:10.0.0.1:5060\nenable_tls=no').left, []);
    assert.deepEqual(importCfg('#!KAMAILIO\nlisten=tls:10.0.0.1:5061\nenable_tls=enable').left, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a template is preprocessed with --preprocess; without it the error says that the file is a template', () => {
  const template = `define(\`HOST', \`10.0.0.7')dnl
socket=udp:HOST:5070
`;
  const program = join(mkdtempSync(join(tmpdir(), 'switchyard-m4-')), 'expand.mjs');
  // Stands for m4, which is not on every machine.
  writeFileSync(
    program,
    "let t = ''; for await (const d of process.stdin) t += d; console.log(t.replace(/^define.*/, '').replace('HOST', '10.0.0.7'));",
  );
  const expanded = importCfg(template, 'opensips.m4', undefined, { preprocess: `${process.execPath} ${program}` });
  rmSync(dirname(program), { recursive: true });
  assert.deepEqual(expanded.settings['listen'], ['udp:10.0.0.7:5070']);
  assert.deepEqual(expanded.left, []);
  const plain = importCfg(template, 'opensips.m4');
  assert.match(
    plain.left.map(({ text }) => text).join('\n'),
    /m4 macros, which were not expanded: --preprocess "m4 -s"/,
  );
  assert.throws(() => importCfg(template, 'x', undefined, { preprocess: '/nowhere/m4' }), /cannot be started/);
});

test('definitions choose what "#!ifdef" leaves', () => {
  const text = '#!KAMAILIO\n#!ifdef WITH_B\nlisten=udp:10.0.0.2:5060\n#!else\nlisten=udp:10.0.0.1:5060\n#!endif\n';
  assert.deepEqual(importCfg(text).settings['listen'], ['udp:10.0.0.1:5060']);
  const defined = importCfg(text, 'kamailio.cfg', undefined, { defines: new Map([['WITH_B', '']]) });
  assert.deepEqual(defined.settings['listen'], ['udp:10.0.0.2:5060']);
});

test('a Kamailio file fails over only with 2 in the parameter "flags": without it ds_next_dst() finds nothing', () => {
  const text = (flags: string) => `#!KAMAILIO
listen=udp:10.0.0.1:5060
modparam("dispatcher", "list_file", "/etc/d.list")
${flags}
request_route { if (!ds_select_dst("1", "4")) { sl_send_reply("503", "None"); exit; } t_on_failure("F"); t_relay(); }
failure_route[F] { if (t_check_status("500|503")) { if (ds_next_dst()) { t_on_failure("F"); t_relay(); } } }
`;
  for (const [flags, codes] of [
    ['modparam("dispatcher", "flags", 2)', ['500', '503']],
    ['modparam("dispatcher", "flags", 3)', ['500', '503']],
    ['modparam("dispatcher", "flags", 1)', []],
    ['', []],
  ] as const) {
    const { settings, left, notes } = importCfg(text(flags), 'kamailio.cfg');
    const [rule] = settings['routing'] as unknown as { failover: { codes: string[] } }[];
    assert.deepEqual(rule?.failover.codes, codes, flags);
    assert.deepEqual(left, []);
    assert.equal(/finds no next destination/.test(notes.map(({ text }) => text).join()), codes.length === 0);
  }
});
