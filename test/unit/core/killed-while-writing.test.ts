import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SharedValues } from '../../../src/core/shared-values.js';
import { loadLibc } from '../../../src/sip/transport/native/libc.js';
import { forkSharing } from '../../support/sharing-process.js';

const loaded = await loadLibc();
const skip = 'libc' in loaded ? false : 'the system calls are not available';
const PROGRAM = 'test/support/writing-process.ts';
const BYTES = 4 * 1024 * 1024;
/** KILLS=100 for a long run. */
const KILLS = Number(process.env['KILLS'] ?? '4');

test('processes that are killed while they write leave values that others read and write', { skip }, async (t) => {
  if (!('libc' in loaded)) return;
  const { memory, fd } = loaded.libc.share(BYTES);
  const values = new SharedValues(memory, () => 0);
  const [table, counts] = [values.table('t', 200), values.table('counts', 1)];
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const each of children) each.kill('SIGKILL');
  });
  const start = async (): Promise<ChildProcess> => {
    const child = forkSharing(PROGRAM, fd);
    children.push(child);
    child.send(BYTES);
    await once(child, 'message');
    return child;
  };
  await start();
  let before = 0;
  for (let i = 0; i < KILLS; i++) {
    const victim = await start();
    await sleep(20 * Math.random());
    const ended = once(victim, 'exit');
    victim.kill('SIGKILL');
    await ended;
    const count = Number(counts.get('all', 0));
    assert.ok(count > before, `${count} after ${before}`);
    before = count;
    const listed = [...table.entries(0)];
    assert.equal(listed.length, new Set(listed.map(([key]) => key)).size, 'no key is there twice');
    assert.ok(listed.length <= 200, `${listed.length} entries`);
    for (const [, value] of listed) assert.match(String(value), /^x*$/);
  }
});
