import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { callMi } from '../../../../src/cli/mi/client.js';
import { parseCliParams } from '../../../../src/cli/mi/params.js';
import { renderForTerminal } from '../../../../src/cli/mi/render.js';
import { ReplyReader } from '../../../support/mi-endpoints.js';
import { makeMiFixture } from '../../../support/mi-fixture.js';
import { freePort } from '../../../support/ports.js';

describe('parameters on the command line', () => {
  test('are all by name or all by position', () => {
    assert.equal(parseCliParams([]), undefined);
    assert.deepEqual(parseCliParams(['a', '5', 'sip:x;transport=udp']), ['a', '5', 'sip:x;transport=udp']);
    assert.deepEqual(parseCliParams(['partition=p2', 'full=1', 'empty=']), { partition: 'p2', full: '1', empty: '' });
    assert.throws(() => parseCliParams(['partition=p2', '1']), { code: 'USAGE' });
    assert.throws(() => parseCliParams(['a=1', 'a=2']), { code: 'USAGE' });
  });

  test('fill a parameter that is a list', () => {
    assert.deepEqual(parseCliParams(['core:', 'tm:'], 'get_statistics'), [['core:', 'tm:']]);
    assert.deepEqual(parseCliParams(['statistics=core:,tm:'], 'get_statistics'), { statistics: ['core:', 'tm:'] });
    assert.deepEqual(parseCliParams(['E_X', 'a', 'b'], 'raise_event'), ['E_X', ['a', 'b']]);
    assert.deepEqual(parseCliParams(['E_X'], 'raise_event'), ['E_X']);
    assert.deepEqual(parseCliParams(['event=E_X', 'params={"a":"b,c"}'], 'raise_event'), {
      event: 'E_X',
      params: '{"a":"b,c"}',
    });
  });
});

describe('answers for people', () => {
  test('ds_list is shown to people as a table', async () => {
    const { handler } = makeMiFixture();
    const lines = renderForTerminal(
      'ds_list',
      await handler.execute('ds_list', { full: 1, partition: 'default' }),
    ).split('\n');
    assert.match(
      lines[0] ?? '',
      /^PARTITION {2}SET {2}URI +STATE +HITS {2}WEIGHT {2}PRIO {2}SOCKET +ATTRS +DESCRIPTION$/,
    );
    assert.match(
      lines.find((line) => line.includes('127.0.0.11')) ?? '',
      /^default {4}5 {4}sip:127\.0\.0\.11:5060 +Active +0 {5}50 {6}0 +a1 +first gw$/,
    );
    assert.equal(renderForTerminal('ds_list', { PARTITIONS: [] }), 'no destinations\n');
  });

  test('show other answers as names and values', async () => {
    const { handler } = makeMiFixture();
    assert.equal(renderForTerminal('ds_reload', 'OK'), 'OK\n');
    assert.equal(renderForTerminal('pwd', await handler.execute('pwd')), 'WD: run\n');
    assert.equal(renderForTerminal('arg', await handler.execute('arg')), 'switchyard\nserve\n');
    assert.equal(
      renderForTerminal('ps', await handler.execute('ps')),
      'Processes:\n  ID: 0\n  PID: 4711\n  Type: attendant\n',
    );
    assert.equal(renderForTerminal('x', []), '(nothing)\n');
  });
});

describe('callMi', () => {
  test('callMi names the fault of a target', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mi-client-'));
    const options = { timeoutMs: 1500, replyDir: folder };
    await writeFile(join(folder, 'file'), '');
    const port = await freePort();
    new ReplyReader(join(folder, 'unread')).close();
    for (const [target, why] of [
      ['nonsense', /is not an MI target/],
      ['udp:127.0.0.1', /is not an MI target/],
      [`fifo:${folder}/nosuch`, /there is no such FIFO/],
      [`fifo:${folder}/file`, /is not a FIFO/],
      [`${folder}/unread`, /no server reads it/],
      [`unix:${folder}/nosuch`, /unix:.*there is no such socket: the daemon does not run/],
      [`udp:127.0.0.1:${port}`, /nothing listens there|did not answer/],
      [`http://127.0.0.1:${port}/mi`, /nothing listens there/],
    ] as const) {
      // A closed TCP port answers at once, but a busy machine may need seconds to connect.
      const patient = target.startsWith('http:') ? { ...options, timeoutMs: 20_000 } : options;
      await assert.rejects(callMi(target, 'version', undefined, patient), (error: Error & { code?: string }) => {
        assert.match(error.message, why, target);
        assert.match(error.code ?? '', /^(USAGE|TRANSPORT_SEND)$/, target);
        return true;
      });
    }
    assert.deepEqual((await readdir(folder)).sort(), ['file', 'unread'], 'no reply FIFO is left behind');
    await rm(folder, { recursive: true });
  });
});
