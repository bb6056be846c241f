import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JobQueue } from '../../../src/tenant/job-queue.js';

describe('job queue', () => {
  test('jobs run one after another; a waiting job of the same kind is shared, a running one is not', async () => {
    const queue = new JobQueue();
    const done: string[] = [];
    let running = 0;
    const job = (name: string) => async () => {
      assert.equal(++running, 1, 'alone');
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(name);
      return name;
    };
    const first = queue.run('load', job('first'));
    await Promise.resolve();
    const second = queue.run('load', job('second'));
    const third = queue.run('load', job('third'));
    const other = queue.run('dry', job('other'));
    const edits = [queue.run(undefined, job('edit 1')), queue.run(undefined, job('edit 2'))];
    assert.equal(second, third);
    assert.deepEqual(await Promise.all([first, second, third, other, ...edits]), [
      'first',
      'second',
      'second',
      'other',
      'edit 1',
      'edit 2',
    ]);
    assert.deepEqual(done, ['first', 'second', 'other', 'edit 1', 'edit 2']);
  });

  test('a job that fails does not stop the queue; a job requested as the last one ends still waits for those before it', async () => {
    const queue = new JobQueue();
    const order: string[] = [];
    const failing = queue.run('load', async () => {
      order.push('failing');
      throw new Error('no');
    });
    const queued = queue.run('other', async () => void order.push('queued'));
    const late = failing.catch(() => queue.run('third', async () => void order.push('late')));
    await assert.rejects(failing, /no/);
    await Promise.all([queued, late]);
    await queue.idle();
    assert.deepEqual(order, ['failing', 'queued', 'late']);
  });
});
