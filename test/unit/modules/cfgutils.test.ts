import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingLog } from '../../support/recording-log.js';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

test('route_if_exists calls a named route with its return code, and ends with exit', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'cfgutils',
    script: `request_route {
      route_if_exists("R"); xlog("$rc\\n");
      route_if_exists(""); xlog("$rc\\n");
      route_if_exists("none"); xlog("$rc\\n");
      if (check_route_exists("R")) xlog("there\\n");
      if (!check_route_exists("")) xlog("absent\\n");
      route_if_exists("E"); xlog("not here\\n");
    }
    route[R] { return 3; }
    route[E] { xlog("end\\n"); exit; }`,
  });
  assert.deepEqual(lines, ['3', '-1', '-1', 'there', 'absent']);
});

test('a route that calls itself by route_if_exists is bounded like one that calls itself by route', async () => {
  const { log, lines: logged } = recordingLog();
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'cfgutils',
    log,
    script: 'request_route { route(R); xlog("end\\n"); }\nroute[R] { $avp(n) = 1; route_if_exists("R"); }',
  });
  try {
    runner.receive(INVITE);
    for (let i = 0; i < 500 && runner.lines.length === 0; i++) await new Promise((done) => setTimeout(done, 10));
    assert.deepEqual(runner.lines, ['end']);
    assert.match(JSON.stringify(logged), /nested deeper than/);
  } finally {
    await runner.stop();
  }
});

test('a time recurrence holds at a time, and several are joined by "&", "/" and "!"', async () => {
  // Monday 2024-01-08 10:00 and Saturday 2024-01-13 10:00, UTC.
  const [monday, saturday] = [Date.UTC(2024, 0, 8, 10) / 1000, Date.UTC(2024, 0, 13, 10) / 1000];
  const office = 'Etc/UTC|20240101T080000|10H|WEEKLY|||MO,TU,WE,TH,FR';
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'cfgutils',
    script: `
      check_time_rec("${office}", ${monday}); xlog("$rc\\n"); check_time_rec("${office}", ${saturday}); xlog("$rc\\n");
      $var(t) = "!(${office})"; check_time_rec($var(t), ${saturday}); xlog("$rc\\n");
      check_time_rec("(${office}) & !(Etc/UTC|20240108T000000|1D)", ${monday}); xlog("$rc\\n");
      check_time_rec("(${office}) / (Etc/UTC|20240113T000000|1D)", ${saturday}); xlog("$rc\\n");
      $var(t) = "(nonsense"; check_time_rec($var(t)); xlog("$rc\\n"); check_time_rec(""); xlog("$rc\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1', '-1', '1', '-1', '1', '-1', '1']);
});

test('kamailio: the key of a lock that is longer than 1,024 characters is not kept', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'cfgutils',
    head: 'modparam("cfgutils", "lock_set_size", 4)',
    script: 'lock("$rU"); trylock("$rU"); xlog("$rc\\n");',
  });
  try {
    for (const length of [1024, 1025])
      runner.receive(
        INVITE.replace('sip:bob@', `sip:${'b'.repeat(length)}@`).replace('a@a.example\r\nCSeq', `${length}\r\nCSeq`),
      );
    assert.deepEqual(runner.lines, ['-1', '1']);
  } finally {
    await runner.stop();
  }
});

test('varset and shvset of cfgutils give variables their first value', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      modules: 'cfgutils',
      head: `modparam("cfgutils", "varset", "node=s:n1")
modparam("cfgutils", "shvset", "debug=i:3")
modparam("cfgutils", "shvset", "pstn=s:sip:1@gw")`,
      script: `if ($shv(debug) == 3) xlog("$var(node) $shv(pstn)\\n"); xlog("end\\n");`,
    }),
    ['n1 sip:1@gw'],
  );
});
