import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { problemText } from '../../../src/cfg/problem.js';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function tlsOf(text: string, warnings: string[] = []): unknown {
  const file = join(folder, 'proxy.cfg');
  writeFileSync(file, text);
  const { loaded, problems } = readCfg(file);
  assert.ok(loaded !== undefined, problems.map(problemText).join('\n'));
  warnings.push(...problems.map(problemText));
  return loaded.settings['tls'];
}

test('TLS domains of OpenSIPS become the certificate, the certificates by server name, and the checks of peers', () => {
  const tls = tlsOf(`#!OPENSIPS
socket=tls:127.0.0.1:5061
loadmodule "proto_tls.so"
loadmodule "tls_mgm.so"
modparam("tls_mgm", "server_domain", "default")
modparam("tls_mgm", "certificate", "[default]/etc/a.pem")
modparam("tls_mgm", "private_key", "[default]/etc/a.key")
modparam("tls_mgm", "ca_list", "[default]/etc/ca.pem")
modparam("tls_mgm", "verify_cert", "[default]1")
modparam("tls_mgm", "require_cert", "[default]0")
modparam("tls_mgm", "server_domain", "dom1")
modparam("tls_mgm", "match_sip_domain", "[dom1]one.example,*.one.example")
modparam("tls_mgm", "certificate", "[dom1]/etc/b.pem")
modparam("tls_mgm", "private_key", "[dom1]/etc/b.key")
modparam("tls_mgm", "client_domain", "out")
modparam("tls_mgm", "verify_cert", "[out]0")
route { exit; }
`);
  assert.deepEqual(tls, {
    certificate: '/etc/a.pem',
    private_key: '/etc/a.key',
    ca: '/etc/ca.pem',
    verify_client: 'if_shown',
    verify_server: false,
    contexts: [
      {
        server_name: ['one.example', '*.one.example'],
        certificate: '/etc/b.pem',
        private_key: '/etc/b.key',
        verify_client: true,
      },
    ],
  });
});

test('TLS domains of OpenSIPS for addresses become the certificates of those sockets, and of connections to those servers', () => {
  const domain = (name: string, ...more: readonly string[]): string =>
    [
      `modparam("tls_mgm", "certificate", "[${name}]/etc/${name}.pem")`,
      `modparam("tls_mgm", "private_key", "[${name}]/etc/${name}.key")`,
      ...more.map((each) => `modparam("tls_mgm", ${each})`),
    ].join('\n');
  const tls = tlsOf(`#!OPENSIPS
socket=tls:127.0.0.1:5061
socket=tls:127.0.0.2:5061
loadmodule "proto_tls.so"
loadmodule "tls_mgm.so"
modparam("tls_mgm", "server_domain", "peers")
${domain('peers', '"match_ip_address", "[peers]127.0.0.1:5061"', '"ca_list", "[peers]/etc/ca.pem"')}
modparam("tls_mgm", "server_domain", "all")
${domain('all', '"match_ip_address", "[all]*"', '"verify_cert", "[all]0"')}
modparam("tls_mgm", "client_domain", "any")
${domain('any')}
modparam("tls_mgm", "client_domain", "carrier")
${domain('carrier', '"match_ip_address", "[carrier]10.0.0.1:5061, 10.0.0.2"', '"verify_cert", "[carrier]0"')}
modparam("tls_mgm", "client_domain", "named")
${domain('named', '"match_sip_domain", "[named]*.sip.example"')}
route { exit; }
`);
  const files = (name: string) => ({ certificate: `/etc/${name}.pem`, private_key: `/etc/${name}.key` });
  assert.deepEqual(tls, {
    ...files('all'),
    verify_client: false,
    verify_server: true,
    listeners: [{ address: ['127.0.0.1:5061'], ...files('peers'), ca: '/etc/ca.pem', verify_client: true }],
    clients: [
      { address: ['10.0.0.1:5061', '10.0.0.2:5061'], ...files('carrier'), verify_server: false },
      { server_name: ['*.sip.example'], ...files('named'), verify_server: true },
      { ...files('any'), verify_server: true },
    ],
  });
});

const opensipsTls = (...parameters: readonly string[]): string => `#!OPENSIPS
socket=tls:127.0.0.1:5061
loadmodule "proto_tls.so"
loadmodule "tls_mgm.so"
${parameters.map((each) => `modparam("tls_mgm", ${each})`).join('\n')}
route { exit; }
`;
const shown = (name: string): string[] => [
  `"certificate", "[${name}]/etc/${name}.pem"`,
  `"private_key", "[${name}]/etc/${name}.key"`,
];

test('requirements that a client domain for one server omits apply to all other servers', () => {
  const tls = tlsOf(
    opensipsTls(
      '"server_domain", "default"',
      ...shown('default'),
      '"client_domain", "lab"',
      '"match_ip_address", "[lab]10.0.0.1:5061"',
      '"verify_cert", "[lab]0"',
    ),
  ) as { verify_server: boolean; clients: unknown };
  assert.equal(tls.verify_server, true);
  assert.deepEqual(tls.clients, [{ address: ['10.0.0.1:5061'], verify_server: false }]);
});

test('clients are checked against the authorities of the server domain, servers against those of the client domain', () => {
  const tls = tlsOf(
    opensipsTls(
      '"server_domain", "default"',
      ...shown('default'),
      '"ca_list", "[default]/etc/customers.pem"',
      '"client_domain", "out"',
      '"ca_list", "[out]/etc/public.pem"',
    ),
  ) as { ca: string; clients: unknown };
  assert.equal(tls.ca, '/etc/customers.pem');
  assert.deepEqual(tls.clients, [{ ca: '/etc/public.pem', verify_server: true }]);
});

/** Two domains of one socket, each found by its name. */
const twoNames = (verifyOfTwo: number): string =>
  opensipsTls(
    ...['one', 'two'].flatMap((name) => [
      `"server_domain", "${name}"`,
      ...shown(name),
      `"match_ip_address", "[${name}]127.0.0.1:5061"`,
      `"match_sip_domain", "[${name}]${name}.example"`,
      `"verify_cert", "[${name}]${name === 'one' ? 0 : verifyOfTwo}"`,
    ]),
  );

test('a file whose domains by name demand different certificates runs whole', () => {
  const verdictOf = (verifyOfTwo: number) => {
    const file = join(folder, 'two.cfg');
    writeFileSync(file, twoNames(verifyOfTwo));
    return inventory(readCfg(file)).verdict;
  };
  assert.deepEqual([verdictOf(0), verdictOf(1)], ['runs whole', 'runs whole']);
});

test('domains of one socket are found by the name that is asked for; the first is for other names', () => {
  const warnings: string[] = [];
  const tls = tlsOf(twoNames(1), warnings) as { certificate: string; contexts: unknown; listeners: unknown };
  assert.equal(tls.certificate, '/etc/one.pem');
  assert.equal(tls.listeners, undefined);
  assert.deepEqual(tls.contexts, [
    { server_name: ['one.example'], certificate: '/etc/one.pem', private_key: '/etc/one.key' },
    { server_name: ['two.example'], certificate: '/etc/two.pem', private_key: '/etc/two.key', verify_client: true },
  ]);
  assert.deepEqual(warnings, []);
});

test("sections of Kamailio's tls.cfg for one address are for that socket or that server alone", () => {
  const section = (head: string, ...lines: readonly string[]): string => `[${head}]\n${lines.join('\n')}\n`;
  writeFileSync(
    join(folder, 'addresses.cfg'),
    section('server:default', 'certificate = /a.pem', 'private_key = /a.key') +
      section('server:127.0.0.1:5061', 'certificate = /b.pem', 'private_key = /b.key', 'require_certificate = yes') +
      section('client:10.0.0.1:5061', 'verify_certificate = no') +
      section('client:any', 'server_id = lab', 'verify_certificate = no') +
      section('client:default', 'verify_certificate = yes'),
  );
  const tls = tlsOf(`#!KAMAILIO
listen=tls:127.0.0.1:5061
loadmodule "tls.so"
modparam("tls", "config", "addresses.cfg")
request_route { exit; }
`);
  assert.deepEqual(tls, {
    certificate: '/a.pem',
    private_key: '/a.key',
    verify_client: false,
    verify_server: true,
    listeners: [{ address: ['127.0.0.1:5061'], certificate: '/b.pem', private_key: '/b.key', verify_client: true }],
    clients: [{ address: ['10.0.0.1:5061'], verify_server: false }, { verify_server: true }],
  });
});

test("Kamailio's tls.cfg is read, its paths start at its folder", () => {
  writeFileSync(
    join(folder, 'tls.cfg'),
    `[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = yes   # from everybody
private_key = ./a.key
certificate = "./a.pem"
[server:127.0.0.1:5061]
server_name = one.example
certificate = ./b.pem
private_key = ./b.key
[client:default]
verify_certificate = yes
ca_list = /etc/ca.pem
`,
  );
  const tls = tlsOf(`#!KAMAILIO
enable_tls=yes
listen=tls:127.0.0.1:5061
loadmodule "tls.so"
modparam("tls", "config", "tls.cfg")
request_route { exit; }
`);
  assert.deepEqual(tls, {
    certificate: join(folder, 'a.pem'),
    private_key: join(folder, 'a.key'),
    ca: '/etc/ca.pem',
    verify_client: true,
    verify_server: true,
    min_version: 'TLSv1.2',
    max_version: 'TLSv1.3',
    contexts: [
      {
        server_name: ['one.example'],
        certificate: join(folder, 'b.pem'),
        private_key: join(folder, 'b.key'),
        verify_client: false,
      },
    ],
  });
});

test('parameters of the tls module itself are for both directions; a file that is not there is an error of its line', () => {
  const text = (more: string): string => `#!KAMAILIO
listen=tls:127.0.0.1:5061
loadmodule "tls.so"
${more}
request_route { exit; }
`;
  assert.deepEqual(
    tlsOf(
      text(
        'modparam("tls", "private_key", "/k.pem")\nmodparam("tls", "certificate", "/c.pem")\nmodparam("tls", "verify_certificate", 1)',
      ),
    ),
    { certificate: '/c.pem', private_key: '/k.pem', verify_client: 'if_shown', verify_server: true },
  );
  assert.throws(
    () => tlsOf(text('modparam("tls", "config", "nothing.cfg")')),
    /proxy\.cfg:4:\d+: tls config .*nothing\.cfg cannot be read/,
  );
});

/** Settings from a file with one domain and these parameters, and whether it is fully supported. */
function demanding(dialect: 'opensips' | 'kamailio', ...parameters: readonly (readonly [string, string])[]) {
  const file = join(folder, 'demands.cfg');
  const module = dialect === 'opensips' ? 'tls_mgm' : 'tls';
  const lines = [
    ...(dialect === 'opensips' ? ['#!OPENSIPS', 'socket=tls:127.0.0.1:5061', 'loadmodule "proto_tls.so"'] : []),
    ...(dialect === 'kamailio' ? ['#!KAMAILIO', 'listen=tls:127.0.0.1:5061'] : []),
    `loadmodule "${module}.so"`,
    ...[['certificate', '/a.pem'], ['private_key', '/a.key'], ...parameters].map(
      ([name, value]) => `modparam("${module}", "${name}", "${value}")`,
    ),
    dialect === 'kamailio' ? 'request_route { exit; }' : 'route { exit; }',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const reading = readCfg(file);
  const tls = (reading.settings?.['tls'] ?? {}) as Readonly<Record<string, unknown>>;
  const { verdict, things } = inventory(reading);
  const notes = things.filter(({ standing }) => standing === 'noted').map(({ message }) => message);
  return { verdict, tls, notes };
}

test('tls_method of Kamailio and of OpenSIPS becomes the lowest and the highest version', () => {
  const versions = (dialect: 'opensips' | 'kamailio', method: string) => {
    const { verdict, tls } = demanding(dialect, ['tls_method', method]);
    assert.equal(verdict, 'runs whole', method);
    return [tls['min_version'], tls['max_version']];
  };
  for (const [method, ...expected] of [
    ['TLSv1_2', 'TLSv1.2', 'TLSv1.2'],
    ['[default]TLSv1_2-TLSv1_3', 'TLSv1.2', 'TLSv1.3'],
    ['TLSv1_2-', 'TLSv1.2', 'TLSv1.3'],
    ['-TLSv1_2', 'TLSv1', 'TLSv1.2'],
    ['TLSv1_3', 'TLSv1.3', 'TLSv1.3'],
    ['TLSv1', 'TLSv1', 'TLSv1'],
    ['SSLv23', 'TLSv1', 'TLSv1.3'],
  ] as const)
    assert.deepEqual(versions('opensips', method), expected, method);
  for (const [method, ...expected] of [
    ['TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
    ['TLSv1.2+', 'TLSv1.2', 'TLSv1.3'],
    ['TLSv1+', 'TLSv1', 'TLSv1.3'],
    ['TLSv1.3', 'TLSv1.3', 'TLSv1.3'],
  ] as const)
    assert.deepEqual(versions('kamailio', method), expected, method);
});

test('ciphers, curves, certificate lists and folders of the file become settings of TLS', () => {
  const of = (dialect: 'opensips' | 'kamailio', ...parameters: readonly (readonly [string, string])[]) => {
    const { tls } = demanding(dialect, ...parameters);
    return Object.fromEntries(
      Object.entries(tls).filter(([key]) => !/^(certificate|private_key|verify_.*)$/.test(key)),
    );
  };
  assert.deepEqual(
    of(
      'opensips',
      ['ciphers_list', 'HIGH:!aNULL'],
      ['ec_curve', 'secp384r1'],
      ['dh_params', '/dh.pem'],
      ['crl_dir', '/crls'],
      ['ca_dir', '/cas'],
    ),
    { ciphers: 'HIGH:!aNULL', ecdh_curve: 'secp384r1', dh_params: '/dh.pem', crl: '/crls', ca_dir: '/cas' },
  );
  assert.deepEqual(of('kamailio', ['cipher_list', 'HIGH'], ['crl', '/crl.pem'], ['ca_path', '/cas']), {
    ciphers: 'HIGH',
    crl: '/crl.pem',
    ca_dir: '/cas',
  });
});

test('a domain without a requirement does not inherit that of another', () => {
  const tls = tlsOf(
    opensipsTls(
      '"server_domain", "default"',
      ...shown('default'),
      '"tls_method", "[default]TLSv1_3"',
      '"crl_dir", "[default]/crls"',
      '"server_domain", "other"',
      ...shown('other'),
      '"match_ip_address", "[other]127.0.0.1:5061"',
      '"client_tls_domain_avp", "tls_match_dom"',
      '"client_domain", "out"',
      '"ciphers_list", "[out]HIGH"',
    ),
  ) as { listeners: unknown; clients: unknown; min_version: unknown };
  const usual = { min_version: 'TLSv1.2', max_version: 'TLSv1.3', crl: 'none' };
  assert.equal(tls.min_version, 'TLSv1.3');
  assert.deepEqual(tls.listeners, [
    {
      address: ['127.0.0.1:5061'],
      certificate: '/etc/other.pem',
      private_key: '/etc/other.key',
      verify_client: true,
      ...usual,
      ciphers: 'DEFAULT',
    },
  ]);
  assert.deepEqual(tls.clients, [{ name: 'out', verify_server: true, ...usual, ciphers: 'HIGH' }]);
});

test('a file that demands checks of connections that are not made here runs without them, and they are reported', () => {
  for (const parameter of [
    ['tls_method', 'SSLv2'],
    ['db_url', 'mysql://u@127.0.0.1/o'],
  ] as const)
    assert.equal(demanding('opensips', parameter).verdict, 'runs without', parameter.join(' '));
  assert.equal(demanding('kamailio', ['verify_depth', '3']).verdict, 'runs without');
  writeFileSync(
    join(folder, 'demands-tls.cfg'),
    '[server:default]\nmethod = SSLv3\ncertificate = /a.pem\nprivate_key = /a.key\n',
  );
  assert.equal(demanding('kamailio', ['config', 'demands-tls.cfg']).verdict, 'runs without');
});

test('parameters that work differently from their names are reported once: versions that lower the security level, lists for the whole chain', () => {
  for (const [dialect, parameter, note] of [
    ['opensips', ['tls_method', '[default]TLSv1'], /^tls_method TLSv1: .*security level 0/],
    ['opensips', ['tls_method', 'TLSv1-TLSv1_1'], /security level 0/],
    ['opensips', ['crl_dir', '/crls'], /^crl_dir without crl_check_all 1/],
    ['kamailio', ['tls_method', 'TLSv1'], /security level 0/],
  ] as const) {
    const { verdict, notes } = demanding(dialect, parameter);
    assert.equal(verdict, 'runs whole');
    assert.equal(notes.length, 1, parameter.join(' '));
    assert.match(notes[0] ?? '', note);
  }
  for (const method of ['TLSv1_2', 'TLSv1-TLSv1_2', '-TLSv1_3', 'SSLv23'])
    assert.deepEqual(demanding('opensips', ['tls_method', method]).notes, [], method);
});

test('names of ciphers and curves that OpenSSL does not know are faults of the file', () => {
  assert.equal(demanding('opensips', ['ciphers_list', 'NOTHING-LIKE-THAT']).verdict, 'cannot run');
  assert.equal(demanding('opensips', ['ec_curve', 'round']).verdict, 'cannot run');
});
