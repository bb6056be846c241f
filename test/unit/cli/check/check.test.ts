import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../../support/command-line.js';

interface Finding {
  readonly file: string;
  readonly pointer: string;
  readonly reason: string;
  readonly line?: number;
}

interface Report {
  readonly ok: boolean;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly summary?: object;
}

/** A folder with these files; `check` runs the command on its switchyard.json. */
function folder(t: TestContext, files: Readonly<Record<string, string | object>>) {
  const path = mkdtempSync(join(tmpdir(), 'switchyard-check-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  }
  const config = join(path, 'switchyard.json');
  return {
    config,
    check: async (...words: string[]) => {
      const { status, out, err } = await runCli(['check', '--config', config, '--json', ...words]);
      assert.equal(err, '');
      const report = JSON.parse(out) as Report;
      const said = (findings: readonly Finding[]) => findings.map(({ pointer, reason }) => `${pointer}: ${reason}`);
      return { status, report, problems: said(report.problems), warnings: said(report.warnings) };
    },
  };
}

const VERSION = 'table_name(string) table_version(int)\ndispatcher:9\n';
const HEAD =
  'id(int,auto) setid(int) destination(string) socket(string,null) state(int) probe_mode(int) weight(string) priority(int) attrs(string) description(string)\n';
const row = (id: number, set: number, uri: string) => `${id}:${set}:${uri.replaceAll(':', '\\:')}::0:0:1:0::\n`;
const table = (...rows: string[]) => ({ 'db/version': VERSION, 'db/dispatcher': HEAD + rows.join('') });
const GOOD = { modparam: { db_url: 'text:./db' }, routing: [{ select: { set: 1, alg: 4 } }] };

test('a valid configuration is ok, and the report says what it contains', async (t) => {
  const { check, config } = folder(t, {
    ...table(row(1, 1, 'sip:127.0.0.1:5071'), row(2, 2, 'sip:127.0.0.1')),
    'switchyard.json': GOOD,
  });
  const { status, report } = await check('--strict');
  assert.deepEqual(report, {
    ok: true,
    problems: [],
    warnings: [],
    summary: { partitions: 1, sets: 2, destinations: 2, rules: 1 },
  });
  assert.equal(status, 0);
  const { out } = await runCli(['check', '--config', config]);
  assert.equal(out, 'ok: 1 partition, 2 sets, 2 destinations, 1 rule; 0 errors, 0 warnings\n');
});

test('settings with which calls fail are a warning, which fails the check with --strict only', async (t) => {
  const { check } = folder(t, {
    ...table(
      row(1, 1, 'sip:127.0.0.1:5071'),
      row(2, 1, 'sip:no-such-host.invalid'),
      row(3, 1, 'sip:127.0.0.1;transport=tls'),
      row(4, 1, 'tel:123'),
      row(5, 1, 'sip:[::1]'),
    ),
    'switchyard.json': {
      ...GOOD,
      routing: [
        { match: { $rd: 'a.example' }, select: { set: '1,7', alg: 4 } },
        { match: { $rd: 'a.example', $rm: 'INVITE' }, select: { set: 1, alg: 4 } },
        { match: { $rU: '*' }, select: { set: 1, alg: 4 } },
        { match: { $rm: 'BYE' }, select: { set: '$var(s)', alg: 4 } },
      ],
    },
  });
  const { status, report, problems, warnings } = await check();
  assert.deepEqual(problems, []);
  assert.equal(status, 0);
  const expected = [
    /^: partition "default": row discarded: .*host "no-such-host\.invalid" does not resolve$/,
    /^: partition "default": row discarded: table dispatcher, id "4": .*tel:123/,
    /^\/modparam.*: partition "default": destination sip:127\.0\.0\.1;transport=tls: no socket to send by tls$/,
    /^\/modparam.*: partition "default": destination sip:\[::1\]: no socket to send by udp over IPv6$/,
    /^\/routing\/0\/select: set 7 of partition "default" has no destination$/,
    /^\/routing\/1: is never reached: \/routing\/0 takes every request that matches it$/,
    /^\/routing\/3: is never reached: \/routing\/2 takes/,
  ];
  for (const pattern of expected)
    assert.ok(
      warnings.some((each) => pattern.test(each)),
      `${pattern} in\n${warnings.join('\n')}`,
    );
  assert.equal(report.warnings.find(({ pointer }) => pointer === '/routing/1')?.line, 15);
  assert.equal((await check('--strict')).status, 1);
});

test('options_reply_codes is a warning where every partition is of flavour kamailio', async (t) => {
  const checked = async (codes: string, ...files: string[]): Promise<string> => {
    const { check } = folder(t, {
      'dispatcher.list': '1 sip:127.0.0.1:5071\n',
      ...table(row(1, 1, 'sip:127.0.0.1:5071')),
      'switchyard.json': {
        modparam: { options_reply_codes: codes },
        partitions: files.map((db_url, i) => ({ name: `p${i}`, db_url })),
        routing: [{ select: { partition: 'p0', set: 1, alg: 4 } }],
      },
    });
    return (await check()).warnings.join();
  };
  const warning = /^\/modparam\/options_reply_codes: has no effect: every partition is of flavour kamailio/;
  assert.match(await checked('404', 'list:./dispatcher.list'), warning);
  assert.equal(await checked('404', 'list:./dispatcher.list', 'text:./db'), '');
  assert.equal(await checked('404', 'text:./db'), '');
});

test('a socket of a destination that nothing listens on is a warning', async (t) => {
  const { check } = folder(t, {
    ...table(row(1, 1, 'sip:127.0.0.1').replace('::0:', ':udp\\:127.0.0.1\\:5999:0:')),
    'switchyard.json': { ...GOOD, listen: ['udp:127.0.0.1:5060'] },
  });
  const { warnings } = await check();
  assert.ok(
    warnings.some((each) => /names socket udp:127\.0\.0\.1:5999, but the daemon does not listen on it/.test(each)),
    warnings.join('\n'),
  );
});

test('a row or line that would be discarded is named at its position', async (t) => {
  const partition = (name: string, more: object) => ({ name, ...more });
  const { check, config } = folder(t, {
    ...table(row(1, 1, 'sip:127.0.0.1'), row(7, 1, 'tel:1'), '8:1\n', row(9, 1, 'sip:no-such-host.invalid')),
    'gateways.list':
      '# gateways\n1 sip:127.0.0.1\n\n1 sip:no-such-host.invalid\n1 sip:@\n1 sip:127.0.0.1 0 0 a=b more\n',
    'rows.json': [
      { id: 3, setid: 1, destination: 'sip:127.0.0.1' },
      { id: 5, setid: 1, destination: 'tel:1' },
    ],
    'switchyard.json': {
      routing: [{ select: { partition: 'text', set: 1, alg: 4 } }],
      partitions: [
        partition('text', { db_url: 'text:./db' }),
        partition('list', { flavour: 'kamailio', db_url: 'list:./gateways.list' }),
        partition('sql', { db_url: 'sqlite:./rows.db' }),
      ],
    },
  });
  const path = dirname(config);
  const steps = [['init'], ['import', join(path, 'rows.json')]];
  for (const words of steps) {
    const ran = await runCli(['db', ...words, '--partition', 'sql', '--config', config]);
    assert.equal(ran.status, 0, ran.err);
  }
  const { report } = await check();
  const at = (pattern: RegExp) => {
    const found = report.warnings.find(({ reason }) => pattern.test(reason));
    return found && { file: found.file, pointer: found.pointer, line: found.line };
  };
  const text = join(path, 'db', 'dispatcher');
  const list = join(path, 'gateways.list');
  assert.deepEqual(at(/id "7".*no host/), { file: text, pointer: '', line: 3 });
  assert.deepEqual(at(/2 fields instead of 10/), { file: text, pointer: '', line: 4 });
  assert.deepEqual(at(/"text": .*does not resolve/), { file: text, pointer: '', line: 5 });
  assert.deepEqual(at(/"list": .*does not resolve/), { file: list, pointer: '', line: 4 });
  assert.deepEqual(at(/"list": .*line 5/), { file: list, pointer: '', line: 5 });
  assert.deepEqual(at(/"more" is ignored/), { file: list, pointer: '', line: 6 });
  assert.deepEqual(at(/"sql": row discarded/), {
    file: `sqlite://${path}/rows.db`,
    pointer: '/dispatcher/5/destination',
    line: undefined,
  });
});

test('no rules at all is a warning', async (t) => {
  const { check } = folder(t, { ...table(row(1, 1, 'sip:127.0.0.1')), 'switchyard.json': { modparam: GOOD.modparam } });
  assert.deepEqual((await check()).warnings, ['/routing: there are no rules: every new request is answered with 404']);
});

test('an address this machine does not have, and a partition without a usable row, are errors', async (t) => {
  const { check } = folder(t, {
    ...table(row(1, 1, 'tel:1')),
    'switchyard.json': {
      ...GOOD,
      listen: ['udp:203.0.113.9:5060', 'udp:127.0.0.1:5060'],
      http: { listen: '[2001:db8::9]:80', open: true },
    },
  });
  const { status, problems } = await check();
  assert.equal(status, 1);
  assert.ok(problems.includes('/listen/0: 203.0.113.9 is not an address of this machine'));
  assert.ok(problems.includes('/http: 2001:db8::9 is not an address of this machine'));
  assert.ok(problems.some((each) => /none of its rows can be used/.test(each)));
});

test('an algorithm that does not exist is an error, unless the partition is strict', async (t) => {
  const files = (compat: string, flavour: string) => ({
    ...table(row(1, 1, 'sip:127.0.0.1')),
    'switchyard.json': {
      partitions: [{ name: 'a', db_url: 'text:./db', compat, flavour }],
      routing: [{ select: { partition: 'a', set: 1, alg: 77 } }],
    },
  });
  const refused = await folder(t, files('default', 'opensips')).check();
  assert.equal(refused.status, 1);
  assert.deepEqual(refused.problems, ['/routing/0/select/alg: flavour opensips has no algorithm 77']);
  assert.deepEqual((await folder(t, files('strict', 'opensips')).check()).problems, []);
});

test('lines of a list file that would be discarded, and words that have no effect, are warnings', async (t) => {
  const { check } = folder(t, {
    'dispatcher.list':
      '1 sip:127.0.0.1:5071 0 0 weight=1 a gateway\n1 sip:127.0.0.1:5072 0 0 socket=udp:192.0.2.7:5060 # remark\n1 sip:127.0.0.1:5073 0 0 sockname=nope\n1 sip:127.0.0.1:5074 8 # remark\n',
    'switchyard.json': {
      listen: 'udp:127.0.0.1:5060',
      partitions: [{ name: 'k', db_url: 'list:./dispatcher.list' }],
      routing: [{ select: { partition: 'k', set: 1, alg: 4 } }],
    },
  });
  const { warnings } = await check();
  assert.equal(warnings.length, 3, warnings.join('\n'));
  assert.match(warnings[0] ?? '', /line 2: socket "udp:192\.0\.2\.7:5060" is not one of our sockets/);
  assert.match(warnings[1] ?? '', /line 3: there is no socket named "nope"/);
  assert.match(warnings[2] ?? '', /: "a gateway" is ignored/);
});

test('a table that cannot be read is an error of its partition only', async (t) => {
  const { check } = folder(t, {
    ...table(row(1, 1, 'sip:127.0.0.1')),
    'switchyard.json': {
      partitions: [
        { name: 'good', db_url: 'text:./db' },
        { name: 'bad', db_url: 'text:./nowhere' },
      ],
      routing: [{ select: { partition: 'bad', set: 1, alg: 4 } }],
    },
  });
  const { problems, warnings } = await check();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^\/partitions\/1: partition "bad": .*nowhere/);
  assert.deepEqual(warnings, []);
});
