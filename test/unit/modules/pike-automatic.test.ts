import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, startScript } from '../../support/script-run.js';

const HEAD = `modparam("pike", "sampling_time_unit", 10)
modparam("pike", "reqs_density_per_unit", 4)
modparam("pike", "check_route", "pike")`;

const ROUTES = `route { xlog("request from $si\\n"); exit; }
route[pike] { if ($si == "192.0.2.1") drop; }
event_route[E_PIKE_BLOCKED] { xlog("blocked $param(ip)\\n"); }`;

function message(n: number): string {
  return INVITE.replace('INVITE sip', 'OPTIONS sip')
    .replace('1 INVITE', `${n} OPTIONS`)
    .replace('z9hG4bK1', `z9hG4bKp${n}`);
}

test('check_route of pike: messages of a blocked source run no route, and messages that the check route drops are not counted', async () => {
  const clock = new FakeClock();
  clock.advance(1_000_000);
  const runner = startScript({ dialect: 'opensips', modules: 'pike', head: HEAD, script: ROUTES, clock });
  try {
    for (let n = 0; n < 40; n++) {
      runner.receive(message(n), 5070, '192.0.2.1');
      runner.receive(message(n), 5070, '198.51.100.7');
    }
    const count = (line: string): number => runner.lines.filter((each) => each === line).length;
    assert.equal(count('request from 192.0.2.1'), 40);
    const passed = count('request from 198.51.100.7');
    assert.ok(passed >= 4 && passed <= 12, String(passed));
    assert.equal(count('blocked 198.51.100.7'), 1);
    clock.advance(25_000);
    runner.receive(message(99), 5070, '198.51.100.7');
    assert.equal(count('request from 198.51.100.7'), passed + 1);
  } finally {
    await runner.stop();
  }
});

test('check_route of pike: replies of a blocked source are dropped too', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'pike',
    head: HEAD,
    script: `route { exit; } route[pike] { if ($si == "192.0.2.1") drop; } onreply_route { xlog("reply\\n"); }`,
  });
  try {
    const reply = INVITE.replace(/^INVITE \S+ SIP\/2\.0/, 'SIP/2.0 180 Ringing').replace(
      'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
      'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1',
    );
    for (let n = 0; n < 40; n++) runner.receive(reply, 5080, '198.51.100.8');
    assert.ok(runner.lines.length >= 4 && runner.lines.length <= 12, String(runner.lines.length));
  } finally {
    await runner.stop();
  }
});

test('check_route of pike must be a route of the file', () => {
  assert.throws(
    () => startScript({ dialect: 'opensips', modules: 'pike', head: HEAD, script: 'route { exit; }' }),
    /pike: there is no route\[pike\]/,
  );
});
