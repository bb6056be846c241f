import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import { OptionalService } from '../../../src/daemon/optional-service.js';
import { recordingLog } from '../../support/recording-log.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-optional-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a service at a path, and stops it. Returns its calls and the log. */
async function started(path: string): Promise<{ calls: string[]; logged: string }> {
  const calls: string[] = [];
  const { log, lines } = recordingLog();
  const service = new OptionalService(
    { name: 'endpoint', start: async () => void calls.push('start'), stop: async () => void calls.push('stop') },
    path,
    log,
  );
  await service.start();
  await service.stop();
  return { calls, logged: lines.map(({ message }) => message).join('\n') };
}

test('a FIFO or a socket that another process serves is left alone, one that was left behind is opened', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const path = join(folder, 'socket');
  const socket = new DgramSocket();
  socket.bind(path);
  for (const each of [fifo, path]) {
    const { calls, logged } = await started(each);
    assert.deepEqual(calls, []);
    assert.match(logged, /endpoint is not opened: another process reads .*(?:fifo|socket)/);
  }
  closeSync(reader);
  socket.close();
  assert.ok(existsSync(fifo) && existsSync(path));
  for (const each of [fifo, path, join(folder, 'sub', 'none')])
    assert.deepEqual((await started(each)).calls, ['start', 'stop']);
});
