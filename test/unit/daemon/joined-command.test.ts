import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, runJoined } from '../../../src/daemon/joined-command.js';
import { dialogCommands } from '../../../src/modules/dialog/commands.js';
import type { CommandParameters, ScriptCommand } from '../../../src/script/commands.js';

const dlgList = dialogCommands.find(({ mi }) => mi === 'dlg_list') as ScriptCommand;

/** Answers of a process that has these dialogs. */
function keeping(ids: readonly number[]): (params: CommandParameters) => Promise<Answer> {
  return async ({ callid, index, counter }) => {
    const only = ids.find((id) => String(id) === callid);
    if (only !== undefined) return { value: { Dialog: only } };
    if (callid !== undefined && counter === undefined) return { fault: { code: 404, message: 'No such dialog' } };
    const from = Number(index ?? callid);
    return { value: { count: ids.length, Dialogs: ids.slice(from, from + Math.min(5000, Number(counter))) } };
  };
}

/** dlg_list over three processes with 4,000, 7,000 and 9,000 dialogs. */
async function listed(params: CommandParameters): Promise<Answer> {
  const ids = (from: number, size: number) => Array.from({ length: size }, (_, i) => from + i);
  const [brain, ...workers] = [ids(0, 4000), ids(4000, 7000), ids(11_000, 9000)].map(keeping);
  return runJoined(dlgList, params, brain as (params: CommandParameters) => Promise<Answer>, (_name, paramsOf) =>
    Promise.all(
      workers.map((each, i) => {
        const own = paramsOf(i + 1);
        return own === undefined ? undefined : each(own);
      }),
    ),
  );
}

test('a part of the dialogs of several processes is read from any offset', async () => {
  for (const [index, counter] of [
    [0, 10],
    [3990, 20],
    [10_999, 2],
    [15_000, 5000],
    [19_995, 100],
    [20_000, 10],
  ] as const) {
    const { value } = await listed({ index: String(index), counter: String(counter) });
    const wanted = Array.from({ length: Math.max(0, Math.min(counter, 20_000 - index)) }, (_, i) => index + i);
    assert.deepEqual(value, { count: 20_000, Dialogs: wanted }, `from ${index}`);
  }
});

test('dialogs beyond the limit of a listing are cut off at the end', async () => {
  const { value } = await listed({ index: '100', counter: '20000' });
  const { Dialogs } = value as { Dialogs: number[] };
  assert.equal(Dialogs.length, 5000);
  assert.equal(Dialogs[0], 100);
});

test('a dialog by its Call-ID is that of the process that has it; a Call-ID of digits is no offset', async () => {
  assert.deepEqual(await listed({ callid: '12000' }), { value: { Dialog: 12_000 } });
  assert.deepEqual(await listed({ callid: '5000', from_tag: '10' }), { value: { Dialog: 5000 } });
  assert.deepEqual(await listed({ callid: 'nobody' }), { fault: { code: 404, message: 'No such dialog' } });
});

test('of several refusals the one of the process that has the call is returned', async () => {
  const refused = (code: number, message: string): Answer => ({ fault: { code, message } });
  const answer = (own: Answer, other: Answer) =>
    runJoined(
      dlgList,
      { callid: 'x' },
      async () => own,
      async () => [undefined, other],
    );
  const [unknown, late] = [refused(404, 'No such transaction'), refused(500, 'it has its final reply')];
  assert.deepEqual(await answer(unknown, late), late);
  assert.deepEqual(await answer(late, unknown), late);
  assert.deepEqual(await answer(unknown, unknown), unknown);
});
