/**
 * Every example of the documentation of the dispatcher module (OpenSIPS 2.1, examples 1.1 to 1.32) in its TypeScript
 * form: parameters as settings, functions and the sample script as route scripts.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readSettings } from '../../src/config/load.js';
import type { PartitionConfig, Settings } from '../../src/config/settings.js';
import { compileWritable } from '../../src/pvar/format.js';
import { RequestScope } from '../../src/route/request-scope.js';
import { loadScript } from '../../src/route/script/load.js';
import type { ScriptRoutes } from '../../src/route/script/routes.js';
import { dispatcherFormats } from '../../src/tenant/options.js';
import { row } from '../support/partitions.js';
import { PACKAGE_URL } from '../support/program.js';
import { type ScriptFixtureOptions, scriptFixture } from '../support/script-fixture.js';
import { parsed, requestText } from '../support/sip-recorder.js';

interface ParameterExample {
  readonly example: string;
  readonly modparam: Readonly<Record<string, unknown>>;
  /** Compares the resulting settings. */
  readonly read: (settings: Settings, partition: PartitionConfig | undefined) => unknown;
  readonly expected: unknown;
}

const DB = 'mysql://user:passwb@localhost/database';
const hashed = (settings: Settings): string | undefined => {
  const scope = new RequestScope(
    parsed(requestText()),
    undefined,
    'sip:bob@example.com',
    dispatcherFormats(settings.dispatcher, () => undefined),
  );
  scope.pvars.avps.set('273', 'custom');
  return scope.hashVar('default');
};

const PARAMETERS: readonly ParameterExample[] = [
  { example: '1.1', modparam: { db_url: DB }, read: (_s, p) => p?.dbUrl, expected: DB },
  { example: '1.2', modparam: { attrs_avp: '$avp(272)' }, read: (_s, p) => p?.attrsAvp, expected: '$avp(272)' },
  { example: '1.3', modparam: { hash_pvar: '$avp(273)' }, read: hashed, expected: 'custom' },
  {
    example: '1.4',
    modparam: { hash_pvar: 'hash the $fU@$ci' },
    read: hashed,
    expected: 'hash the alice@call-1@example.org',
  },
  {
    example: '1.5',
    modparam: { setid_pvar: '$var(setid)' },
    read: ({ dispatcher }) => compileWritable(dispatcher.setidPvar ?? '').names,
    expected: ['var'],
  },
  { example: '1.6', modparam: { ds_ping_method: 'INFO' }, read: (s) => s.dispatcher.pingMethod, expected: 'INFO' },
  {
    example: '1.7',
    modparam: { ds_ping_from: 'sip:proxy@sip.somehost.com' },
    read: (s) => s.dispatcher.pingFrom,
    expected: 'sip:proxy@sip.somehost.com',
  },
  { example: '1.8', modparam: { ds_ping_interval: 30 }, read: (s) => s.dispatcher.pingInterval, expected: 30 },
  {
    example: '1.9',
    modparam: { ds_probing_sock: 'udp:192.168.1.100:5077' },
    read: (s) => s.dispatcher.probingSock,
    expected: 'udp:192.168.1.100:5077',
  },
  {
    example: '1.10',
    modparam: { ds_probing_threshhold: 10 },
    read: (s) => s.dispatcher.probingThreshold,
    expected: 10,
  },
  { example: '1.11', modparam: { ds_probing_mode: 1 }, read: (s) => s.dispatcher.probingMode, expected: 1 },
  {
    example: '1.12',
    modparam: { ds_define_blacklist: ['list= 1,4,3', 'blist2= 2,10,6'] },
    read: (_s, p) => [...(p?.blacklists ?? [])],
    expected: [
      ['list', [1, 4, 3]],
      ['blist2', [2, 10, 6]],
    ],
  },
  {
    example: '1.13',
    modparam: { options_reply_codes: '501, 403' },
    read: (s) => s.dispatcher.optionsReplyCodes,
    expected: [501, 403],
  },
  { example: '1.14', modparam: { dst_avp: '$avp(271)' }, read: (_s, p) => p?.dstAvp, expected: '$avp(271)' },
  { example: '1.15', modparam: { grp_avp: '$avp(273)' }, read: (_s, p) => p?.grpAvp, expected: '$avp(273)' },
  { example: '1.16', modparam: { cnt_avp: '$avp(274)' }, read: (_s, p) => p?.cntAvp, expected: '$avp(274)' },
  { example: '1.17', modparam: { sock_avp: '$avp(275)' }, read: (_s, p) => p?.sockAvp, expected: '$avp(275)' },
  {
    example: '1.18',
    modparam: { pvar_algo_pattern: '$stat(load_%u)' },
    read: (s) => {
      const formats = dispatcherFormats(s.dispatcher, (name) => (name === 'load_sip:10.0.0.1' ? 7 : undefined));
      return new RequestScope(parsed(requestText()), undefined, '', formats).loadOf('default', 'sip:10.0.0.1', 1);
    },
    expected: 7,
  },
  { example: '1.19', modparam: { persistent_state: 0 }, read: (_s, p) => p?.persistentState, expected: false },
  {
    example: '1.20',
    modparam: { table_name: 'my_dispatcher' },
    read: (_s, p) => p?.tableName,
    expected: 'my_dispatcher',
  },
  {
    example: '1.21',
    modparam: {
      partition:
        'part2 : db_url=mysql://user:passwd@localhost/database; table_name = ds_table; ds_define_blacklist= list2= 4,6;',
    },
    read: ({ partitions }) => {
      const part2 = partitions.find((each) => each.name === 'part2');
      return [part2?.dbUrl, part2?.tableName, [...(part2?.blacklists ?? [])]];
    },
    expected: ['mysql://user:passwd@localhost/database', 'ds_table', [['list2', [4, 6]]]],
  },
  { example: '1.22', modparam: { setid_col: 'groupid' }, read: (_s, p) => p?.columns.setid, expected: 'groupid' },
  { example: '1.23', modparam: { destination_col: 'uri' }, read: (_s, p) => p?.columns.destination, expected: 'uri' },
  { example: '1.24', modparam: { state_col: 'dststate' }, read: (_s, p) => p?.columns.state, expected: 'dststate' },
  { example: '1.25', modparam: { weight_col: 'dstweight' }, read: (_s, p) => p?.columns.weight, expected: 'dstweight' },
  { example: '1.26', modparam: { priority_col: 'dstprio' }, read: (_s, p) => p?.columns.priority, expected: 'dstprio' },
  { example: '1.27', modparam: { attrs_col: 'dstattrs' }, read: (_s, p) => p?.columns.attrs, expected: 'dstattrs' },
  { example: '1.28', modparam: { socket_col: 'my_sock' }, read: (_s, p) => p?.columns.socket, expected: 'my_sock' },
];

describe('examples of parameters', () => {
  for (const { example, modparam, read, expected } of PARAMETERS) {
    test(example, () => {
      // Each needs a database to load from, as the documentation says.
      const { settings } = readSettings({ modparam: { db_url: DB, ...modparam } }, { cwd: '/etc/switchyard', env: {} });
      const partition = settings.partitions.find((each) => each.name === 'default');
      assert.deepEqual(read(settings, partition), expected);
    });
  }
});

const SCRIPTS = join(import.meta.dirname, '../../examples/scripts');

const PARTITIONS: NonNullable<ScriptFixtureOptions['partitions']> = {
  default: {
    rows: [
      row('sip:10.1.0.1:5060'),
      row('sip:10.1.0.2:5060'),
      row('sip:10.1.0.3:5060', { state: 'inactive' }),
      row('sip:192.0.2.1:5060', { setId: 2 }),
    ],
  },
  part2: {
    rows: [
      row('sip:10.2.0.1'),
      row('sip:10.2.0.2', { state: 'inactive' }),
      row('sip:10.2.0.3', { state: 'probing' }),
      row('sip:10.2.2.1:5080', { setId: 2 }),
    ],
  },
  part3: { rows: [row('sip:10.3.0.1'), row('sip:10.3.0.2')] },
  part4: { rows: [row('sip:10.4.0.1', { setId: 2 }), row('sip:10.4.0.2', { setId: 3 })] },
  p4: { rows: [row('sip:10.5.0.1'), row('sip:10.5.0.2', { setId: 2 })] },
};

async function script(name: string, options: ScriptFixtureOptions = { partitions: PARTITIONS }) {
  const file = join(SCRIPTS, name);
  const { routes } = await loadScript(file, PACKAGE_URL);
  return scriptFixture(routes as ScriptRoutes, { ...options, file });
}

describe('examples of functions', () => {
  const answers = async (uri: string): Promise<string> => {
    const fixture = await script('functions.ts');
    fixture.call({ uri });
    assert.deepEqual(
      fixture.log.filter((each) => each.level !== 'info'),
      [],
    );
    return fixture.lastToCaller().reason;
  };

  test('1.29 the example of ds_select_dst selects as documented', async () => {
    assert.equal(await answers('sip:1.29@example.com'), 'true true true true true');
  });

  test('1.29 the example with several groups and variables selects as documented', () => {
    const seen: unknown[] = [];
    const fixture = scriptFixture(
      {
        request(r) {
          r.set('$var(part_name)', 'p4');
          r.set('$var(setid)', '1, 2');
          r.set('$var(alg)', '4, 2');
          r.set('$var(flags)', ' sFDU M 2, fuS M 3');
          seen.push(r.ds_select_dst('$var(part_name):$var(setid)', '$var(alg)', '$var(flags)'), r.du);
          seen.push(r.ds_next_dst('p4'), r.du, r.ds_next_dst('p4'));
        },
      },
      { partitions: PARTITIONS },
    );
    fixture.call();
    assert.deepEqual(seen, [true, 'sip:10.5.0.1', true, 'sip:10.5.0.2', false]);
  });

  test('1.30 the example of ds_count counts as documented', async () => {
    assert.equal(await answers('sip:1.30@example.com'), '2 2');
  });

  test('1.31 the example of ds_is_in_list finds the address as documented', async () => {
    assert.equal(await answers('sip:1.31@10.2.2.1:5080'), 'true false true');
    assert.equal(await answers('sip:1.31@192.0.2.1'), 'true true false');
  });
});

describe('1.32, the sample script', () => {
  for (const name of ['sample.ts', 'sample.js']) {
    test(name, async () => {
      const fixture = await script(name);
      fixture.call();
      assert.deepEqual(fixture.targets(), ['192.0.2.1:5060']);
      fixture.answer(fixture.relayed()[0]?.text ?? '', 200);
      assert.equal(fixture.codes().at(-1), 200);

      fixture.call({ branch: 'z9hG4bKhops', maxForwards: '0' });
      assert.deepEqual([fixture.lastToCaller().status, fixture.lastToCaller().reason], [483, 'To Many Hops']);

      const empty = await script(name, { partitions: { default: { rows: [row('sip:10.0.0.1')] } } });
      empty.call();
      assert.deepEqual([empty.lastToCaller().status, empty.lastToCaller().reason], [500, 'Unable to route']);
    });
  }
});
