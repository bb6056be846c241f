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
