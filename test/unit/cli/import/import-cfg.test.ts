import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { importCfg } from '../../../../src/cli/import/import-cfg.js';

const OPENSIPS = `
log_level=3  # level
socket=udp:127.0.0.1:5060 as 203.0.113.7:5060 use_children 4
socket=tcp:127.0.0.1:5060
/* modparam("dispatcher","db_url","mysql://no") */
# modparam("dispatcher","ds_ping_interval", 99)
loadmodule "dispatcher.so"
modparam("tm", "fr_timeout", 7)
modparam("tm|sl", "fr_inv_timeout", 30)
modparam("dispatcher", "db_url", "mysql://opensips:se#cret@localhost/opensips")
modparam("dispatcher", "ds_ping_interval", 30)
modparam("dispatcher", "partition", "part2 : db_url=mysql://u:p@localhost/db; table_name = ds_table; ds_define_blacklist= list2= 4,6;")
modparam("dispatcher", "ds_define_blacklist", "list= 1,4,3")
modparam("dispatcher", "ds_define_blacklist", "blist2= 2,10,6")
modparam("dispatcher", "nosuch", 1)
modparam("mi_fifo", "fifo_name", "/tmp/opensips_fifo")
modparam("mi_fifo", "fifo_mode", 0666)
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:8080")
modparam("event_rabbitmq", "heartbeat", 3)
route {
  if (is_method("INVITE")) record_route();
  if (!ds_select_dst("2","4","f")) { send_reply("500","No destinations"); exit; }
  t_relay();
}
failure_route[GW_FAILOVER] {
  if (t_check_status("(408)|([56][0-9][0-9])")) { ds_mark_dst("p"); if (ds_next_dst()) { t_relay(); exit; } }
}
`;

describe('import of opensips.cfg', () => {
  const { settings, partitions, notes } = importCfg(OPENSIPS);

  test('carries listeners, timers, module parameters and MI over', () => {
    assert.deepEqual(settings['listen'], ['udp:127.0.0.1:5060 as 203.0.113.7:5060', 'tcp:127.0.0.1:5060']);
    assert.deepEqual(settings['tm'], { fr_timeout: 7, fr_inv_timeout: 30 });
    assert.deepEqual(settings['modparam'], {
      db_url: 'mysql://opensips:se#cret@localhost/opensips',
      ds_ping_interval: 30,
      ds_define_blacklist: ['list= 1,4,3', 'blist2= 2,10,6'],
    });
    assert.deepEqual(settings['mi'], {
      fifo: { fifo_name: '/tmp/opensips_fifo', fifo_mode: '0666' },
      datagram: [{ socket_name: 'udp:127.0.0.1:8080' }],
    });
  });

  test('what stands in a comment of several lines is none of ours', () => {
    const text =
      '/* off:\n   modparam("tm", "fr_timeout", 9)\n*/\nmodparam("tm", "fr_timeout", 3) /* open to the end\nport=1';
    assert.deepEqual(importCfg(text).settings['tm'], { fr_timeout: 3 });
    assert.ok(!importCfg(text).notes.some((note) => /port/.test(note)));
  });

  test('sockets lose what has no counterpart, and what was passed over is said', () => {
    const { settings, notes } = importCfg(`
port=5060
alias=udp:sip.example.com:5060
listen=udp:192.0.2.1:5060 as 198.51.100.1:5060 use_workers 8
socket=tcp:192.0.2.1:5060 use_children 2 anycast tag edge
socket=udp:192.0.2.2 advertise 203.0.113.2:5062 use_auto_scaling_profile P
socket=hep_udp:127.0.0.1:9060
modparam("usrloc|rr", "x", 1)
modparam("permissions", "db_url", "mysql://a:geheim@c/d")`);
    assert.deepEqual(settings['listen'], [
      'udp:192.0.2.1:5060 as 198.51.100.1:5060',
      'tcp:192.0.2.1:5060',
      'udp:192.0.2.2 as 203.0.113.2:5062',
    ]);
    assert.deepEqual(notes, [
      'line 2: port=5060: write it into the sockets of "listen"',
      'line 3: alias=udp:sip.example.com:5060 has no counterpart: rules say which requests are taken',
      'line 5: socket=tcp:192.0.2.1:5060: its options have no counterpart: anycast tag edge',
      'line 6: socket=udp:192.0.2.2 as 203.0.113.2:5062: its options have no counterpart: use_auto_scaling_profile P',
      'line 7: socket=hep_udp:127.0.0.1:9060: protocol hep_udp has no counterpart',
      'parameters of these modules have no counterpart: permissions, rr, usrloc',
    ]);
  });

  test('makes a file of each partition', () => {
    assert.deepEqual([...partitions.keys()], ['part2']);
    assert.equal(partitions.get('part2')?.['table_name'], 'ds_table');
    assert.deepEqual(partitions.get('part2')?.['ds_define_blacklist'], ['list2= 4,6']);
  });

  test('makes a rule of the first selection, with its failover', () => {
    assert.deepEqual(settings['routing'], [
      {
        match: {},
        select: { set: 2, alg: 4, flags: 'f' },
        failover: { codes: ['408', '5xx', '6xx'], mark: 'p' },
        record_route: true,
      },
    ]);
  });

  test('takes partition, bound and variables of the selection along, also past an argument that is left out', () => {
    const selection = (call: string) => {
      const { settings } = importCfg(`route { if (!${call}) exit; }\nfailure_route[f] { ds_next_dst(); }`);
      return (settings['routing'] as { select: unknown }[])[0]?.select;
    };
    const all = { partition: 'trunks', set: 1, alg: 4, flags: 'fu', max_res: 3 };
    assert.deepEqual(selection('ds_select_dst(1, 4, "fu", "trunks", 3)'), all);
    assert.deepEqual(selection('ds_select_dst(1, 4, , "trunks")'), { partition: 'trunks', set: 1, alg: 4, flags: 'f' });
    assert.deepEqual(selection('ds_select_domain($(hdr(X-Set){s.int}), "0")'), {
      set: '$(hdr(X-Set){s.int})',
      alg: 0,
      fn: 'domain',
      flags: 'f',
    });
    assert.deepEqual(selection('ds_select_dst("part4 : 2,3", "0,1", "fuD M 5, fuS M 2")'), {
      set: 'part4 : 2,3',
      alg: '0,1',
      flags: 'fuD M 5, fuS M 2',
    });
  });

  test('lists what it could not carry over, with its line', () => {
    assert.ok(notes.includes('line 15: dispatcher parameter "nosuch" is not known and was left out'), notes.join('\n'));
    assert.ok(notes.some((note) => /^line 19: event_rabbitmq/.test(note)));
    assert.ok(notes.some((note) => /failure_route\[GW_FAILOVER\]: routing logic/.test(note)));
  });
});

describe('import of kamailio.cfg', () => {
  test('is told by its marks; the partition gets the flavour, timers are milliseconds', () => {
    const { settings, partitions } = importCfg(`#!KAMAILIO
listen=udp:10.0.0.1:5060 advertise 198.51.100.4:5060
modparam("tm", "fr_timer", 5000)
modparam("dispatcher", "list_file", "/etc/kamailio/dispatcher.list")
modparam("dispatcher", "flags", 2)
modparam("dispatcher", "ds_ping_interval", 10)
`);
    assert.deepEqual(settings['listen'], ['udp:10.0.0.1:5060 as 198.51.100.4:5060']);
    assert.deepEqual(settings['tm'], { fr_timeout: 5 });
    assert.deepEqual(settings['modparam'], { flags: 2, ds_ping_interval: 10 });
    assert.equal(partitions.get('default')?.['flavour'], 'kamailio');
    assert.equal(partitions.get('default')?.['db_url'], 'list:/etc/kamailio/dispatcher.list');
  });

  test('the third argument of a selection is a limit', () => {
    const { settings } = importCfg(
      '#!KAMAILIO\nroute { if (!ds_select_dst("$var(set)", "4", "2")) exit; ds_next_dst(); }',
    );
    assert.deepEqual((settings['routing'] as { select: unknown }[])[0]?.select, {
      set: '$var(set)',
      alg: 4,
      max_res: 2,
      flags: 'f',
    });
  });
});

test('any text is read without an exception', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          'modparam',
          '(',
          ')',
          '"',
          "'",
          ',',
          '{',
          '}',
          '#',
          '\n',
          'dispatcher',
          'x',
          '\\',
          '/*',
          'listen',
          '=',
        ),
      }),
      (text) => {
        assert.ok(Array.isArray(importCfg(text).notes));
      },
    ),
  );
});
