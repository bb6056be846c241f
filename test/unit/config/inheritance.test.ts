import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import type { PartitionConfig } from '../../../src/config/settings.js';
import { load, refusals } from './config-folder.js';

const URL = 'mysql://u:p@h/d';

/** Partitions of a configuration, by name. */
function partitions(settings: object): Record<string, PartitionConfig> {
  const loaded = readSettings(settings, { cwd: '/etc/sw', env: {} });
  return Object.fromEntries(loaded.settings.partitions.map((partition) => [partition.name, partition]));
}

/**
 * key, its field, values for global, default and own, the documented default, whether modparam applies to all
 * partitions.
 */
const MATRIX: readonly (readonly [string, keyof PartitionConfig, string | undefined, readonly unknown[], unknown])[] = [
  ['persistent_state', 'persistentState', 'persistent_state', [0, 1, 0], true],
  ['persistent_state', 'persistentState', 'persistent_state', [1, 0, 1], true],
  ['persistent_state', 'persistentState', 'persistent_state', [false, true, false], true],
  ['ping_from', 'pingFrom', 'ds_ping_from', ['sip:g@x', 'sip:d@x', 'sip:o@x'], 'sip:dispatcher@localhost'],
  ['ping_method', 'pingMethod', 'ds_ping_method', ['INFO', 'MESSAGE', 'NOTIFY'], 'OPTIONS'],
  ['ping_sock', 'pingSock', 'ds_probing_sock', ['udp:1.1.1.1', 'udp:2.2.2.2', 'udp:3.3.3.3'], undefined],
  ['blacklist_match', 'blacklistMatch', 'blacklist_match', ['endpoint', 'ip', 'endpoint'], 'ip'],
  ['table_name', 'tableName', undefined, ['', 'deflt', 'own'], 'dispatcher'],
  ['attrs_avp', 'attrsAvp', undefined, ['', '$avp(d)', '$avp(o)'], undefined],
  ['dst_avp', 'dstAvp', undefined, ['', '$avp(d)', '$avp(o)'], '$avp(ds_dst_failover_acme)'],
  ['grp_avp', 'grpAvp', undefined, ['', '$avp(d)', '$avp(o)'], '$avp(ds_grp_failover_acme)'],
  ['cnt_avp', 'cntAvp', undefined, ['', '$avp(d)', '$avp(o)'], '$avp(ds_cnt_failover_acme)'],
  ['sock_avp', 'sockAvp', undefined, ['', '$avp(d)', '$avp(o)'], '$avp(ds_sock_failover_acme)'],
  ['flavour', 'flavour', undefined, ['', 'kamailio', 'opensips'], 'opensips'],
  ['compat', 'compat', undefined, ['', 'strict', 'default'], 'default'],
];

describe('effective values: global x default partition x own', () => {
  for (const [key, field, global, [forAll, forDefault, forOwn], documented] of MATRIX) {
    test(`${key} ${JSON.stringify(forOwn)}`, () => {
      for (let mask = 0; mask < 16; mask++) {
        const hasGlobal = global !== undefined && (mask & 1) !== 0;
        const hasDefault = (mask & 2) !== 0;
        const defaultSays = hasDefault && (mask & 4) !== 0;
        const ownSays = (mask & 8) !== 0;
        const settings = {
          modparam: hasGlobal ? { [global]: forAll } : {},
          partitions: [
            { name: 'acme', db_url: URL, ...(ownSays && { [key]: forOwn }) },
            ...(hasDefault ? [{ name: 'default', db_url: URL, ...(defaultSays && { [key]: forDefault }) }] : []),
          ],
        };
        let expected: unknown = documented;
        if (hasGlobal) expected = forAll;
        if (defaultSays) expected = forDefault;
        if (ownSays) expected = forOwn;
        if (field === 'persistentState') expected = Boolean(expected);
        assert.equal(partitions(settings)['acme']?.[field], expected, JSON.stringify(settings));
      }
    });
  }

  test('script_attrs_avp is not inherited, as recorded', () => {
    const of = (own: object) =>
      partitions({
        partitions: [
          { name: 'acme', db_url: URL, ...own },
          { name: 'default', db_url: URL, script_attrs_avp: '$avp(d)' },
        ],
      });
    assert.equal(of({})['acme']?.scriptAttrsAvp, undefined);
    assert.equal(of({})['default']?.scriptAttrsAvp, '$avp(d)');
    assert.equal(of({ script_attrs_avp: '$avp(o)' })['acme']?.scriptAttrsAvp, '$avp(o)');
  });

  test('a flag may be written as string, number or boolean', () => {
    for (const [written, expected] of [
      ['0', false],
      ['1', true],
      [0, false],
      [1, true],
      [true, true],
      [false, false],
    ]) {
      const acme = partitions({ partitions: [{ name: 'acme', db_url: URL, persistent_state: written }] })['acme'];
      assert.equal(acme?.persistentState, expected);
      const by = partitions({ modparam: { partition: `p: db_url=${URL}`, persistent_state: written } });
      assert.equal(by['p']?.persistentState, expected);
    }
  });
});

describe('the default partition', () => {
  test('exists only if one of its eight parameters is set', () => {
    const others = [{ name: 'acme', db_url: URL }];
    const plain = readSettings({
      modparam: { persistent_state: 0, setid_col: 'g', hash_pvar: '$ci' },
      partitions: others,
    });
    assert.deepEqual(
      plain.settings.partitions.map(({ name }) => name),
      ['acme'],
    );
    assert.equal(plain.settings.defaultPartition, undefined);
    const made = readSettings({ modparam: { db_url: URL }, partitions: others });
    assert.deepEqual(
      made.settings.partitions.map(({ name }) => name),
      ['default', 'acme'],
    );
    assert.equal(made.settings.defaultPartition, 'default');
  });

  test('gets the documented names of its AVPs', () => {
    const { default: deflt, p } = partitions({ modparam: { db_url: URL, partition: 'p: table_name=t' } });
    assert.deepEqual(
      [deflt?.dstAvp, deflt?.grpAvp, deflt?.cntAvp, deflt?.sockAvp],
      ['dst', 'grp', 'cnt', 'sock'].map((role) => `$avp(ds_${role}_failover)`),
    );
    // Defaults of the default partition are not inherited: partitions with the same AVPs would overwrite each other's
    // lists.
    assert.equal(p?.dstAvp, '$avp(ds_dst_failover_p)');
    assert.equal(p?.dbUrl, URL);
  });

  test('may be defined by a partition string, a file or module parameters, also together', () => {
    assert.equal(partitions({ modparam: { partition: `default: db_url=${URL}` } })['default']?.dbUrl, URL);
    const mixed = partitions({
      modparam: {
        table_name: 'tt',
        partition: [`default: db_url=${URL}`, 'p2: attrs_avp=$avp(x)', 'p2: table_name=t2'],
      },
    });
    assert.deepEqual([mixed['default']?.tableName, mixed['default']?.dbUrl], ['tt', URL]);
    assert.deepEqual([mixed['p2']?.tableName, mixed['p2']?.attrsAvp], ['t2', '$avp(x)']);
    const file = partitions({ modparam: { table_name: 'tt' }, partitions: [{ name: 'default', db_url: URL }] });
    assert.equal(file['default']?.tableName, 'tt');
  });

  test('with nothing to load only passes its values on, with a warning', () => {
    const loaded = readSettings({ modparam: { attrs_avp: '$avp(a)', partition: `p: db_url=${URL}` } });
    assert.deepEqual(
      loaded.settings.partitions.map(({ name, attrsAvp }) => [name, attrsAvp]),
      [['p', '$avp(a)']],
    );
    assert.match(
      loaded.warnings[0]?.reason ?? '',
      /setting attrs_avp by modparam creates the default partition: not loaded/,
    );
    assert.equal(loaded.settings.defaultPartition, undefined);
  });

  test('may be another partition, which is then not inherited from', () => {
    for (const settings of [
      { default: 'acme' },
      { modparam: { partition: 'default: acme' } },
      { default: 'acme', modparam: { partition: 'default : acme;' } },
    ]) {
      const loaded = readSettings({
        ...settings,
        partitions: [
          { name: 'acme', db_url: URL, attrs_avp: '$avp(a)' },
          { name: 'globex', db_url: URL },
        ],
        routing: [{ select: { set: 1 } }, { select: { partition: 'default', set: 1 } }],
      });
      assert.equal(loaded.settings.defaultPartition, 'acme');
      assert.equal(loaded.settings.partitions[1]?.attrsAvp, undefined);
    }
  });

  test('blacklists are not inherited', () => {
    const { p } = partitions({ modparam: { db_url: URL, ds_define_blacklist: ['a= 1,4', 'b=2'], partition: 'p:' } });
    assert.equal(p?.blacklists.size, 0);
    const own = partitions({
      modparam: { partition: `p: db_url=${URL}; ds_define_blacklist= l1= 4,6; ds_define_blacklist=l2=7` },
    });
    assert.deepEqual(
      [...(own['p']?.blacklists ?? [])],
      [
        ['l1', [4, 6]],
        ['l2', [7]],
      ],
    );
  });

  test('a relative path starts from the file that names it, also when inherited', (t) => {
    const { settings } = load(t, {
      'switchyard.json': { modparam: { db_url: 'sqlite:./main.db' }, partitions: './tenants' },
      'tenants/a.json': { name: 'a', db_url: 'sqlite:./a.db' },
      'tenants/b.json': { name: 'b' },
    });
    const urls = settings.partitions.map(({ name, dbUrl }) => `${name} ${dbUrl.split('/').slice(-2).join('/')}`);
    assert.match(urls[0]!, /^default .*\/main\.db$/);
    assert.equal(urls[1], 'a tenants/a.db');
    assert.equal(urls[2], urls[0]!.replace('default', 'b'));
  });

  test('contradictory settings of partitions are refused', (t) => {
    const refused = (settings: object) => refusals(t, { 'switchyard.json': settings });
    const two = [{ name: 'acme', db_url: URL }];
    assert.match(
      refused({ default: 'acme', modparam: { db_url: URL }, partitions: two })[0]!,
      /cannot be the default partition/,
    );
    assert.match(
      refused({ default: 'acmee', partitions: two })[0]!,
      /#\/default: unknown partition "acmee" \(did you mean "acme"\?\)/,
    );
    assert.match(
      refused({ default: 'acme', modparam: { partition: 'default: x' }, partitions: two })[0]!,
      /already "x"/,
    );
    assert.match(refused({ modparam: { table_name: 't' } })[0]!, /no db_url; setting table_name by modparam/);
    assert.match(
      refused({ partitions: [{ name: 'acme' }] })[0]!,
      /partition "acme" has no db_url, and there is no default/,
    );
    assert.match(refused({ modparam: { db_url: URL, list_file: './x' } })[0]!, /db_url is set as well/);
    assert.match(refused({ modparam: { db_url: URL, partition: `default: db_url=${URL}` } })[0]!, /already set in/);
  });
});

test('names of columns are global, or of one partition, also the column of flags of Kamailio', () => {
  const { default: deflt, k } = partitions({
    modparam: { db_url: URL, setid_col: 'groupid', destination_col: 'uri', flags_col: 'fl' },
    partitions: [{ name: 'k', flavour: 'kamailio', setid_col: 'kset' }],
  });
  assert.deepEqual([deflt?.columns.setid, deflt?.columns.destination, deflt?.columns.flags], ['groupid', 'uri', 'fl']);
  assert.deepEqual([k?.columns.setid, k?.columns.destination, k?.flavour], ['kset', 'uri', 'kamailio']);
});

test('a list file makes a partition kamailio, and cannot be opensips', (t) => {
  const { a, b } = partitions({
    partitions: [
      { name: 'a', db_url: 'list:./x' },
      { name: 'b', db_url: URL },
    ],
  });
  assert.deepEqual([a?.flavour, b?.flavour], ['kamailio', 'opensips']);
  assert.equal(partitions({ modparam: { list_file: '/x' } })['default']?.flavour, 'kamailio');
  const lines = refusals(t, {
    'switchyard.json': { partitions: [{ name: 'a', db_url: 'list:./x', flavour: 'opensips' }] },
  });
  assert.deepEqual(lines, ['switchyard.json#/partitions/0/flavour: a list file needs flavour "kamailio"']);
});

test('ten thousand tenants are read fast enough for a reload', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ name: `t${i}`, table_name: `t${i}` }));
  const { settings } = readSettings({ modparam: { db_url: URL }, partitions: many });
  assert.equal(settings.partitions.length, 10_001);
  assert.equal(settings.partitions[10_000]?.dbUrl, URL);
});
