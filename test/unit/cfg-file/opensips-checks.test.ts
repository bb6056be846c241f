import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readCfg } from '../../../src/cfg-file/load.js';
import { FileBlacklists } from '../../../src/cfg-file/opensips/blacklists.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-opensips-checks-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const TODAY = [
  'log_level=3',
  'stderror_enabled=yes',
  'udp_workers=1',
  'socket=udp:127.0.0.1:5060',
  'mpath="/usr/lib/opensips/modules"',
  'loadmodule "proto_udp.so"',
  'loadmodule "sl/sl.so"',
  'loadmodule "tm.so"',
  'loadmodule "sipmsgops.so"',
];

/** "line message" of each rejection. */
function refused(lines: readonly string[], route = 'xlog("a");'): string[] {
  const file = join(folder, 'opensips.cfg');
  writeFileSync(file, `${lines.join('\n')}\nroute {\n${route}\n}\n`);
  return readCfg(file, { dialect: 'opensips' })
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ at, message }) => `${at.line} ${message}`);
}

describe('what an opensips.cfg of today may not have', () => {
  const cases: readonly (readonly [title: string, head: readonly string[], message: RegExp])[] = [
    [
      'a parameter of an earlier version',
      ['debug=3', ...TODAY],
      /^1 parameter "debug" exists up to OpenSIPS 2\.2 only, .*use log_level/,
    ],
    ['text for a number of processes', [...TODAY, 'tcp_workers="4"'], /^10 parameter "tcp_workers" must be a number/],
    [
      'a facility that syslog has not',
      [...TODAY, 'syslog_facility=LOG_LOCAL9'],
      /^10 parameter "syslog_facility" must be one of LOG_AUTH/,
    ],
    [
      'a service class that there is not',
      [...TODAY, 'tos=IPTOS_FAST'],
      /^10 parameter "tos" must be one of IPTOS_LOWDELAY/,
    ],
    [
      'an option that sockets have not',
      [...TODAY, 'socket=udp:127.0.0.1:5070 use_worker 3'],
      /^10 "use_worker" cannot follow the value of parameter "socket"; did you mean "use_workers"\?/,
    ],
    [
      'a tag without name',
      [...TODAY, 'socket=udp:127.0.0.1:5070 tag'],
      /^10 "tag" of parameter "socket" needs a value/,
    ],
    ['a port after a blank', [...TODAY, 'socket=udp:127.0.0.1 5070'], /^10 "5070" cannot follow/],
    ['two values', ['max_while_loops=5 6', ...TODAY], /^1 "6" cannot follow the value of parameter "max_while_loops"/],
    [
      'a word for a number of processes',
      [...TODAY, 'tcp_workers=many'],
      /^10 parameter "tcp_workers" must be a number/,
    ],
    ['an unknown way to wait', [...TODAY, 'poll_method="all"'], /^10 parameter "poll_method" must be one of poll/],
    ['children of 2.x', [...TODAY, 'children=4'], /^10 parameter "children" .*use udp_workers/],
    [
      'an unknown parameter',
      ['udp_worker=1', ...TODAY],
      /^1 unknown parameter "udp_worker"; did you mean "udp_workers"\?/,
    ],
    ['a word for a number', ['max_while_loops=many', ...TODAY], /^1 parameter "max_while_loops" must be a number/],
    ['a word for a string', ['server_header=x', ...TODAY], /^1 parameter "server_header" must be a string/],
    ['a parameter of Kamailio', ['loadpath "x"', ...TODAY], /^1 unknown parameter "loadpath"/],
    [
      'a listener whose module is not loaded',
      ['socket=tcp:127.0.0.1:5060', ...TODAY],
      /^1 .*module proto_tcp is not loaded/,
    ],
    ['a module before mpath', ['loadmodule "sl/sl.so"', ...TODAY], /^1 module sl\/sl.so is loaded before mpath/],
    [
      'a module that is none',
      [...TODAY, 'loadmodule "dispatchr.so"'],
      /^10 module dispatchr is not a module of OpenSIPS; did you mean "dispatcher"/,
    ],
    [
      'an unknown parameter of a module',
      [...TODAY, 'modparam("tm","no_such",5)'],
      /^10 module tm has no parameter "no_such"/,
    ],
    [
      'an old parameter of a module',
      [...TODAY, 'modparam("tm","fr_timer",5)'],
      /^10 module tm has no parameter "fr_timer" any more; did you mean/,
    ],
    [
      'a parameter that one of two modules lacks',
      [...TODAY, 'modparam("tm|sl","fr_timeout",5)'],
      /^10 module sl has no parameter/,
    ],
    ['a number for a string', [...TODAY, 'modparam("tm","tw_append",5)'], /^10 tm tw_append must be a string/],
  ];
  for (const [title, head, message] of cases) {
    test(title, () => assert.match(refused(head).join('\n'), message));
  }

  test('functions of earlier versions are unknown', () => {
    assert.match(refused(TODAY, 'rewritehost("x");')[0] ?? '', /unknown function rewritehost/);
    assert.match(refused(TODAY, 'append_branch();')[0] ?? '', /unknown function append_branch\(\)/);
  });

  test('variables of earlier versions and of Kamailio are unknown, and the return code is read-only', () => {
    for (const name of ['$bR', '$br', '$pr', '$Ri', '$af']) {
      assert.match(refused(TODAY, `xlog("${name}");`)[0] ?? '', /unknown variable/, name);
    }
    assert.match(refused(TODAY, '$rc = 5;')[0] ?? '', /\$rc is read-only/);
    assert.match(refused(TODAY, '$retcode = 5;')[0] ?? '', /\$retcode is read-only/);
  });

  test('constants are checked against the head of the file', () => {
    assert.match(refused(TODAY, 'force_send_socket("udp:127.0.0.2:5060");')[0] ?? '', /is not a socket of this file/);
    assert.deepEqual(refused(TODAY, 'force_send_socket("udp:127.0.0.1:5060");'), []);
    for (const bad of ['sip:127.0.0.2', 'nosuch:127.0.0.2:5060', '127.0.0.2:99999', '127.0.0.2:x'])
      assert.match(refused(TODAY, `forward("${bad}");`)[0] ?? '', /is not of the form/, bad);
    for (const good of ['127.0.0.2', 'udp:127.0.0.2:5060', '[::1]:5060', 'tcp:h.example', '$rd:5060'])
      assert.deepEqual(refused(TODAY, `forward("${good}");`), [], good);
    assert.match(refused(['disable_stateless_fwd=yes', ...TODAY], 'forward("127.0.0.2");')[0] ?? '', /does not allow/);
  });
});

test('a question mark after a variable is text', () => {
  for (const format of ['is it $rU?', 'http://127.0.0.1/$rU?from=$fU', '$ru?'])
    assert.deepEqual(refused(TODAY, `xlog("${format}");`), [], format);
});

test('what may follow a value is accepted', () => {
  const head = [
    'auto_scaling_profile = PROFILE { scale up to 6 on 70% for 4 cycles within 5 scale down to 2 on 20% for 10 cycles }',
    'udp_workers=2 use_auto_scaling_profile PROFILE',
    'log_level=3 xlog_level=3 # and a comment',
    'socket=udp:127.0.0.1:5070 AS 192.0.2.1:5060 use_workers 3 tag inner anycast',
    'socket=udp:127.0.0.1:5071 reuse_port frag',
    'socket=udp:[::1]:5060',
    'alias=udp:x.example:5060',
    'timer_workers=2 use_auto_scaling_profile PROFILE',
    'socket=udp:127.0.0.1:5072\n  use_workers 2\n  use_auto_scaling_profile PROFILE\n  frag',
  ];
  assert.deepEqual(refused([...head, ...TODAY.filter((line) => !line.startsWith('udp_workers'))]), []);
});

test('files of each version keep what their version has', () => {
  const three = [
    'udp_workers=4',
    'socket=udp:127.0.0.1:5060',
    'log_stderror=no',
    'loadmodule "proto_udp.so"',
    'loadmodule "tm.so"',
  ];
  assert.deepEqual(refused(three, 'append_branch(); xlog("$pr $Ri"); t_relay();'), []);
  const two = [
    'debug=3',
    'fork=yes',
    'children=4',
    'listen=udp:127.0.0.1:5060',
    'loadmodule "tm.so"',
    'modparam("tm", "fr_timer", 5)',
  ];
  assert.deepEqual(refused(two, 'setflag(1); rewritehost("x"); if (uri==myself) t_relay();'), []);
});

describe('black lists of the file', () => {
  const lists = new FileBlacklists();
  const wrong = lists.define('bl:{(any,127.0.8.11,5060,""),(tcp,10.0.0.0/8,0,""),!(any,0.0.0.0/0,0,"")}');

  test('rules name protocol, network and port', () => {
    assert.equal(wrong, undefined);
    assert.equal(lists.blocked(['bl'], { address: '127.0.8.11', port: 5060, transport: 'udp' }), true);
    assert.equal(lists.blocked(['bl'], { address: '127.0.8.11', port: 5061, transport: 'udp' }), false);
    assert.equal(lists.blocked(['bl'], { address: '10.1.2.3', port: 1, transport: 'tcp' }), true);
    assert.equal(lists.blocked(['bl'], { address: '10.1.2.3', port: 1, transport: 'udp' }), false);
    assert.equal(lists.blocked(['other'], { address: '127.0.8.11', port: 5060 }), false);
  });

  test('a pattern is looked for in the message', () => {
    lists.define('text:{(any,10.0.0.0/255.0.0.0,0,"evil")}');
    assert.equal(lists.blocked(['text'], { address: '10.0.0.1', port: 5060, text: 'an evil one' }), true);
    assert.equal(lists.blocked(['text'], { address: '10.0.0.1', port: 5060, text: 'a good one' }), false);
  });

  test('a line that is not a rule is named', () => {
    assert.match(new FileBlacklists().define('bl:{(any,10.0.0.0/40,0,"")}') ?? '', /not a network/);
    assert.match(new FileBlacklists().define('bl:{(any)}') ?? '', /is not a rule/);
    assert.match(new FileBlacklists().define('bl') ?? '', /is expected/);
  });
});

test('a file without a module of transports is of 1.x: it listens by any of them', () => {
  const old = ['debug=3', 'listen=udp:127.0.0.1:5060', 'listen=tcp:127.0.0.1:5060', 'loadmodule "sl.so"'];
  const check = (lines: readonly string[]): string[] => {
    const file = join(folder, 'old.cfg');
    writeFileSync(file, `${lines.join('\n')}\nroute { exit; }\n`);
    return readCfg(file, { dialect: 'opensips-2.1' })
      .problems.filter(({ severity }) => severity === 'error')
      .map(({ message }) => message);
  };
  assert.deepEqual(check(old), []);
  assert.deepEqual(check([...old, 'loadmodule "proto_udp.so"']), [
    'listen=tcp:127.0.0.1:5060: module proto_tcp is not loaded',
  ]);
});
