import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../../src/core/clock.js';
import { RequestQueue } from '../../../../src/management/endpoints/request-queue.js';

interface Request {
  readonly id: number;
  readonly sender: string;
  readonly hangs?: boolean;
}

function fixture() {
  const done: number[] = [];
  const refused: number[] = [];
  const release: (() => void)[] = [];
  let paused = false;
  const queue = new RequestQueue<Request>({
    clock: systemClock,
    sender: ({ sender }) => sender,
    run: async ({ id, hangs }) => {
      if (hangs === true) await new Promise<void>((resolve) => release.push(resolve));
      done.push(id);
    },
    refuse: ({ id }) => refused.push(id),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
  });
  const until = async (enough: () => boolean, limitMs = 2000): Promise<number> => {
    const began = performance.now();
    while (!enough()) {
      assert.ok(performance.now() - began < limitMs, `nothing within ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - began;
  };
  return { queue, done, refused, release, until, isPaused: () => paused };
}

describe('requests of a FIFO', () => {
  test('begin in the order in which they were written', async () => {
    const { queue, done, until } = fixture();
    queue.add(Array.from({ length: 50 }, (_, id) => ({ id, sender: '' })));
    await until(() => done.length === 50);
    assert.deepEqual(
      done,
      [...done].sort((a, b) => a - b),
    );
  });

  test('are not delayed by seventy requests that hang', async () => {
    const { queue, done, release, until } = fixture();
    queue.add(Array.from({ length: 70 }, (_, id) => ({ id, sender: `r${id}`, hangs: true })));
    queue.add([{ id: 100, sender: 'other' }]);
    const took = await until(() => done.includes(100));
    assert.ok(took < 1000, `${took} ms`);
    for (const each of release) each();
    await until(() => done.length === 71);
  });

  test('of one sender run one after the other', async () => {
    const { queue, done, release, until } = fixture();
    queue.add([
      { id: 1, sender: 'a', hangs: true },
      { id: 2, sender: 'a' },
      { id: 3, sender: 'b' },
    ]);
    await until(() => done.includes(3));
    assert.deepEqual(done, [3]);
    release[0]?.();
    await until(() => done.length === 3);
    assert.deepEqual(done, [3, 1, 2]);
  });

  test('are refused beyond the bound, and reading stops while many wait to begin', async () => {
    const { queue, refused, until, isPaused } = fixture();
    queue.add(Array.from({ length: 1100 }, (_, id) => ({ id, sender: `r${id}`, hangs: true })));
    assert.equal(isPaused(), true);
    await until(() => refused.length === 76);
    assert.equal(isPaused(), false);
  });
});
