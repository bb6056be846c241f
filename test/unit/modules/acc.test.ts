import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accSettings } from '../../../src/modules/acc/settings.js';
import { ModuleStates } from '../../../src/script/environment.js';
import { recordingLog } from '../../support/recording-log.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

const settings = (given: Record<string, string>) => {
  const parameters = new Map(Object.entries(given).map(([name, value]) => [name, [value]]));
  const states = new ModuleStates(new Map([['acc', parameters]]), new Set(['acc']));
  return accSettings(states.module('acc'), states);
};

test('fields for AAA servers are not written; columns of call records have the names of the file', () => {
  const { fields, columns } = settings({
    extra_fields: 'db: a->col_a; b; aaa: c->AAA_C; d->AAA_D; log: e',
    acc_duration_column: 'seconds',
  });
  assert.deepEqual(fields.db, [
    ['a', 'col_a'],
    ['b', 'b'],
  ]);
  assert.deepEqual(fields.log, [['e', 'e']]);
  assert.deepEqual([columns.duration, columns.created], ['seconds', 'created']);
});

for (const [dialect, head, account] of [
  ['kamailio', 'modparam("acc", "log_flag", 1)', 'setflag(1);'],
  ['opensips', '', 'do_accounting("log");'],
] as const)
  test(`${dialect}: with early_media each provisional reply with a body is a record, as Kamailio 5.6.3 was seen to write them`, async () => {
    for (const [mode, codes] of [
      [1, ['183', '200']],
      [0, ['200']],
    ] as const) {
      const { log, lines } = recordingLog();
      const runner = startScript({
        dialect,
        modules: 'acc',
        head: `${head}\nmodparam("acc", "early_media", ${mode})`,
        script: `${account} $du = "sip:127.0.0.1:5080"; t_relay();`,
        log,
      });
      runner.receive(INVITE);
      const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
      const early = answerTo(invite, '183 Session Progress', { tag: 'g' }).replace(
        'Content-Length: 0\r\n\r\n',
        'Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n',
      );
      runner.receive(answerTo(invite, '180 Ringing', { tag: 'g' }), 5080);
      runner.receive(early, 5080);
      runner.receive(answerTo(invite, '200 OK', { tag: 'g' }), 5080);
      await runner.stop();
      const accounted = lines.map(({ message }) => /ACC: transaction answered: .*;code=(\d+)/.exec(message)?.[1]);
      assert.deepEqual(
        accounted.filter((each) => each !== undefined),
        codes,
      );
    }
  });
