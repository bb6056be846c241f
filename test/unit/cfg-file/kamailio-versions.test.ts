import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCfg } from '../../../src/cfg-file/load.js';

/** The errors of a file, and the version as which it is read. */
function read(text: string, dialect?: string): { title: string | undefined; errors: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-versions-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    writeFileSync(file, text);
    const { dialect: found, problems } = readCfg(file, dialect === undefined ? {} : { dialect });
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    return { title: found?.title, errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ROUTE = 'request_route {\n  exit;\n}\n';

test('paths of modules and parameters of the core are accepted as Kamailio 5.6 has them', () => {
  const text = `#!KAMAILIO\nmpath="/usr/lib/kamailio/modules/"\nloadpath "x"\nchildren=2\nuser="kamailio"\nlog_facility=LOG_LOCAL0\n${ROUTE}`;
  assert.deepEqual(read(text), { title: 'kamailio-5.6', errors: [] });
});

test('a parameter with a value of another type is refused', () => {
  assert.deepEqual(read(`#!KAMAILIO\nchildren="two"\n${ROUTE}`).errors, [
    'parameter "children" must be yes, no or a number without a sign',
  ]);
  assert.deepEqual(read(`#!KAMAILIO\nversion_table=1\n${ROUTE}`).errors, [
    'parameter "version_table" must be a string in quotes',
  ]);
});

test('values of global parameters have the types that 5.6.3 gives them', () => {
  const accepted = [
    'dns=no',
    'debug=-1',
    'mem_join=yes',
    'chroot=abc',
    'tos=IPTOS_LOWDELAY',
    'g.n=5',
    'alias=(foo)',
    'max_branches=31',
  ];
  const refused =
    'dns=-1 debug=x server_header=x chroot=1 tos="1" log_facility="LOG_USER" g.n=-1 alias=foo:x max_branches=32';
  for (const each of accepted) assert.deepEqual(read(`#!KAMAILIO\n${each}\n${ROUTE}`).errors, [], each);
  for (const each of refused.split(' ')) assert.equal(read(`#!KAMAILIO\n${each}\n${ROUTE}`).errors.length, 1, each);
});

test('a module parameter that no version has is refused, with the name that was meant', () => {
  const { errors } = read(`#!KAMAILIO\nloadmodule "tm.so"\nmodparam("tm", "fr_timr", 5)\n${ROUTE}`);
  assert.equal(errors.length, 1);
  assert.match(errors[0] ?? '', /has no parameter "fr_timr"; did you mean fr_timer/);
});

test('a file that uses what later versions have is read as one of them', () => {
  const text = `#!KAMAILIO\nreturn_mode=1\n${ROUTE}`;
  assert.deepEqual(read(text), { title: 'kamailio-6', errors: [] });
  assert.deepEqual(read(text, 'kamailio').errors, ['unknown parameter "return_mode": it needs Kamailio 5.7 or later']);
});

test('a parameter that no version has is refused in a file of a later version, too', () => {
  assert.deepEqual(read(`#!KAMAILIO\ntcp_accept_iplimitt=1\n${ROUTE}`, 'kamailio-6').errors, [
    'unknown parameter "tcp_accept_iplimitt"; did you mean tcp_accept_iplimit?',
  ]);
});

test('names that 5.6.3 accepts besides those of its cookbook are accepted', () => {
  for (const line of ['received_route_mode=1', 'dns_udp_preference=1', 'tls_disable=yes', 'ipfreebind=1', 'tlslog=1']) {
    assert.deepEqual(read(`#!KAMAILIO\n${line}\n${ROUTE}`, 'kamailio').errors, [], line);
  }
  assert.match(read(`#!KAMAILIO\nloadmodule("tm.so")\n${ROUTE}`, 'kamailio').errors[0] ?? '', /in quotes/);
  assert.deepEqual(read(`#!KAMAILIO\nloadmodule("tm.so")\n${ROUTE}`, 'kamailio-6').errors, []);
});

/** The listeners of a file in the form of switchyard.json. */
function listens(head: string, dialect: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-listens-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    writeFileSync(file, `#!KAMAILIO\ndisable_tcp=yes\n${head}\n${ROUTE}`);
    const { settings, problems } = readCfg(file, { dialect });
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    return errors.length > 0 ? errors : settings?.['listen'];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('"socket" of 5.7 and later works as "listen", with one socket for each port of a range', () => {
  const socket = (lines: string): unknown => listens(`socket = {\n${lines}\n}`, 'kamailio-6');
  assert.deepEqual(socket('bind = udp:10.0.0.1:5060;\n advertise = 203.0.113.1:5070;\n name = "s0";\n virtual = no;'), [
    'udp:10.0.0.1:5060 as 203.0.113.1:5070 name s0',
  ]);
  assert.deepEqual(socket('bind = udp:10.0.0.1:5060-5062; advertise = 203.0.113.1:6000; name = "p";'), [
    'udp:10.0.0.1:5060 as 203.0.113.1:6000 name p5060',
    'udp:10.0.0.1:5061 as 203.0.113.1:6001 name p5061',
    'udp:10.0.0.1:5062 as 203.0.113.1:6002 name p5062',
  ]);
  assert.deepEqual(socket('name = "s0";'), ['socket: attribute "bind" is missing']);
  assert.match(String(socket('bind = udp:10.0.0.1:5060; nmae = "x";')), /unknown attribute "nmae"/);
  assert.match(String(socket('bind = udp:10.0.0.1:1-60000;')), /not a range of at most 1000 ports/);
  assert.match(String(listens('socket = { bind = udp:10.0.0.1:5060; }', 'kamailio')), /needs Kamailio 5.7 or later/);
});

test('each address of one "listen" becomes a listener', () => {
  for (const text of ['udp:(127.0.0.1,127.0.0.2):5060', '(127.0.0.1, 127.0.0.2):5060']) {
    assert.deepEqual(listens(`listen=${text}`, 'kamailio'), ['udp:127.0.0.1:5060', 'udp:127.0.0.2:5060'], text);
  }
});

test('preprocessor directives of later versions make a file one of a later version', () => {
  const head = '#!KAMAILIO\n#!ifexp 1 < 2\nchildren=2\n#!endif\n';
  const more = 'route[A] { return; }\nfailure_route[B] { exit; }\n';
  assert.deepEqual(read(`${head}${ROUTE}${more}`), { title: 'kamailio-6', errors: [] });
  assert.equal(read(`${head}${ROUTE}`).title, 'kamailio-5.6');
});

test('a function of later versions is unknown to 5.6 and known to 6', () => {
  const text = '#!KAMAILIO\nloadmodule "dispatcher.so"\nrequest_route {\n  ds_dsg_fetch("1");\n}\n';
  assert.match(read(text, 'kamailio').errors[0] ?? '', /unknown function ds_dsg_fetch/);
  assert.deepEqual(read(text, 'kamailio-6').errors, []);
});

test('unusual forms that 5.6.3 accepts at its start are accepted', () => {
  const head = `loadmodule "tm.so"\nloadmodule "dialog.so"\nloadmodule "acc.so"\nloadmodule "uac.so"\nloadmodule "rr.so"\n`;
  const accepted = [
    ...['a=$fU;;b=$tU', ' ;a=$fU', 'a=$(ru{s.select,0,;});b=$tU', 'a=$(hdr(X){param.value,b,;})', 'a=$$'].map(
      (value) => `modparam("acc", "log_extra", "${value}")`,
    ),
    'modparam("acc", "multi_leg_info", "a=$avp(x);;b=$avp(y)")',
    'modparam("acc", "log_facility", "log_local0")',
    'modparam("acc", "acc_prepare_flag", 99)',
    'modparam("uac", "restore_mode", "AUTO")',
    ...['tcp:a.b:*', 'a.b:*', '*:5060', '(a.b, c.d):5060', '"a.b":5060', '"a.b":5060 "c.d":*'].map(
      (value) => `alias=${value}`,
    ),
  ];
  for (const each of accepted) assert.deepEqual(read(`#!KAMAILIO\n${head}${each}\n${ROUTE}`).errors, [], each);
  const refused = ['a=$fU;', 'a=$fU; ', '', 'a=text', 'a=$fU$tU', 'a=$fU b=$tU', 'a=$hdr(X)[0]'];
  for (const each of refused) {
    const { errors } = read(`#!KAMAILIO\n${head}modparam("acc", "log_extra", "${each}")\n${ROUTE}`);
    assert.match(errors[0] ?? '', /^parameter "log_extra" of acc must be/, each);
  }
  for (const each of ['udp:*:5060', '*:*', 'a.b:', 'a.b:x'])
    assert.equal(read(`#!KAMAILIO\nalias=${each}\n${ROUTE}`).errors.length > 0, true, each);
});

test('a long value of a parameter is checked at once', () => {
  const head = '#!KAMAILIO\nloadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "dialog.so"\n';
  const name = 'concurrent_calls_of_one_customer'.repeat(100);
  const began = performance.now();
  const { errors } = read(`${head}modparam("dialog", "profiles_with_value", "${name}/s")\n${ROUTE}`);
  assert.match(errors[0] ?? '', /^parameter "profiles_with_value" of dialog must be names/);
  assert.ok(performance.now() - began < 10_000);
});

test('a parameter of the dispatcher that only switchyard has is not said to have no effect; an unknown one is, once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-versions-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    const parameters = ['expand_names', 'ds_ping_contact', 'ds_nosuch'].map(
      (name) => `modparam("dispatcher", "${name}", 1)`,
    );
    writeFileSync(file, `#!KAMAILIO\nloadmodule "dispatcher.so"\n${parameters.join('\n')}\n${ROUTE}`);
    const { problems } = readCfg(file, { dialect: 'kamailio-6' });
    const messages = problems.map(({ message }) => message).filter((message) => message.includes('dispatcher'));
    assert.deepEqual(messages, ['parameter "ds_nosuch" of dispatcher is not known and has no effect']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
