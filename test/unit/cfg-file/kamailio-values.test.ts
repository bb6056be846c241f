import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readCfg } from '../../../src/cfg-file/load.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-kamailio-values-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The errors of a file with one parameter of a module. */
function refused(modules: readonly string[], parameter: string, route = 'exit;'): string[] {
  const file = join(folder, 'kamailio.cfg');
  const head = ['#!KAMAILIO', 'listen=udp:127.0.0.1:5060', ...modules.map((each) => `loadmodule "${each}.so"`)];
  writeFileSync(file, [...head, `modparam(${parameter})`, 'request_route {', route, '}', ''].join('\n'));
  return readCfg(file)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message);
}

const NAT = ['pv', 'sl', 'usrloc', 'nathelper'];

test('values with which 5.6.3 starts are accepted, as observed', () => {
  for (const name of ['a-b', 'a.b', 'a:b', 'a/b', '1a', 'a@b', '-'])
    assert.deepEqual(refused(['pv'], `"pv", "avp_aliases", "${name}=i:1;x=s:y"`), [], name);
  for (const avp of ['', '$avp(x)', '$avp(s:x)', '$(avp(x))']) {
    assert.deepEqual(refused(NAT, `"nathelper", "received_avp", "${avp}"`), [], avp);
    assert.deepEqual(refused(['pv', 'tm', 'sl', 'siputils'], `"siputils", "rpid_avp", "${avp}"`), [], avp);
  }
});

test('fix_nated_register() needs an AVP; an empty one is none, as observed', () => {
  for (const [avp, problems] of [
    ['', 1],
    ['$avp(x)', 0],
  ] as const)
    assert.equal(refused(NAT, `"nathelper", "received_avp", "${avp}"`, 'fix_nated_register();').length, problems, avp);
});

test('values with which 5.6.3 does not start are refused, as observed', () => {
  for (const text of ['a b=i:1', ';a=i:1', 'a=i:1;;b=i:2', 'a=i:1;', 'a=i:x', 'a=b;a=c', 'a=s:'])
    assert.match(refused(['pv'], `"pv", "avp_aliases", "${text}"`)[0] ?? '', /must be NAME=AVP/, text);
  for (const avp of ['i:42', '$var(x)'])
    assert.match(refused(NAT, `"nathelper", "received_avp", "${avp}"`)[0] ?? '', /must be an AVP/, avp);
});
