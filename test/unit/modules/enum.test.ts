import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, test } from 'node:test';
import { DnsServer } from '../../support/dns-server.js';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const server = await DnsServer.start({
  'NAPTR 4.3.2.1.0.3.9.4.e164.arpa': [
    [100, 20, 'E2U+sip', '', '!^\\+4930(.*)$!sip:ext\\1@second.example!'],
    [100, 10, 'E2U+sip', '', '!^.*$!sip:desk@first.example!'],
    [50, 10, 'E2U+mailto', '', '!^.*$!mailto:x@y.example!'],
    [60, 10, 'E2U+sip', '', '!^.*$!sip:a b@broken.example!'],
    [60, 20, 'E2U+sip', '', '!(unclosed!sip:x@y!'],
  ],
  'NAPTR 4.3.2.1.0.3.i.9.4.e164.arpa': [[100, 10, 'E2U+sip', '', '!^.*$!sip:carrier@third.example!']],
  'NAPTR 0.0.1.5.5.5.2.0.2.infra.1.example': [[100, 10, 'E2U+sip', '', '!^.*$!sip:us@third.example!']],
  'NAPTR 1.2.x.3.5.3.e164.arpa': [[100, 10, 'E2U+sip', '', '!^.*$!sip:ie@third.example!']],
  'NAPTR 4.3.2.1.256.freenum.org': [[100, 10, 'E2U+sip', '', '!^.*$!sip:isn@first.example!']],
  'NAPTR 4.3.2.1.256.isn.example': [[100, 10, 'E2U+sip', '', '!^1234\\*(.*)$!sip:\\1@second.example!']],
  'NAPTR 4.3.2.1.0.3.9.4.e164.org': [[100, 10, 'E2U+voice:sip', '', '!^.*$!sip:voice@org.example!']],
});
const before = dns.getServers();
dns.setServers([server.address]);
after(() => {
  dns.setServers(before);
  server.stop();
});

test('a telephone number is replaced by the URIs the DNS has for it, in order', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'enum',
    script: `
      $rU = "+49301234"; enum_query(); xlog("$rc $ru $(branch(uri)[*])\\n");
      enum_query("e164.org", "+sip+voice:sip", "+49301234"); xlog("$rc $ru\\n");
      enum_query("e164.org", , "+49301234"); xlog("$rc\\n"); enum_query(, , "49301234"); xlog("$rc\\n"); enum_query(, , "+4912"); xlog("$rc\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, [
    '1 sip:desk@first.example sip:ext1234@second.example',
    '1 sip:voice@org.example',
    '-1',
    '-1',
    '-1',
  ]);
});

test('an ISN is replaced by the URIs the DNS has for it', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'enum',
    script: `
      $rU = "1234*256"; isn_query(); xlog("$rc $ru\\n");
      $rU = "1234*256"; isn_query("isn.example."); xlog("$rc $ru\\n");
      $rU = "1234"; isn_query(); xlog("$rc\\n"); $rU = "1234*257"; isn_query(); xlog("$rc $rU\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1 sip:isn@first.example', '1 sip:256@second.example', '-1', '-1 1234*257']);
});

test('infrastructure ENUM has its label after the country code', async () => {
  const query = (number: string, call: string): string => `$rU = "${number}"; ${call}; xlog("$rc $ru\\n");`;
  const asked = (head: string, script: string): Promise<string[]> =>
    linesOf({ dialect: 'opensips', modules: 'enum', head, script: `${script} xlog("end\\n");` });
  assert.deepEqual(await asked('', query('+49301234', 'i_enum_query()') + query('4930', 'i_enum_query()')), [
    '1 sip:carrier@third.example',
    '-1 sip:4930@third.example',
  ]);
  const head = 'modparam("enum", "branchlabel", "infra")\nmodparam("enum", "i_enum_suffix", "example.")';
  assert.deepEqual(await asked(head, query('+1202555100', 'i_enum_query(, "sip")')), ['1 sip:us@third.example']);
  assert.deepEqual(await asked('modparam("enum", "branchlabel", "x")', query('+35321', 'i_enum_query()')), [
    '1 sip:ie@third.example',
  ]);
  await assert.rejects(
    () => asked('modparam("enum", "bl_algorithm", "ebl")', query('+35321', 'i_enum_query()')),
    /i_enum_query.*bl_algorithm "cc" only, not with "ebl"/,
  );
});

test('is_from_user_enum compares the domain of From with the URIs of its number', async () => {
  const script = `is_from_user_enum(); xlog("$rc\\n"); xlog("end\\n");`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', modules: 'enum', script }), ['-1']);
  const runner = startScript({ dialect: 'opensips', modules: 'enum', script: `is_from_user_enum(); xlog("$rc\\n");` });
  try {
    runner.receive(INVITE.replace('sip:alice@a.example', 'sip:+49301234@SECOND.example'));
    await until('a line', () => runner.lines.length > 0);
    assert.deepEqual(runner.lines, ['1']);
  } finally {
    await runner.stop();
  }
});
