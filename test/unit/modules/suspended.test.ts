import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** An INVITE is suspended, at each MESSAGE continued and suspended again. */
const SCRIPT = `
request_route {
  if (is_method("MESSAGE")) {
    t_continue("$shv(index)", "$shv(label)", "AGAIN");
    xlog("continued\\n");
    exit;
  }
  t_newtran();
  route(KEEP);
}
route[KEEP] {
  t_suspend();
  $shv(index) = $T(id_index);
  $shv(label) = $T(id_label);
}
route[AGAIN] { route(KEEP); }
`;

const message = (number: number): string =>
  INVITE.replaceAll('INVITE', 'MESSAGE').replace('z9hG4bK1', `z9hG4bKm${number}`).replace('a@a.example', `m${number}`);

describe('t_suspend()', () => {
  test('a request that is suspended again waits for the whole time again', async (t) => {
    const clock = new FakeClock();
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'tmx',
      head: 'modparam("tm", "fr_timer", 30000)',
      script: SCRIPT,
      clock,
    });
    t.after(() => runner.stop());
    const timedOut = () => runner.sent.some(({ text }) => text.startsWith('SIP/2.0 408'));
    runner.receive(INVITE);
    clock.advance(20_000);
    runner.receive(message(1), 5071);
    await until('it is continued', () => runner.lines.includes('continued'));
    clock.advance(15_000);
    assert.equal(timedOut(), false, 'the time of the first suspension is over, that of the second is not');
    clock.advance(15_000);
    assert.equal(timedOut(), true);
  });

  test('the route of t_continue() begins with $rc 0, as recorded', async () => {
    const lines = await linesOf({
      dialect: 'kamailio',
      modules: 'tmx',
      script: `request_route {
  t_suspend(); xlog("suspended $rc\\n");
  t_continue("$T(id_index)", "$T(id_label)", "X"); xlog("continued $rc\\n"); xlog("end\\n");
  }
  route[X] { xlog("in X $rc\\n"); return(-1); }
  `,
    });
    assert.deepEqual(lines, ['suspended 1', 'in X 0', 'continued 1']);
  });
});
