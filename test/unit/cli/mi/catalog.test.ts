import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { cataloguedCommand, miCatalog } from '../../../../src/cli/mi/catalog.js';
import { ago, renderForTerminal } from '../../../../src/cli/mi/render.js';
import { runCli } from '../../../support/command-line.js';

/** A daemon that answers every command with this error; returns its address. */
async function refusing(t: TestContext, code: number, message: string): Promise<string> {
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message } })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}/mi`;
}

test('every management command is in the catalogue with its words and parameters', () => {
  assert.ok(miCatalog().length > 25);
  for (const { name, description } of miCatalog()) assert.ok(name !== '' && description !== '', name);
  assert.deepEqual(cataloguedCommand('dispatcher:set_state')?.name, 'ds_set_state');
  assert.deepEqual(cataloguedCommand('ds_set_state')?.forms[0]?.required, ['state', 'group', 'address']);
});

test('a management command explains itself without a daemon', async () => {
  for (const words of [
    ['mi', 'ds_set_state', '--help'],
    ['mi', 'ds_set_state', '-h'],
    ['help', 'mi', 'ds_set_state'],
  ]) {
    const { status, out } = await runCli(words);
    assert.equal(status, 0, words.join(' '));
    assert.match(out, /^Usage: switchyard mi ds_set_state state=\.\.\. group=\.\.\. address=\.\.\. /);
    assert.match(out, /By position:\n {2}switchyard mi ds_set_state STATE GROUP ADDRESS\n/);
  }
  const unknown = await runCli(['mi', 'ds_lst', '--help']);
  assert.equal(unknown.status, 2);
  assert.match(unknown.err, /no management command "ds_lst" \(did you mean "ds_list"\?\)/);
});

test('an error of the daemon is reported with the name that was probably meant', async (t) => {
  const unknown = await refusing(t, -32601, 'Method not found');
  const command = await runCli(['mi', '--to', unknown, 'ds_relod']);
  assert.equal(command.status, 1);
  assert.equal(
    command.err,
    '-32601 Method not found\nthere is no management command "ds_relod" (did you mean "ds_reload"?)\n',
  );
  const params = await refusing(t, -32602, 'Invalid params');
  const { err } = await runCli(['mi', '--to', params, '--json', 'ds_reload', 'partitoin=acme']);
  assert.deepEqual(JSON.parse(err), {
    error: {
      code: -32602,
      message: 'Invalid params',
      hint: 'ds_reload has no parameter "partitoin" (did you mean "partition"?)',
    },
  });
  const missing = await refusing(t, -32602, 'Invalid params');
  const { err: usage } = await runCli(['mi', '--to', missing, 'ds_set_state', 'i']);
  assert.equal(
    usage,
    '-32602 Invalid params\nuse switchyard mi ds_set_state state=... group=... address=... [comment=...]\n',
  );
});

const LISTING = {
  PARTITIONS: [
    {
      name: 'p',
      SETS: [
        { id: 10, Destinations: [{ URI: 'sip:b', state: 'Probing', first_hit_counter: 1 }] },
        {
          id: 2,
          Destinations: [
            {
              URI: 'sip:a',
              state: 'Active',
              first_hit_counter: 0,
              last_change: { time: new Date(Date.now() - 90_000).toISOString(), by: 'mi', reason: 'x' },
            },
          ],
        },
      ],
    },
  ],
};

test('sets stand in the order of their numbers', () => {
  const lines = renderForTerminal('ds_list', LISTING).split('\n');
  assert.match(lines[1] ?? '', /^p +2 +sip:a +Active /);
  assert.match(lines[2] ?? '', /^p +10 +sip:b +Probing /);
});

test('on a terminal states have colours and times are relative; NO_COLOR leaves the colours out', () => {
  const colored = renderForTerminal('ds_list', LISTING, { color: true, columns: 80 });
  assert.match(colored, /\x1b\[32mActive/);
  assert.match(colored, /1 min ago mi: x/);
  assert.doesNotMatch(renderForTerminal('ds_list', LISTING, { color: false, columns: 80 }), /\x1b/);
  assert.doesNotMatch(renderForTerminal('ds_list', LISTING), /\x1b| ago/);
  assert.equal(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-03T01:00:00Z')), '2 d ago');
  assert.equal(ago('never', 0), 'never');
});
