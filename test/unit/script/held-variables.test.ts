import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerTo, INVITE, linesOf, type ScriptRunOptions, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** A statement that runs another route before the next statement, and that route. */
const WITHIN: readonly (readonly [name: string, options: Omit<ScriptRunOptions, 'script'>, statement: string])[] = [
  ['event_route[sl:local-response]', { dialect: 'kamailio' }, 'sl_send_reply("404", "No");'],
  ['event_route[tm:local-response]', { dialect: 'kamailio' }, 't_newtran(); t_reply("404", "No");'],
  [
    'event_route[tm:local-request]',
    { dialect: 'kamailio', modules: 'uac' },
    '$uac_req(method) = "OPTIONS"; $uac_req(ruri) = "sip:a@127.0.0.1:5090"; $uac_req(furi) = "sip:b@x"; uac_req_send();',
  ],
  ['local_route', { dialect: 'opensips' }, 't_new_request("OPTIONS", "sip:a@127.0.0.1:5090", "sip:b@x", "sip:c@x");'],
  [
    'route[own_reply]',
    { dialect: 'opensips', head: 'modparam("tm", "local_reply_route", "own_reply")' },
    't_newtran(); t_reply(404, "No");',
  ],
];

describe('$var of a waiting route', () => {
  for (const [name, options, statement] of WITHIN)
    test(`is read and written in ${name} that runs within the route`, async () => {
      const { dialect, modules = '' } = options;
      const script = `${dialect === 'kamailio' ? 'request_route' : 'route'} {
  $var(v) = 1; usleep(${dialect === 'kamailio' ? '"2000"' : 2000}); $var(v) = 2;
  ${statement}
  xlog("after $var(v)\\n"); xlog("end\\n");
}
${name} { xlog("within $var(v)\\n"); $var(v) = $var(v) + 1; }
`;
      const lines = await linesOf({ ...options, modules: `cfgutils ${modules}`, script });
      assert.equal(lines[0], 'within 2');
      // local_reply_route runs twice, since it also runs for the 100.
      assert.equal(lines.at(-1), `after ${name === 'route[own_reply]' ? 4 : 3}`);
    });

  test('is separate in two reply routes that run at once, and the next message gets the last value', async () => {
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'cfgutils',
      script: `request_route { $du = "sip:127.0.0.1:5090"; t_on_reply("R"); t_relay(); }
onreply_route[R] {
  if ($rs == 182) { xlog("found $var(s)\\n"); exit; }
  $var(s) = $rs; usleep("20000"); xlog("$rs $var(s)\\n");
}
`,
    });
    try {
      runner.receive(INVITE);
      runner.receive(INVITE.replaceAll(/z9hG4bK1|a@a\.example$/g, '$&2'));
      const [first = '', second = ''] = runner.sent.filter(({ port }) => port === 5090).map(({ text }) => text);
      runner.receive(answerTo(first, '180 Ringing'), 5090);
      runner.receive(answerTo(second, '183 Progress'), 5090);
      await until('both reply routes have ended', () => runner.lines.length === 2);
      assert.deepEqual(runner.lines, ['180 180', '183 183']);
      runner.receive(answerTo(first, '182 Queued'), 5090);
      assert.equal(runner.lines.at(-1), 'found 183');
    } finally {
      await runner.stop();
    }
  });
});
