import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

/** Output of a script after some time; the clock advances in steps of half a second. */
async function written(script: string, seconds: number): Promise<string[]> {
  const clock = new FakeClock();
  const runner = startScript({ dialect: 'opensips', modules: 'cfgutils', script, clock });
  try {
    runner.receive(INVITE);
    for (let i = 0; i < seconds * 2; i++) {
      clock.advance(500);
      for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
    }
    return runner.lines;
  } finally {
    await runner.stop();
  }
}

test('async() waits as long as its third argument says; the route resumes once, with -2', async () => {
  const script = (timeout: string): string => `route { async(sleep(4), after, ${timeout}); }
route[after] { xlog("$rc\\n"); t_reply(480, "Later"); }`;
  assert.deepEqual(await written(script('2'), 1), []);
  assert.deepEqual(await written(script('2'), 6), ['-2']);
  assert.deepEqual(await written(script('6'), 6), ['1']);
});

test('the timeout of async() may be a variable, and has to be a number', async () => {
  const script = 'route { $var(most) = 1; async(sleep(4), after, $var(most)); } route[after] { xlog("$rc\\n"); }';
  assert.deepEqual(await written(script, 2), ['-2']);
  assert.throws(
    () =>
      startScript({
        dialect: 'opensips',
        modules: 'cfgutils',
        script: 'route { async(sleep(4), after, "2"); } route[after] { exit; }',
      }),
    /the timeout of async\(\) must be a number of seconds/,
  );
});

test('the third argument of launch() is $param(1) of its route', async () => {
  const script = `route { $var(whole) = "a b"; launch(sleep(1), noted, $var(whole)); launch(sleep(2), noted); route(sub, "x"); t_reply(480, "Later"); }
route[noted] { xlog("$rc [$param(1)]\\n"); }
route[sub] { xlog("sub [$param(1)]\\n"); }`;
  assert.deepEqual(await written(script, 3), ['sub [x]', '1 [a b]', '1 [<null>]']);
});

test('launch() and the route that it was called in do not share parameters, $rc and $var while both wait', async () => {
  const script = `route { $var(x) = "main"; launch(sleep(1), noted, "said"); route(sub, "given"); t_reply(480, "Later"); }
route[noted] { $var(x) = "beside"; $ru = "sip:other@x.example"; sleep(3); xlog("noted $rc [$param(1)] $var(x)\n"); }
route[sub] { sleep(2); xlog("sub $rc [$param(1)] $var(x) $rU\n"); sleep(3); xlog("sub $rc [$param(1)] $var(x) $rU\n"); }`;
  assert.deepEqual(await written(script, 6), [
    'sub 1 [given] main bob',
    'noted 1 [said] beside',
    'sub 1 [given] main bob',
  ]);
});

test('variables that the function of launch() writes are set in its route', async () => {
  const script = `route { $avp(a) = 1; launch(sleep(1), noted); sleep(2); xlog("main $avp(a)\n"); }
route[noted] { xlog("noted $avp(a)\n"); $avp(a) = 2; }`;
  assert.deepEqual(await written(script, 3), ['noted 1', 'main 2']);
});

for (const before of ['', 'sleep(1);'])
  test(`a failure route waits for its async()${before === '' ? '' : ', also after another function that waits'}`, async () => {
    const clock = new FakeClock();
    const script = `
      route { $du = "sip:127.0.0.1:5080"; t_on_failure("f"); t_relay(); }
      failure_route[f] { ${before} async(sleep(1), next); }
      route[next] { $du = "sip:127.0.0.1:5081"; t_relay(); }`;
    const runner = startScript({ dialect: 'opensips', modules: 'cfgutils', script, clock });
    const invites = (): string[] => runner.sent.map(({ text }) => text).filter((text) => text.startsWith('INVITE'));
    try {
      runner.receive(INVITE);
      runner.receive(answerTo(invites()[0] ?? '', '503 Service Unavailable', { tag: 'gw' }), 5080);
      for (let i = 0; i < 6 && invites().length < 2; i++) {
        clock.advance(500);
        for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(invites().length, 2);
      assert.deepEqual(
        runner.sent.filter(({ text }) => /^SIP\/2.0 [3-6]/.test(text)),
        [],
      );
    } finally {
      await runner.stop();
    }
  });
