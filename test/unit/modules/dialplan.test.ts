import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NetworkIndex } from '../../../src/core/network-index.js';
import { INVITE, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-dialplan-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INT, pr INT, match_op INT, match_exp TEXT, match_flags INT, match_len INT,
     subst_exp TEXT, repl_exp TEXT, attrs TEXT, disabled INT DEFAULT 0, timerec TEXT);
   INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, match_len, subst_exp, repl_exp, attrs) VALUES
     (1, 2, 1, '^00[1-9][0-9]+$', 0, 0, '^00(.*)$', '+\\1', 'international'),
     (1, 1, 1, '^0049', 0, 0, '^0049([0-9]+)$', '0\\1', 'national'),
     (1, 3, 0, 'EMERGENCY', 1, 0, '', '112', 'urgent'),
     (1, 4, 1, '^[0-9]{3}$', 0, 3, '', '', 'short'),
     (2, 1, 1, '(?=x)', 0, 0, '', '', 'refused');
   INSERT INTO dialplan (dpid, pr, match_op, match_exp, repl_exp, disabled) VALUES (1, 0, 1, '.*', 'never', 1);
   INSERT INTO dialplan (dpid, pr, match_op, match_exp, repl_exp, timerec) VALUES
     (3, 1, 1, '.*', 'past', '20200101T000000|PT1H'), (3, 2, 1, '.*', 'now', '20200101T000000|P1D|daily'), (3, 0, 1, '.*', 'bad', 'soon');
   CREATE TABLE inward (id INTEGER PRIMARY KEY, dpid INT, pr INT, match_op INT, match_exp TEXT, subst_exp TEXT, repl_exp TEXT, attrs TEXT);
   INSERT INTO inward (dpid, pr, match_op, match_exp, subst_exp, repl_exp) VALUES (1, 1, 1, '.*', '^(.)(.*)$', '\\2\\1');
   CREATE TABLE address (id INTEGER PRIMARY KEY, grp INT, ip TEXT, mask INT, port INT, proto TEXT, pattern TEXT, context_info TEXT);
   INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES
     (1, '2001:db8::', 32, 0, 'any', 'six'), (2, '127.0.0.0', 8, 0, 'any', 'loop'), (2, '127.0.0.1', 32, 0, 'any', 'one');
   CREATE TABLE trunks (id INTEGER PRIMARY KEY, grp INT, ip TEXT, mask INT, port INT, proto TEXT, pattern TEXT, context_info TEXT);
   INSERT INTO trunks (grp, ip, mask, port, proto, pattern, context_info) VALUES (5, '127.0.0.1', 32, 0, 'udp', 'sip:alice*', 'trunk');`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

/** Output of a script after its tables are read. */
async function written(
  dialect: 'opensips' | 'kamailio',
  modules: string,
  head: string,
  script: string,
  old = false,
): Promise<string[]> {
  const runner = startScript({ dialect, old, modules: `${modules} db_sqlite`, head, script });
  try {
    const command =
      dialect === 'opensips' ? runner.daemon.mi.execute('dp_reload', {}) : runner.daemon.callRpc('dialplan.reload', []);
    await command;
    runner.receive(INVITE);
    return runner.lines;
  } finally {
    await runner.stop();
  }
}

test('numbers are rewritten by the first rule that matches, in a partition of its own too', async () => {
  const lines = await written(
    'opensips',
    'dialplan',
    `modparam("dialplan", "db_url", "sqlite://${database}")
     modparam("dialplan", "partition", "inward: table_name=inward")`,
    `dp_translate(1, "0033123", $var(o), $var(a)); xlog("$rc $var(o) $var(a)\\n");
     dp_translate(1, "004930", $var(o), $var(a)); xlog("$rc $var(o) $var(a)\\n");
     dp_translate(1, "Emergency", $var(o), $var(a)); xlog("$rc $var(o) $var(a)\\n");
     dp_translate(1, "123", $rU); xlog("$rc $rU\\n");
     dp_translate(1, "1234", $rU); xlog("$rc $rU\\n");
     dp_translate(2, "x", $var(o)); xlog("$rc\\n");
     dp_translate(3, "x", $var(o)); xlog("$rc $var(o)\\n");
     dp_translate(1, "abc", $var(o), , "inward"); xlog("$rc $var(o)\\n");`,
  );
  assert.deepEqual(lines, [
    '1 +33123 international',
    '1 030 national',
    '1 112 urgent',
    '1 123',
    '-1 123',
    '-1',
    '1 now',
    '1 bca',
  ]);
});

test('files of 2.x and of Kamailio name source and target as a pair', async () => {
  const old = await written(
    'opensips',
    'dialplan',
    `modparam("dialplan", "db_url", "sqlite://${database}")
     modparam("dialplan", "partition", "inward: table_name=inward")`,
    `$avp(n) = "0033123"; dp_translate("1", "$avp(n)/$avp(o)", $avp(a)); xlog("$rc $avp(o) $avp(a)\\n");
     dp_translate("inward: 1", "$rU/$rU"); xlog("$rc $rU\\n");`,
    true,
  );
  assert.deepEqual(old, ['1 +33123 international', '1 obb']);
  const kamailio = await written(
    'kamailio',
    'dialplan',
    `modparam("dialplan", "db_url", "sqlite://${database}")
     modparam("dialplan", "attrs_pvar", "$avp(at)")`,
    `$rU = "0033123"; dp_translate("1"); xlog("$rc $rU $avp(at)\\n");
     $var(n) = "004930"; dp_translate("1", "$var(n)/$var(o)"); xlog("$rc $var(o)\\n");
     dp_match("1", "004930"); xlog("$rc $avp(at) $rU\\n"); dp_translate("7"); xlog("$rc\\n");
     $var(n) = "123"; dp_translate("1", "$var(n)/$var(o)"); xlog("$rc $avp(at) $var(o)\\n");`,
  );
  const withoutReplacement = '1 short 030';
  assert.deepEqual(kamailio, ['1 +33123 international', '1 030', '1 national +33123', '-1', withoutReplacement]);
});

test('an address is looked for in the table of its partition, and the first matching row is used', async () => {
  const lines = await written(
    'opensips',
    'dialplan permissions',
    `modparam("permissions", "db_url", "sqlite://${database}")
     modparam("permissions", "partition", "trunks: table_name=trunks")`,
    `check_source_address(2, $var(c)); xlog("$rc $var(c)\\n");
     check_address(1, "2001:DB8:0:1::9", 0, "udp", $var(c)); xlog("$rc $var(c)\\n");
     check_address(1, "2001:db9::1", 0, "udp"); xlog("$rc\\n");
     check_source_address(5); xlog("$rc\\n");
     check_source_address(5, $var(c), "$fu", "trunks"); xlog("$rc $var(c)\\n");
     check_source_address(5, , "sip:eve@x", "trunks"); xlog("$rc\\n");
     get_source_group($var(g), "trunks"); xlog("$rc $var(g)\\n");`,
  );
  assert.deepEqual(lines, ['1 loop', '1 six', '-1', '-1', '1 trunk', '-1', '1 5']);
});

test('a network index finds the same row as a search of all networks', () => {
  const networks: [string, number][] = [
    ['10.0.0.0', 8],
    ['10.1.0.0', 16],
    ['0.0.0.0', 0],
    ['10.1.2.3', 32],
    ['2001:db8::', 32],
    ['::', 0],
    ['fe80::1', 128],
  ];
  const index = new NetworkIndex<number>();
  for (const [i, [address, prefix]] of networks.entries()) assert.equal(index.add(address, prefix, i), true);
  assert.equal(index.add('gateway.example', 32, 9), false);
  assert.equal(
    index.first('10.1.2.3', () => true),
    0,
  );
  assert.equal(
    index.first('10.1.2.3', (each) => each > 0),
    1,
  );
  assert.equal(
    index.first('10.1.2.3', (each) => each > 2),
    3,
  );
  assert.equal(
    index.first('192.0.2.1', () => true),
    2,
  );
  assert.equal(
    index.first('2001:db8:1::1', () => true),
    4,
  );
  assert.equal(
    index.first('fe80::1', (each) => each !== 5),
    6,
  );
  assert.equal(
    index.first('nonsense', () => true),
    undefined,
  );
});

test('kamailio: a pattern of the dialplan with match_op 2 matches as a shell does', async () => {
  executeSqlite(
    join(folder, 'shell.db'),
    `CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INT, pr INT, match_op INT, match_exp TEXT, match_len INT, subst_exp TEXT, repl_exp TEXT, attrs TEXT);
     INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
       (1, 1, 2, '9[0-4]*', 0, '^9(.*)$', '+499\\1', 'low'), (1, 2, 2, '9??', 0, '', '', 'three');`,
  );
  const head = `modparam("dialplan", "db_url", "sqlite:///${join(folder, 'shell.db')}")
    modparam("dialplan", "attrs_pvar", "$avp(s:attrs)")`;
  const script = `request_route {
    $var(a) = "911"; dp_translate("1", "$var(a)/$var(b)"); xlog("$rc $var(b) $avp(s:attrs)\\n");
    $var(a) = "955"; dp_translate("1", "$var(a)/$var(b)"); xlog("$rc $avp(s:attrs)\\n");
    $var(a) = "9555"; dp_translate("1", "$var(a)/$var(b)"); xlog("$rc\\n"); exit;
  }`;
  assert.deepEqual(await written('kamailio', 'dialplan', head, script), ['1 +49911 low', '1 three', '-1']);
});

test('columns of dialplan, permissions and domain that the file names otherwise', async () => {
  executeSqlite(
    join(folder, 'named.db'),
    `CREATE TABLE dialplan (id INTEGER PRIMARY KEY, plan INT, prio INT, op INT, expr TEXT, flags INT, subst TEXT, repl TEXT, extra TEXT, off INT, times TEXT);
     INSERT INTO dialplan (plan, prio, op, expr, flags, subst, repl, extra, off) VALUES (1, 2, 0, 'bob', 0, '', 'late', 'l', 0), (1, 1, 0, 'bob', 0, '', 'early', 'e', 0), (1, 0, 0, 'bob', 0, '', 'off', 'o', 1);
     CREATE TABLE address (id INTEGER PRIMARY KEY, class INT, net TEXT, bits INT, prt INT, tran TEXT, pat TEXT, info TEXT);
     INSERT INTO address (class, net, bits, prt, tran, info) VALUES (4, '127.0.0.0', 8, 0, 'any', 'loop');
     CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT, notes TEXT);
     INSERT INTO domain (name, notes) VALUES ('a.example', 'ours');`,
  );
  const named = (module: string, columns: Record<string, string>): string =>
    Object.entries(columns)
      .map(([name, column]) => `modparam("${module}", "${name}_col", "${column}")`)
      .join('\n');
  const head = [
    ...['dialplan', 'permissions', 'domain'].map(
      (module) => `modparam("${module}", "db_url", "sqlite:///${join(folder, 'named.db')}")`,
    ),
    named('dialplan', {
      dpid: 'plan',
      pr: 'prio',
      match_op: 'op',
      match_exp: 'expr',
      match_flags: 'flags',
      subst_exp: 'subst',
      repl_exp: 'repl',
      attrs: 'extra',
      disabled: 'off',
      timerec: 'times',
    }),
    named('permissions', {
      grp: 'class',
      ip: 'net',
      mask: 'bits',
      port: 'prt',
      proto: 'tran',
      pattern: 'pat',
      info: 'info',
    }),
    named('domain', { domain: 'name', attrs: 'notes' }),
  ].join('\n');
  const script = `dp_translate(1, "bob", $var(to), $var(attrs)); xlog("$rc $var(to) $var(attrs)\\n");
    check_source_address(4, $var(info)); xlog("$rc $var(info)\\n");
    is_from_local($var(notes)); xlog("$rc $var(notes)\\n"); exit;`;
  assert.deepEqual(await written('opensips', 'dialplan permissions domain', head, script), [
    '1 early e',
    '1 loop',
    '1 ours',
  ]);
});

test('kamailio: dialplan.translate shows the output, empty for a rule without a replacement', async () => {
  const head = `modparam("dialplan", "db_url", "sqlite://${database}")`;
  const runner = startScript({ dialect: 'kamailio', modules: 'dialplan db_sqlite', head, script: 'exit;' });
  try {
    await runner.daemon.callRpc('dialplan.reload', []);
    assert.deepEqual(await runner.daemon.callRpc('dialplan.translate', [1, '123']), {
      result: { Output: '', Attributes: 'short' },
    });
    assert.deepEqual(await runner.daemon.callRpc('dialplan.translate', [1, '0033123']), {
      result: { Output: '+33123', Attributes: 'international' },
    });
  } finally {
    await runner.stop();
  }
});
