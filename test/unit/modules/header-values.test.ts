import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

/** The lines of a header field in the request that is forwarded after a statement. */
async function changed(statement: string, header: string): Promise<readonly string[]> {
  const { receive, sent, stop } = startScript({
    dialect: 'kamailio',
    modules: 'textopsx',
    script: `request_route { ${statement} $du = "sip:127.0.0.1:5080"; forward(); }`,
  });
  try {
    receive(INVITE.replace('Content-Length', 'X-Empty:\r\nX-List: a,b;x=1\r\nX-List: d\r\nContent-Length'));
    return (sent.at(-1)?.text ?? '').split('\r\n').filter((line) => line.startsWith(`${header}:`));
  } finally {
    await stop();
  }
}

for (const [name, index, expected] of [
  ['insert_hf_value', '[0]', ['X-List: v,a,b;x=1', 'X-List: d']],
  ['insert_hf_value', '[3]', ['X-List: a,b;x=1', 'X-List: v,d']],
  ['insert_hf_value', '[9]', ['X-List: a,b;x=1', 'X-List: d']],
  ['append_hf_value', '[0]', ['X-List: a,b;x=1', 'X-List: d,v']],
  ['append_hf_value', '[3]', ['X-List: a,b;x=1', 'X-List: d,v']],
  ['append_hf_value', '[9]', ['X-List: a,b;x=1', 'X-List: d', 'X-List: v']],
] as const)
  test(`${name}() with index ${index}, as recorded`, async () => {
    assert.deepEqual(await changed(`${name}("X-List${index}", "v");`, 'X-List'), expected);
  });

for (const name of ['insert_hf_value', 'append_hf_value'])
  test(`${name}() writes the new value after an empty one, as recorded`, async () => {
    for (const index of ['[0]', '[1]', '[-1]'])
      assert.deepEqual(await changed(`${name}("X-Empty${index}", "v");`, 'X-Empty'), ['X-Empty:,v'], index);
  });
