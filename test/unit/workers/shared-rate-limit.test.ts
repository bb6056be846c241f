import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { SourceRateLimiter } from '../../../src/sip/rate-limit.js';
import { loadLibc } from '../../../src/sip/transport/native/libc.js';
import { SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { SharedRateLimiter } from '../../../src/workers/shared-rate-limit.js';
import { seededRandom } from '../../support/partitions.js';
import { forkSharing } from '../../support/sharing-process.js';

const loaded = await loadLibc();
const skip = 'libc' in loaded ? false : 'the system calls are not available';
const PROGRAM = 'test/support/token-taking-process.ts';

test('several processes decide about every request as one does', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const drawn = seededRandom(seed);
    const upTo = (max: number) => drawn.uint32() % max;
    let now = 5000;
    const limit = { perSecond: [0.5, 1, 3, 7, 40, 1000][upTo(6)] as number, burst: 1 + upTo(20) };
    const memory = new SharedArrayBuffer(SHARED_BYTES);
    const one = new SourceRateLimiter(limit, () => now);
    const several = [11, 12, 13].map((pid) => new SharedRateLimiter(memory, () => now, undefined, {}, pid));
    several[0]?.configure(limit);
    for (let i = 0; i < 3000; i++) {
      now += upTo(4) === 0 ? upTo(1500) : upTo(3);
      if (i % 100 === 0) {
        // In some periods there is no limit.
        const other = { perSecond: upTo(3) === 0 ? 0 : limit.perSecond * (1 + upTo(50)), burst: 1 + upTo(8) };
        one.configure(other);
        several[2]?.configure(other);
      }
      const source = `10.0.${upTo(3)}.${upTo(8)}`;
      const process = several[upTo(3)];
      assert.equal(process?.take(source), one.take(source), `request ${i} of seed ${seed}`);
    }
    assert.equal(several[0]?.refused, one.refused);
    assert.ok(several.every(({ size }) => size === several[0]?.size));
  }
});

test('when memory is full the number of sources is limited, and the busiest sources are still limited in rate', () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  let now = 0;
  const limiter = new SharedRateLimiter(memory, () => now);
  limiter.configure({ perSecond: 1, burst: 10 });
  for (let i = 0; i < 30; i++) limiter.take('192.0.2.1');
  for (let i = 0; i < 200_000; i++) limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  assert.ok(limiter.size <= 70_000, String(limiter.size));
  assert.ok(limiter.take('192.0.2.1') > 0);
  now = 60_000;
  assert.equal(limiter.take('192.0.2.1'), 0);
});

test('each token is given once to processes that ask at the same time', { skip }, async (t) => {
  if (!('libc' in loaded)) return;
  const { memory, fd } = loaded.libc.share(SHARED_BYTES);
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const each of children) each.kill('SIGKILL');
  });
  for (let i = 0; i < 3; i++) {
    children.push(forkSharing(PROGRAM, fd));
  }
  // All start when the last one is ready.
  await Promise.all(children.map((each) => once(each, 'message')));
  const [sources, burst] = [5, 20_000];
  for (const each of children) each.send({ bytes: SHARED_BYTES, sources, burst, attempts: sources * burst });
  const answers = await Promise.all(children.map((each) => once(each, 'message')));
  assert.equal(
    answers.reduce((sum, [taken]) => sum + (taken as number), 0),
    sources * burst,
  );
  const limiter = new SharedRateLimiter(memory, () => 1);
  assert.equal(limiter.refused, (3 - 1) * sources * burst);
});

test('after a change of the limit a source without tokens waits as long as the new limit demands', () => {
  let now = 1;
  const limiter = new SharedRateLimiter(new SharedArrayBuffer(SHARED_BYTES), () => now);
  limiter.configure({ perSecond: 0.01, burst: 100 });
  for (let i = 0; i < 101; i++) limiter.take('10.0.0.1');
  limiter.configure({ perSecond: 2, burst: 10 });
  assert.equal(limiter.take('10.0.0.1'), 1);
  now += 1000;
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take('10.0.0.1')),
    [0, 0, 1],
  );
});

test('removing a limit clears its sources', () => {
  const limiter = new SharedRateLimiter(new SharedArrayBuffer(SHARED_BYTES), () => 1);
  limiter.configure({ perSecond: 1, burst: 1 });
  assert.deepEqual([limiter.take('10.0.0.1'), limiter.take('10.0.0.1')], [0, 1]);
  limiter.configure({ perSecond: 0, burst: 1 });
  limiter.configure({ perSecond: 1, burst: 1 });
  assert.deepEqual([limiter.size, limiter.take('10.0.0.1')], [0, 0]);
});

test('the lock of a dead process is taken from it', () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES);
  const alive = () => false;
  const [first, second] = [21, 22].map((pid) => new SharedRateLimiter(memory, () => 1, undefined, { alive }, pid));
  first?.configure({ perSecond: 1, burst: 1 });
  // The first process dies during a change.
  const dying = new SharedRateLimiter(memory, () => assert.fail('dies'), undefined, { alive }, 21);
  assert.throws(() => dying.take('10.0.0.1'), /dies/);
  second?.ended(21);
  assert.equal(second?.take('10.0.0.1'), 0);
  assert.equal(second?.take('10.0.0.1'), 1);
});
