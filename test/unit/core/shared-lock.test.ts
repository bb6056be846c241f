import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { isAlive, SharedLock } from '../../../src/core/shared-lock.js';

const held = (by: number): Int32Array => new Int32Array(new SharedArrayBuffer(4)).fill(by);

describe('a lock of several processes', () => {
  test('the lock of a process that has ended is taken from it; that of a running one is waited for', () => {
    const words = held(4_000_000);
    let looks = 0;
    const lock = new SharedLock(words, 0, 7, {
      alive() {
        looks++;
        return looks < 3;
      },
    });
    assert.equal(
      lock.hold(() => words[0]),
      7,
    );
    assert.equal(looks, 3);
    assert.equal(words[0], 0);
  });

  test('is released by a process that knows that the holder has ended, even if the id of the holder is in use again', () => {
    const words = held(8);
    const lock = new SharedLock(words, 0, 7, { alive: () => true });
    lock.ended(9);
    assert.equal(words[0], 8);
    lock.ended(8);
    assert.equal(
      lock.hold(() => words[0]),
      7,
    );
  });

  test('a holder that keeps the lock for seconds is reported, and waited for until it has ended', () => {
    const words = held(8);
    let time = 0;
    const stuck: [number, number][] = [];
    const lock = new SharedLock(words, 0, 7, {
      alive: () => stuck.length === 0,
      stuck: (pid) => stuck.push([pid, time]),
      now: () => (time += 5000),
    });
    lock.hold(() => undefined);
    assert.deepEqual(stuck, [[8, 25_000]]);
  });

  test('a process counts as running until it has ended, and while it cannot be examined', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const pid = child.pid as number;
    assert.equal(isAlive(pid), true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(isAlive(pid), false);
    const refused = (code: string) => (): string => {
      throw Object.assign(new Error(code), { code });
    };
    assert.equal(isAlive(pid, refused('EMFILE')), true);
    assert.equal(isAlive(pid, refused('ESRCH')), false);
    assert.equal(
      isAlive(pid, () => '1 (a) S b) Z 2'),
      false,
    );
  });
});

test('a wait with a limit fails while another process has the lock, and succeeds if that process has ended', () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  let now = 0;
  const alive = new Set([1, 2]);
  const options = { alive: (pid: number) => alive.has(pid), now: () => now++ };
  const [one, two] = [new SharedLock(words, 0, 1, options), new SharedLock(words, 0, 2, options)];
  assert.equal(one.tryEnter(0), true);
  assert.equal(one.tryEnter(0), true, 'within itself');
  assert.equal(two.tryEnter(20), false);
  assert.deepEqual([one.isHeld, two.isHeld], [true, false]);
  one.leave();
  assert.equal(two.tryEnter(0), false, 'it was taken twice');
  one.leave();
  assert.equal(two.tryEnter(0), true);
  alive.delete(2);
  assert.equal(one.tryEnter(20), true);
});
