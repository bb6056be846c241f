import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { avpNameIn } from '../../../src/config/modparam.js';
import { refusals } from './config-folder.js';

const read = (modparam: object, more: object = {}) => readSettings({ modparam, ...more }, { cwd: '/etc/sw', env: {} });
const dispatcher = (modparam: object, more?: object) => read(modparam, more).settings.dispatcher;

describe('module parameters', () => {
  test('every example of the module document is taken', () => {
    const { settings } = read({
      db_url: 'mysql://user:passwb@localhost/database',
      attrs_avp: '$avp(272)',
      hash_pvar: 'hash the $fU@$ci',
      setid_pvar: '$var(setid)',
      ds_ping_method: 'INFO',
      ds_ping_from: 'sip:proxy@sip.somehost.com',
      ds_ping_interval: 30,
      ds_probing_sock: 'udp:192.168.1.100:5077',
      ds_probing_threshhold: 10,
      ds_probing_mode: 1,
      ds_define_blacklist: ['list= 1,4,3', 'blist2= 2,10,6'],
      options_reply_codes: '501, 403',
      dst_avp: '$avp(271)',
      grp_avp: '$avp(273)',
      cnt_avp: '$avp(274)',
      sock_avp: '$avp(275)',
      pvar_algo_pattern: '$stat(load_%u)',
      persistent_state: 0,
      table_name: 'my_dispatcher',
      partition:
        'part2 : db_url=mysql://user:passwd@localhost/database; table_name = ds_table; ds_define_blacklist= list2= 4,6;',
      setid_col: 'groupid',
      destination_col: 'uri',
      state_col: 'dststate',
      weight_col: 'dstweight',
      priority_col: 'dstprio',
      attrs_col: 'dstattrs',
      socket_col: 'my_sock',
    });
    const [deflt, part2] = settings.partitions;
    assert.deepEqual(
      [...deflt!.blacklists],
      [
        ['list', [1, 4, 3]],
        ['blist2', [2, 10, 6]],
      ],
    );
    assert.deepEqual([deflt!.dstAvp, deflt!.tableName, deflt!.persistentState], ['$avp(271)', 'my_dispatcher', false]);
    assert.deepEqual([part2!.name, part2!.tableName, part2!.columns.attrs], ['part2', 'ds_table', 'dstattrs']);
    assert.deepEqual([...part2!.blacklists], [['list2', [4, 6]]]);
    const { kamailio: _, ...ours } = settings.dispatcher;
    assert.deepEqual(ours, {
      hashPvar: 'hash the $fU@$ci',
      setidPvar: '$var(setid)',
      pvarAlgoPattern: '$stat(load_%u)',
      algoRoute: undefined,
      pingInterval: 30,
      pingMethod: 'INFO',
      pingFrom: 'sip:proxy@sip.somehost.com',
      pingMaxfwd: 70,
      pingContact: false,
      pingHeaders: [],
      pingTimeout: 2,
      probingSock: 'udp:192.168.1.100:5077',
      probingThreshold: 10,
      probingMode: 1,
      probingList: undefined,
      optionsReplyCodes: [501, 403],
      flushInterval: 15,
      freeswitch: { fetch: false, maxWeight: 100 },
    });
  });

  test('numbers may be strings, and both spellings of the threshold are accepted', () => {
    const config = dispatcher({
      ds_ping_interval: ' 10 ',
      ds_ping_timeout: '1.5',
      ds_probing_threshold: '5',
      ds_probing_mode: '1',
    });
    assert.deepEqual(
      [config.pingInterval, config.pingTimeout, config.probingThreshold, config.probingMode],
      [10, 1.5, 5, 1],
    );
    assert.equal(dispatcher({ ds_probing_threshold: 5, ds_probing_threshhold: '5' }).probingThreshold, 5);
  });

  test('bad values of module parameters are refused', (t) => {
    const lines = refusals(t, {
      'switchyard.json': {
        modparam: {
          ds_ping_interval: '-1',
          ds_ping_timeout: 0,
          ds_probing_threshold: 2,
          ds_probing_threshhold: 3,
          ds_ping_from: 'dispatcher@localhost',
          ds_probing_sock: 'udp:x:y',
          ds_ping_headers: ['X: y', 'Call-id: a', 'l:7'],
          options_reply_codes: '501; 403',
          ds_probing_list: '1, nope',
          hash_pvar: '',
          setid_pvar: 'setid',
          table_name: 'a as b, c',
          ds_ping_reply_codes: 'class=9',
          ds_define_blacklist: 'list',
          db_url: 'text:./x',
        },
      },
    }).map((line) => line.replace('switchyard.json#/modparam/', ''));
    for (const expected of [
      'ds_ping_interval: must be at least 0',
      'ds_ping_timeout: must be more than 0',
      'ds_probing_threshold: is another name of ds_probing_threshhold, which has another value',
      'ds_ping_from: expected a SIP URI, as in "sip:dispatcher@localhost"',
      'ds_probing_sock: bad socket description "udp:x:y": bad port "y"',
      'ds_ping_headers: "Call-id" is written by each probe itself',
      'ds_ping_headers: "l" is written by each probe itself',
      'options_reply_codes: expected reply codes as in "501, 403"',
      'ds_probing_list: unknown partition "nope"',
      'hash_pvar: must not be empty',
      'setid_pvar: expected a pseudo-variable, as in $var(setid)',
      'table_name: expected a name of letters, digits, "_" and "$"',
      'ds_ping_reply_codes: bad class 9: must be 1 to 6',
      'ds_define_blacklist: bad blacklist "list": expected a name and set ids, as in "list= 1,4,3"',
    ]) {
      assert.ok(lines.includes(expected), `${expected}\nis missing in\n${lines.join('\n')}`);
    }
    assert.equal(lines.length, 14, lines.join('\n'));
  });

  test('a probing method that belongs to a call is refused', (t) => {
    const lines = refusals(t, { 'switchyard.json': { modparam: { db_url: 'text:./x', ds_ping_method: 'invite' } } });
    assert.deepEqual(lines, ['switchyard.json#/modparam/ds_ping_method: INVITE cannot be used for probing']);
  });

  test('the probing list: documented set ids apply to every partition, partition:set to one', () => {
    const partitions = ['a', 'b'].map((name) => ({ name, db_url: 'text:./x' }));
    assert.deepEqual(dispatcher({ ds_probing_list: '1, a:2,b' }, { partitions }).probingList, [
      { partition: 'a', set: 1 },
      { partition: 'b', set: 1 },
      { partition: 'a', set: 2 },
      { partition: 'b', set: undefined },
    ]);
    assert.deepEqual(dispatcher({ ds_probing_list: 3 }, { partitions }).probingList?.length, 2);
  });

  test('a blacklist name stands for one list', (t) => {
    const lines = refusals(t, {
      'switchyard.json': {
        modparam: {
          partition: ['a: db_url=text:./x; ds_define_blacklist= l=1', 'b: db_url=text:./x; ds_define_blacklist= l=2'],
        },
      },
    });
    assert.deepEqual(lines, [
      'switchyard.json#/modparam/partition/1: blacklist "l" is already defined by partition "a"',
    ]);
  });

  test('one AVP or column cannot have two roles', (t) => {
    const lines = refusals(t, {
      'switchyard.json': {
        modparam: { db_url: 'text:./x', dst_avp: '$avp(x)', grp_avp: '$avp(x)', weight_col: 'setid', partition: 'p:' },
      },
    });
    assert.deepEqual(lines, [
      'switchyard.json#/modparam/grp_avp: AVP $avp(x) is used for both dst_avp and grp_avp',
      'switchyard.json#/modparam/weight_col: column setid is used for both setid_col and weight_col',
    ]);
  });

  test('parameters without effect are accepted with a warning', () => {
    const { warnings } = read({
      db_url: 'text:./x',
      cluster_id: 9,
      pvar_algo_pattern: '$stat(x)',
    });
    assert.deepEqual(warnings.map(({ pointer }) => pointer).sort(), [
      '/modparam/cluster_id',
      '/modparam/pvar_algo_pattern',
    ]);
  });

  test('names of the records of a selection, which a kamailio.cfg reads, are taken without a warning', () => {
    const { warnings } = read({ db_url: 'text:./x', xavp_dst: 'mine', xavp_ctx: 'ctx' });
    assert.deepEqual(warnings, []);
  });

  test('weights reported by FreeSWITCH servers are off by default', () => {
    const { settings, warnings } = read({
      db_url: 'text:./x',
      fetch_freeswitch_stats: '1',
      max_freeswitch_weight: '1000',
    });
    assert.deepEqual(warnings, []);
    assert.deepEqual(settings.dispatcher.freeswitch, { fetch: true, maxWeight: 1000 });
    assert.deepEqual(read({ db_url: 'text:./x' }).settings.dispatcher.freeswitch, { fetch: false, maxWeight: 100 });
  });

  test('parameters of Kamailio are accepted by their own names', () => {
    const { settings } = read({
      list_file: './dispatcher.list',
      ds_probing_mode: 3,
      ds_ping_reply_codes: 'class=2;code=403;code=488;class=3',
      ds_latency_estimator_alpha: '750',
      use_default: 1,
      flags: 2,
      setid_pvname: '$var(s)',
      ds_ping_fr_timer: 1500,
    });
    assert.equal(settings.partitions[0]?.dbUrl, 'list:///etc/sw/dispatcher.list');
    const { kamailio, probingMode, setidPvar, pingTimeout, probingThreshold } = settings.dispatcher;
    assert.deepEqual([probingMode, setidPvar, pingTimeout, probingThreshold], [1, '$var(s)', 1.5, 3]);
    assert.deepEqual(
      [kamailio?.probingMode, kamailio?.probingThreshold, kamailio?.pingReplyCodes, kamailio?.latencyAlpha],
      [3, 1, ['2xx', '403', '488', '3xx'], 0.75],
    );
    for (const [written, meant] of [
      ['501,403,404', ['501', '403', '404']],
      ['200|404|486', ['200', '404', '486']],
      [' code=403, class=3 ; 4xx', ['403', '3xx', '4xx']],
    ] as const) {
      const config = read({ db_url: 'text:./x', ds_ping_reply_codes: written }).settings.dispatcher.kamailio;
      assert.deepEqual(config?.pingReplyCodes, meant, written);
    }
    assert.deepEqual([kamailio?.useDefault, kamailio?.forceDst, kamailio?.flags], [true, true, 2]);
  });

  test('parameters of Kamailio 6.x are accepted', (t) => {
    const kamailio = (modparam: object) => dispatcher({ db_url: 'text:./x', ...modparam }).kamailio;
    assert.deepEqual(kamailio({})?.dns, { mode: undefined, interval: 600, ttl: 0, matchAll: undefined });
    assert.deepEqual(kamailio({ ds_dns_mode: '6', ds_dns_interval: 30, ds_dns_ttl: 10, ds_dns_match_all: 1 })?.dns, {
      mode: 6,
      interval: 30,
      ttl: 10,
      matchAll: true,
    });
    assert.deepEqual(kamailio({ ds_db_extra_attrs: 'socket=sockaddr; duid ,x.y=col_1;' })?.extraAttrs, [
      { name: 'socket', column: 'sockaddr' },
      { name: 'duid', column: 'duid' },
      { name: 'x.y', column: 'col_1' },
    ]);
    assert.deepEqual(kamailio({ event_callback: 'f', event_callback_mode: '2' })?.eventCallback, {
      route: 'f',
      mode: 2,
    });
    const refused = (modparam: object) =>
      refusals(t, { 'switchyard.json': { modparam: { db_url: 'text:./x', ...modparam } } }).join();
    assert.match(refused({ ds_db_extra_attrs: 'a=b c' }), /"a=b c" is not of the form "attribute=column"/);
    assert.match(refused({ ds_db_extra_attrs: 'a=b;a=c' }), /names the attribute a twice/);
    assert.match(refused({ ds_db_extra_attrs: 'a=b"--' }), /is not of the form "attribute=column"/);
    assert.match(refused({ ds_dns_mode: 16 }), /ds_dns_mode/);
    assert.match(refused({ event_callback_mode: 3 }), /event_callback_mode/);
  });
});

test('an AVP parameter is read with and without a type prefix', () => {
  assert.equal(avpNameIn('$avp(ds_dst_failover_p.2)'), 'ds_dst_failover_p.2');
  assert.equal(avpNameIn('$avp(s:dst)'), 'dst');
  assert.equal(avpNameIn('$avp( i:272 )'), '272', 'the name a script has by this text');
  assert.throws(() => avpNameIn('avp'), /is not an AVP/);
});
