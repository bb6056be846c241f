import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

/** What a variable shows in each kind of route of a call that is answered by 180 and 486. */
async function shownInRoutes(variable: string): Promise<readonly string[]> {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx',
    script: `request_route {
  xlog("request [${variable}]\\n");
  $du = "sip:127.0.0.1:7001"; t_on_reply("R"); t_on_branch("B"); t_on_failure("F"); t_relay();
}
branch_route[B] { xlog("branch [${variable}]\\n"); }
onreply_route[R] { xlog("reply [${variable}]\\n"); }
failure_route[F] { xlog("failure [${variable}]\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    const request = runner.sent.find(({ port }) => port === 7001)?.text ?? '';
    for (const reply of ['180 Ringing', '486 Busy Here']) runner.receive(answerTo(request, reply, { tag: 'gw' }), 7001);
    return [...runner.lines];
  } finally {
    await runner.stop();
  }
}

test('$T_reply_last is the status of the reply in a reply route, and empty elsewhere, as recorded', async () => {
  assert.deepEqual(await shownInRoutes('$T_reply_last'), [
    'request []',
    'branch []',
    'reply [180]',
    'reply [486]',
    'failure []',
  ]);
});

test('$T_reply_ruid is empty where no contact of the registrar is called, as recorded', async () => {
  assert.deepEqual(await shownInRoutes('$T_reply_ruid'), [
    'request []',
    'branch []',
    'reply []',
    'reply []',
    'failure []',
  ]);
});

test('$T_branch(uri) is the request-URI of the branch in a reply route only, as recorded', async () => {
  const uri = INVITE.split(' ')[1];
  assert.deepEqual(await shownInRoutes('$T_branch(uri)'), [
    'request [<null>]',
    'branch [<null>]',
    `reply [${uri}]`,
    `reply [${uri}]`,
    'failure [<null>]',
  ]);
});
