import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PermissionRules } from '../../../src/modules/permission-files.js';
import { INVITE, startScript } from '../../support/script-run.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-permissions-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('lines of rules are read as Kamailio 5.6.3 was recorded to read them', () => {
  // Each is followed by a rule for carol; whether zed may call zz, and alice may call abc.
  const lines: readonly (readonly [line: string, zed: boolean, alice: boolean, faults: number])[] = [
    ['ALL', false, false, 1],
    ['ALL : "^sip:(" ', false, false, 1],
    ['"abc : ALL', false, false, 1],
    ['ALL : ALL EXCEPT', false, false, 1],
    ['ALL : ALL : ALL', false, false, 1],
    ['foo : ALL', false, false, 0],
    ['ALL : "a" "b"', false, false, 1],
    ['all : all', false, false, 0],
    ['ALL : "a" , ', false, false, 1],
    ['"a" "b" : ALL', false, false, 1],
    ['ALL , "b" : ALL', false, false, 0],
    ['ALL: ALL', true, true, 0],
    [' # c', false, false, 0],
    ['', false, false, 0],
    ['ALL EXCEPT "^sip:carol" : ALL', true, true, 0],
    ['ALL : ALL # x', true, true, 0],
    ['ALL : "^SIP:ABC" , "zz"', true, true, 0],
    ['ALL : ALL EXCEPT "abc", "nobody"', true, false, 0],
  ];
  for (const [line, zed, alice, faults] of lines) {
    const rules = PermissionRules.parse(`${line}\n"^sip:carol@a" : "^sip:bob@h$"\n`);
    assert.deepEqual(
      [rules.of('sip:zed@a')('sip:zz@h'), rules.of('sip:alice@a')('sip:abc@h'), rules.faults.length],
      [zed, alice, faults],
      line,
    );
    assert.equal(rules.of('sip:carol@a')('sip:bob@h'), true, line);
  }
});

const ALLOW = `
"^sip:carol@a$" , "^sip:dave@a" : "^sip:bob@h$"
"^sip:pp@a;x=y$" : "^sip:bob@h;p=1$"
"^sip:to@a$" : "^sip:c@h$" , "^sip:d@h$"
`;

for (const dialect of ['opensips', 'kamailio'] as const)
  test(`${dialect}: who may call, register and be referred to is read from files`, async () => {
    writeFileSync(join(folder, 'p.allow'), ALLOW);
    writeFileSync(join(folder, 'p.deny'), 'ALL : ALL\n');
    const name = join(folder, 'p');
    const route = dialect === 'kamailio' ? 'request_route' : 'route';
    const calls = [
      `allow_routing("${name}")`,
      `allow_routing("${name}.allow", "${name}.deny")`,
      'allow_routing()',
      `allow_routing("${join(folder, 'none')}")`,
      `allow_register("${name}")`,
      `allow_uri("${name}", "$hdr(X)")`,
    ];
    const tests = calls.map((call) => `if (${call}) $var(r) = $var(r) + "1"; else $var(r) = $var(r) + "0";`).join('\n');
    const runner = await startScript({
      dialect,
      modules: 'permissions',
      head: `modparam("permissions", "default_allow_file", "${name}.allow")\nmodparam("permissions", "default_deny_file", "${name}.deny")`,
      script: `${route} {\n$var(r) = "";\n${tests}\nxlog("$fu $ru: $var(r)\\n");\n}`,
    });
    const send = (from: string, to: string, uri: string, contact: string): void =>
      runner.receive(
        INVITE.replace('"Alice" <sip:alice@a.example>', `<${from}>`)
          .replace('<sip:bob@b.example>', `<${to}>`)
          .replace('sip:bob@sw.example', uri)
          .replace('<sip:alice@127.0.0.1:5070>', `${contact}\r\nX: ${uri}`)
          .replace('branch=z9hG4bK1', `branch=z9hG4bK${from.length}${uri.length}${contact.length}${to.length}`)
          .replace('a@a.example', `${from}${uri}${contact}${to}`),
      );
    try {
      // From and the URI are compared unchanged, request-URI and Contact without password, port and parameters.
      send('sip:carol@a', 'sip:to@a', 'sip:bob@h', '<sip:c@h:5080;q=1>');
      send('sip:carol@a', 'sip:to@a', 'sip:bob:secret@h:5061;p=1', '"y" <sip:c@h>;expires=3, <sip:d@h>');
      send('sip:pp@a;x=y', 'sip:to@a', 'sip:bob@h;p=1', '<sip:c@h>, <sip:z@h>');
      send('SIP:DAVE@a', 'sip:no@a', 'SIP:BOB@h', '*');
      assert.deepEqual(
        runner.lines.map((line) => line.slice(-6)),
        ['111111', '111110', '000101', '111111'],
      );
    } finally {
      await runner.stop();
    }
  });

test('opensips: every branch must be allowed, unless check_all_branches is 0', async () => {
  writeFileSync(join(folder, 'b.allow'), 'ALL : "^sip:bob@"\n');
  writeFileSync(join(folder, 'b.deny'), 'ALL : "^sip:zed@"\n');
  for (const [mode, line] of [
    [1, '-1'],
    [0, '1'],
  ] as const) {
    const runner = await startScript({
      dialect: 'opensips',
      modules: 'permissions',
      head: `modparam("permissions", "check_all_branches", ${mode})`,
      script: `append_msg_branch("sip:zed@h"); allow_routing("${join(folder, 'b')}"); xlog("$rc\\n");`,
    });
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, [line]);
    await runner.stop();
  }
});

test('a REGISTER with more Contacts than are looked at, or with others beside "*", is not allowed', async () => {
  writeFileSync(join(folder, 'c.allow'), 'ALL : "^sip:c@h$"\n');
  writeFileSync(join(folder, 'c.deny'), 'ALL : ALL\n');
  const runner = await startScript({
    dialect: 'kamailio',
    modules: 'permissions',
    script: `if (allow_register("${join(folder, 'c')}")) xlog("yes\n"); else xlog("no\n");`,
  });
  const contacts = (count: number): string => Array.from({ length: count }, () => '<sip:c@h>').join(', ');
  try {
    for (const [i, value] of [contacts(64), `${contacts(64)}, <sip:z@h>`, '*', '*, <sip:z@h>'].entries())
      runner.receive(
        INVITE.replace('<sip:alice@127.0.0.1:5070>', value)
          .replace('z9hG4bK1', `z9hG4bKc${i}`)
          .replace('a@a.example\r\nCSeq', `${i}@a.example\r\nCSeq`),
      );
    assert.deepEqual(runner.lines, ['yes', 'no', 'yes', 'no']);
  } finally {
    await runner.stop();
  }
});

test('a URI of more than 256 characters is not allowed where there are rules, as recorded of Kamailio 5.6.3', async () => {
  writeFileSync(join(folder, 'l.allow'), '');
  writeFileSync(join(folder, 'l.deny'), 'ALL : "^sip:nobody@"\n');
  const [name, none] = [join(folder, 'l'), join(folder, 'none')];
  const results = [
    `allow_routing("${name}")`,
    `allow_register("${name}")`,
    `allow_uri("${name}", "$hdr(X)")`,
    `allow_routing("${none}")`,
  ];
  const runner = await startScript({
    dialect: 'kamailio',
    modules: 'permissions',
    script: `${results.map((call, i) => `${call}; $var(r${i}) = $rc;`).join('\n')} xlog("$var(r0) $var(r1) $var(r2) $var(r3)\n");`,
  });
  const long = (length: number): string => `sip:${'a'.repeat(length - 6)}@h`;
  const parts = {
    from: ['sip:alice@a.example>', (uri: string) => `${uri}>`],
    request: ['INVITE sip:bob@sw.example', (uri: string) => `INVITE ${uri}`],
    to: ['<sip:bob@b.example>', (uri: string) => `<${uri}>`],
    contact: ['<sip:alice@127.0.0.1:5070>', (uri: string) => `<${uri}>`],
    given: ['Max-Forwards', (uri: string) => `X: ${uri}\r\nMax-Forwards`],
    'parameters of the request': ['INVITE sip:bob@sw.example', (uri: string) => `INVITE sip:bob@h;p=${uri}`],
  } as const;
  try {
    for (const [part, [text, written]] of Object.entries(parts))
      for (const length of [256, 257])
        runner.receive(
          INVITE.replace(text, `${written(long(length))}`)
            .replace('z9hG4bK1', `z9hG4bKl${part.length}-${length}`)
            .replace('a@a.example\r\nCSeq', `${part}${length}@a.example\r\nCSeq`)
            .replace('\r\nMax-Forwards', part === 'given' ? '\r\nMax-Forwards' : '\r\nX: sip:x@h\r\nMax-Forwards'),
        );
    assert.deepEqual(runner.lines, [
      ...['1 1 1 1', '-1 1 -1 1'],
      ...['1 1 1 1', '-1 1 1 1'],
      ...['1 1 1 1', '1 -1 1 1'],
      ...['1 1 1 1', '1 -1 1 1'],
      ...['1 1 1 1', '1 1 -1 1'],
      ...['1 1 1 1', '1 1 1 1'],
    ]);
  } finally {
    await runner.stop();
  }
});

test('faults of a file are reported in a bounded number of short lines', () => {
  const { faults } = PermissionRules.parse(`${'x'.repeat(100_000)} : ALL\n`.repeat(3) + 'wrong\n'.repeat(1000));
  assert.equal(faults.length, 21);
  assert.equal(faults.at(-1), '983 further lines are not rules');
  for (const fault of faults) assert.ok(fault.length < 200, fault.slice(0, 300));
});

test('a file of rules that cannot be read keeps the configuration from being used', () => {
  writeFileSync(join(folder, 'large.deny'), `${'#'.repeat(1024 * 1024)}\nALL : ALL\n`);
  writeFileSync(join(folder, 'many.deny'), `ALL : "x"\n`.repeat(10_001));
  for (const [name, reason] of [
    ['large', /large\.deny: larger than 1 MiB/],
    ['many', /many\.deny: more than 10000 rules/],
  ] as const)
    assert.throws(
      () =>
        startScript({ dialect: 'kamailio', modules: 'permissions', script: `allow_routing("${join(folder, name)}");` }),
      reason,
    );
});
