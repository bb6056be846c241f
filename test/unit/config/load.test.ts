// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are what is tested
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { loadSettings, readSettings } from '../../../src/config/load.js';
import { ConfigError, formatProblems } from '../../../src/config/problem.js';
import { SwitchyardError } from '../../../src/core/errors.js';
import { assertLinear } from '../../support/growth.js';
import { configFolder, load, refusals } from './config-folder.js';

const ACME = { name: 'acme', db_url: 'mysql://u:p@h/d' };

test('all problems in all files are reported at once', (t) => {
  const lines = refusals(t, {
    'switchyard.json': {
      lisetn: ['udp:127.0.0.1:5060'],
      listen: ['udp:127.0.0.1:99999', 'upd:127.0.0.1:5060', 'tls:127.0.0.1'],
      partitions: './tenants',
      db_url: 'mysql://h/d',
      modparam: {
        ds_ping_intervall: 5,
        ds_probing_mode: 'x',
        attrs_avp: 'attrs',
        setid_col: 'a b',
        partition: ['p2: db_ulr=x', 'garbage', 'p3: table_name=a b'],
      },
      routing: [
        { match: { $rd: 'x' }, select: { partition: 'acmee', set: 1 }, failover: { codes: ['200'] } },
        { select: { partition: '$hdr(X-P)', set: '$hdr(X-Set)' } },
      ],
      http: '127.0.0.1',
      mi: { datagram: [{ socket_name: 'udp' }] },
    },
    'tenants/acme.json': { ...ACME, tabel_name: 'x' },
    'tenants/acme2.json': { ...ACME, flavour: 'kamilio' },
    'tenants/bad.json': '{\n  "name": "bad",\n}',
    'tenants/env.json': { name: 'env', db_url: 'mysql://u:${DB_PASS}@h/d' },
    'tenants/url.json': { name: 'url', db_url: 'mysqll://u:geheim@h/d' },
    'tenants/notes.txt': 'not a partition',
  });
  const expected = [
    'switchyard.json#/lisetn: unknown key "lisetn" (did you mean "listen"?)',
    'switchyard.json#/db_url: unknown key "db_url" here: it belongs in "modparam"',
    'switchyard.json#/modparam/ds_ping_intervall: unknown key "ds_ping_intervall" (did you mean "ds_ping_interval"?)',
    'switchyard.json#/modparam/ds_probing_mode: expected a whole number',
    'switchyard.json#/modparam/attrs_avp: expected an AVP, as in $avp(name)',
    'switchyard.json#/modparam/setid_col: expected a name of letters, digits, "_" and "$"',
    'switchyard.json#/modparam/partition/0: partition "p2": unknown parameter "db_ulr" (did you mean "db_url"?)',
    'switchyard.json#/modparam/partition/1: expected "name: param = value; ...", but there is no ":"',
    'switchyard.json#/routing/0/failover/codes/0: expected a reply code or class as in "408" or "5xx", or "timeout"',
    'switchyard.json#/http: the port is missing: expected host:port',
    'switchyard.json#/mi/datagram/0/socket_name: expected udp:host:port or the path of a UNIX socket, not "udp"',
    'switchyard.json#/listen/0: bad socket description "udp:127.0.0.1:99999": bad port "99999"',
    'switchyard.json#/listen/1: bad socket description "upd:127.0.0.1:5060": unknown transport "upd" (did you mean "udp"?)',
    'switchyard.json#/listen/2: a tls socket needs "tls" with a certificate',
    'tenants/acme.json#/tabel_name: unknown key "tabel_name" (did you mean "table_name"?)',
    'tenants/acme2.json#/flavour: must be one of "opensips", "kamailio" (did you mean "kamailio"?)',
    'tenants/acme2.json#/name: duplicate partition "acme": it is already defined in tenants/acme.json#',
    'tenants/bad.json#: not JSON: line 3, column 1: unexpected comma before "}"',
    'tenants/env.json#/db_url: environment variable DB_PASS is not set',
    'tenants/url.json#/db_url: database kind "mysqll" is not known: expected mysql://, postgres://, sqlite:, text: or list:',
  ];
  for (const line of expected) assert.ok(lines.includes(line), `${line}\nis missing in\n${lines.join('\n')}`);
  const others = [
    'switchyard.json#/modparam/partition/2: parameter "table_name" of partition "p3": expected a name of letters, digits, "_" and "$"',
    'switchyard.json#/modparam/partition/2: partition "p3" has no db_url, and neither has the default partition',
  ];
  assert.deepEqual(lines.toSorted(), [...expected, ...others].toSorted());
  assert.ok(!lines.join().includes('geheim'));
});

describe('routing rules', () => {
  const rules = (t: Parameters<typeof load>[0], routing: unknown[], more: object = {}) =>
    refusals(t, { 'switchyard.json': { partitions: [ACME], routing, ...more } });

  test('a literal partition must be known, a pseudo-variable is left alone', (t) => {
    assert.deepEqual(rules(t, [{ select: { partition: 'acmee', set: 1 } }]), [
      'switchyard.json#/routing/0/select/partition: unknown partition "acmee" (did you mean "acme"?)',
    ]);
    assert.deepEqual(rules(t, [{ select: { set: 'acmee:1,2' } }]), [
      'switchyard.json#/routing/0/select/set: unknown partition "acmee" (did you mean "acme"?)',
    ]);
    assert.deepEqual(rules(t, [{ select: { set: 1 } }]), [
      'switchyard.json#/routing/0/select: names no partition, and there is no default partition',
    ]);
    assert.deepEqual(
      rules(t, [
        { select: { partition: '$hdr(X-P)', set: 1 } },
        { select: { set: 'acme : 1, 2' } },
        { select: { partition: 'acme', set: '$hdr(X-Set)', alg: '$var(a)', max_res: '$var(m)' } },
        { select: { set: '$var(p):1' } },
      ]),
      [],
    );
  });

  test('types, codes, enums and blacklists', (t) => {
    assert.deepEqual(
      rules(t, [
        { relay: 'statefull' },
        { select: { partition: 'acme', set: 'x' } },
        { select: { partition: 'acme', set: 1, fn: 'domian' } },
        { failover: { codes: ['6xx', 408, '7xx'], mark: 'x', max: 0 } },
        { use_blacklist: ['gws'] },
        { reject: { code: 200 } },
        { match: { $si: true } },
        { match: { si: 'x' } },
      ]).map((line) => line.replace('switchyard.json#/routing/', '')),
      [
        '0/relay: must be one of "stateful", "stateless", "redirect", "reply" (did you mean "stateful"?)',
        '1/select/set: expected a set id, a list of them as in "1,2" or a pseudo-variable',
        '2/select/fn: must be one of "dst", "domain" (did you mean "domain"?)',
        '3/failover/codes/2: expected a reply code or class as in "408" or "5xx", or "timeout"',
        '3/failover/max: must be at least 1',
        '3/failover/mark: must be one of "p", "i", "a"',
        '6/match/$si: must be a string or a whole number, not true',
        '7/match/si: bad key "si": expected a pseudo-variable, as in $rd, or from_list',
        '4/use_blacklist/0: unknown blacklist "gws"',
        '5/reject/code: a code below 300 needs relay "reply" and a match of $rm other than INVITE',
      ],
    );
  });

  test('variables in changes for a destination are refused, with the accepted form', (t) => {
    const select = { partition: 'acme', set: 1 };
    assert.deepEqual(
      rules(t, [
        { select, destination: { prefix: '$attr(tech)' } },
        { select, destination: { strip: '$(avp(n))', headers: { 'X-A': 'a $avp(x)' } } },
        { select, destination: { prefix: '{tech}#', headers: { 'X-B': '5 $' } } },
      ]).map((line) => line.replace('switchyard.json#/routing/', '')),
      [
        '0/destination/prefix: "$attr(tech)" is not a variable here: attributes of the destination are written in braces (did you mean "{tech}"?)',
        '1/destination/strip: "$(avp)" is not a variable here: attributes of the destination are written in braces (did you mean "{avp}"?)',
        '1/destination/headers/X-A: "$avp(x)" is not a variable here: attributes of the destination are written in braces (did you mean "{x}"?)',
      ],
    );
  });

  test('are read with their defaults, numbers as text', (t) => {
    const { settings } = load(t, {
      'switchyard.json': {
        partitions: [{ ...ACME, ds_define_blacklist: 'gws=1' }],
        default: 'acme',
        routing: [
          { match: { $sp: 5060, $si: '10.1.0.0/16' }, select: { set: 3, alg: 0, max_res: 2 }, use_blacklist: 'gws' },
          { select: { set: '1,2' }, relay: 'redirect', failover: { codes: [408, '5XX'] }, record_route: true },
          { reject: { code: 404, reason: 'Gone' } },
        ],
      },
    });
    const [first, second, third] = settings.routing;
    assert.deepEqual(
      [...first!.match],
      [
        ['$sp', '5060'],
        ['$si', '10.1.0.0/16'],
      ],
    );
    assert.deepEqual(first!.select, { partition: undefined, set: '3', alg: '0', flags: 'f', maxRes: '2', fn: 'dst' });
    assert.deepEqual(first!.failover, { codes: ['408', '5xx'], max: undefined, mark: undefined });
    assert.deepEqual(first!.useBlacklist, ['gws']);
    assert.deepEqual([second!.pointer, second!.relay, second!.recordRoute], ['/routing/1', 'redirect', true]);
    assert.deepEqual(second!.failover.codes, ['408', '5xx']);
    assert.deepEqual([third!.select, third!.reject], [undefined, { code: 404, reason: 'Gone' }]);
  });
});

describe('environment', () => {
  test('is filled into any string, with defaults', (t) => {
    const files = {
      'switchyard.json': {
        node: '${NODE}',
        modparam: { ds_ping_interval: '${PING:-7}' },
        partitions: [{ name: 'a', db_url: 'mysql://u:${PW}@h/d', attrs_avp: '$avp(x)' }],
        log: { level: '${EMPTY:-warn}' },
      },
    };
    const { settings } = load(t, files, { NODE: 'n1', PW: 'a${NODE}@b', EMPTY: '' });
    assert.equal(settings.node, 'n1');
    assert.equal(settings.dispatcher.pingInterval, 7);
    // The value of a variable is not expanded again.
    assert.equal(settings.partitions[0]?.dbUrl, 'mysql://u:a${NODE}@b@h/d');
    assert.equal(settings.log.level, 'warn');
  });

  test('a missing variable is named once, with file and pointer', (t) => {
    assert.deepEqual(refusals(t, { 'switchyard.json': { node: '${A}', http: '${', partitions: [ACME] } }), [
      'switchyard.json#/node: environment variable A is not set',
      'switchyard.json#/http: "${" does not begin an environment reference: expected ${NAME} or ${NAME:-default}',
    ]);
  });
});

describe('which file', () => {
  test('switchyard.json of the working folder, a named one, or the built-in defaults', (t) => {
    const folder = configFolder(t, { 'switchyard.json': { node: 'here' }, 'sub/other.json': { node: 'there' } });
    assert.equal(loadSettings(undefined, { cwd: folder }).settings.node, 'here');
    const other = loadSettings('sub/other.json', { cwd: folder }).settings;
    assert.deepEqual([other.node, other.file], ['there', join(folder, 'sub/other.json')]);
    const { settings, warnings } = loadSettings(undefined, { cwd: join(folder, 'sub'), hostname: 'my host!' });
    assert.equal(settings.file, '(built-in defaults)');
    assert.equal(settings.node, 'my-host-');
    assert.deepEqual(
      settings.listen.map(({ text }) => text),
      ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'],
    );
    assert.equal(settings.defaultPartition, 'default');
    assert.equal(settings.partitions[0]?.dbUrl, `sqlite://${join(folder, 'sub/switchyard.db')}`);
    assert.deepEqual([settings.routing[0]?.select?.set, settings.routing[0]?.failover.codes], ['1', ['408', '5xx']]);
    assert.deepEqual(settings.http, { host: '127.0.0.1', port: 8085, hosts: [], openMetrics: false });
    assert.equal(settings.mi.fifo.length, 1);
    assert.deepEqual(warnings, []);
  });

  test('a file that is missing or not JSON', (t) => {
    const folder = configFolder(t, { 'a.json': '{"a": }', 'list.json': [] });
    const error = (file: string) => {
      try {
        loadSettings(file, { cwd: folder });
        return undefined;
      } catch (thrown) {
        return thrown as ConfigError;
      }
    };
    assert.equal(error('none.json')?.code, 'CONFIG_UNREADABLE');
    assert.equal(formatProblems(error('none.json')!.problems), 'none.json#: cannot be read: no such file');
    assert.match(formatProblems(error('a.json')!.problems), /^a\.json#: not JSON: line 1, column 7: /);
    assert.equal(error('list.json')?.code, 'CONFIG_INVALID');
    assert.ok(error('list.json') instanceof SwitchyardError);
  });

  test('partition files may be listed, and a folder must be there', (t) => {
    const { settings } = load(t, {
      'switchyard.json': { partitions: ['./b.json', './a.json', { name: 'c', db_url: 'list:./x.list' }] },
      'a.json': { $schema: './x', ...ACME },
      'b.json': { name: 'b', db_url: 'text:///etc' },
    });
    assert.deepEqual(
      settings.partitions.map(({ name }) => name),
      ['b', 'acme', 'c'],
    );
    assert.match(settings.partitions[2]!.source, /switchyard\.json#\/partitions\/2$/);
    assert.deepEqual(refusals(t, { 'switchyard.json': { partitions: './none' } }), [
      'switchyard.json#/partitions: folder "none" cannot be read',
    ]);
  });
});

test('an empty folder of partitions causes no warning; one with other files only does', (t) => {
  const warned = (files: Record<string, unknown>) =>
    load(t, { 'switchyard.json': { partitions: './tenants', modparam: { db_url: 'list:./x' } }, ...files })
      .warnings.map(({ pointer }) => pointer)
      .includes('/partitions');
  assert.equal(warned({ 'tenants/.keep': '' }), false);
  assert.equal(warned({ 'tenants/acme.jsn': '{}' }), true);
});

test('the result is frozen to the bottom, maps included', (t) => {
  const { settings } = load(t, {
    'switchyard.json': { partitions: [{ ...ACME, ds_define_blacklist: 'l=1' }], routing: [{ match: { $rd: 'x' } }] },
  });
  assert.throws(() => ((settings as { node: string }).node = 'x'), TypeError);
  assert.throws(() => (settings.partitions as unknown[]).push({}), TypeError);
  const lists = settings.partitions[0]!.blacklists as Map<string, number[]>;
  assert.throws(() => lists.set('m', [1]), TypeError);
  assert.throws(() => lists.get('l')!.push(2), TypeError);
  assert.throws(() => (settings.routing[0]!.match as Map<string, string>).clear(), TypeError);
});

test('a given value is neither kept nor changed', () => {
  const value = { partitions: [{ ...ACME }], modparam: { ds_ping_interval: '5' } };
  const before = structuredClone(value);
  assert.equal(readSettings(value).settings.dispatcher.pingInterval, 5);
  assert.deepEqual(value, before);
});

test('any JSON gives settings or ConfigError', () => {
  const key = fc.constantFrom(
    'listen',
    'modparam',
    'partitions',
    'routing',
    'mi',
    'events',
    'name',
    'db_url',
    'select',
    'set',
    'partition',
    'nats',
    'tls',
    'default',
    'http',
    'tm',
    '__proto__',
    'constructor',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(
        'acme',
        '',
        1,
        -1,
        null,
        true,
        'mysql://u:p@h/d',
        'udp:127.0.0.1',
        '${',
        '$rd',
        'default: acme',
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 6 }), (settings) => {
      try {
        readSettings(settings, { cwd: '/nonexistent', env: {} });
      } catch (error) {
        assert.ok(error instanceof ConfigError, String((error as Error).stack));
        assert.ok(error.problems.length > 0);
      }
    }),
    { numRuns: 500 },
  );
});

test('the sample settings and partitions load as they stand', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const { settings, warnings } = loadSettings('examples/sample/switchyard.json', {
    cwd: root,
    env: { SWITCHYARD_DATA: '/data' },
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    settings.partitions.map(({ name, dbUrl }) => [name, dbUrl]),
    [
      ['acme', 'sqlite:///data/acme.db'],
      ['globex', 'sqlite:///data/globex.db'],
    ],
  );
  assert.equal(settings.file, resolve(root, 'examples/sample/switchyard.json'));
  assert.equal(settings.events.nats?.jetstream?.stream, 'DISPATCHER');
});

test('references that are not closed take time in proportion to the setting', () => {
  const cases = ['${A:-', '${A:-${', '${A', '${', ':', ' ', ' :', '*'].map((unit) => ({
    name: unit,
    make: (length: number) => unit.repeat(length / unit.length),
  }));
  const read = (listen: string) => {
    try {
      readSettings({ listen, modparam: { db_url: 'text:./x', ds_probing_list: listen } }, { cwd: '/', env: {} });
    } catch {
      // The file is rejected.
    }
  };
  assertLinear('a setting', cases, read, { lengths: [65_536, 262_144], maxMs: 900, noiseMs: 40 });
});
