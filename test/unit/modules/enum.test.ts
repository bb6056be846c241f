import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, test } from 'node:test';
import { DnsServer } from '../../support/dns-server.js';
import { linesOf } from '../../support/script-run.js';

const server = await DnsServer.start({
  'NAPTR 4.3.2.1.0.3.9.4.e164.arpa': [
    [100, 20, 'E2U+sip', '', '!^\\+4930(.*)$!sip:ext\\1@second.example!'],
    [100, 10, 'E2U+sip', '', '!^.*$!sip:desk@first.example!'],
    [50, 10, 'E2U+mailto', '', '!^.*$!mailto:x@y.example!'],
    [60, 10, 'E2U+sip', '', '!^.*$!sip:a b@broken.example!'],
    [60, 20, 'E2U+sip', '', '!(unclosed!sip:x@y!'],
  ],
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
