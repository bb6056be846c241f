import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ItemQueue } from '../../../src/workers/outbox.js';

const iteration = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('items are sent together at the end of an event loop iteration', async () => {
  const sent: string[][] = [];
  const outbox = new ItemQueue<string>((items) => sent.push([...items]));
  outbox.add('question');
  outbox.add('question 2');
  assert.deepEqual(sent, []);
  await iteration();
  assert.deepEqual(sent, [['question', 'question 2']]);
  outbox.add('question 3');
  await iteration();
  assert.deepEqual(sent[1], ['question 3']);
});

test('a flush sends the waiting items at once, and nothing later', async () => {
  const sent: unknown[] = [];
  const outbox = new ItemQueue<string>((items) => sent.push(items));
  outbox.flush();
  outbox.add('a');
  outbox.flush();
  assert.deepEqual(sent, [['a']]);
  await iteration();
  assert.deepEqual(sent, [['a']]);
});

test('while the other process has 16 MB of unread characters messages are dropped, except awaited ones', async () => {
  const sent: (readonly string[])[] = [];
  const takers: (() => void)[] = [];
  const outbox = new ItemQueue<string>((items, taken) => {
    sent.push(items);
    takers.push(taken);
  });
  const added = () => outbox.addMessage('message', 64 * 1024);
  for (let i = 0; i < 128; i++) assert.ok(added());
  await iteration();
  for (let i = 0; i < 128; i++) assert.ok(added());
  assert.equal(added(), false);
  outbox.add('question');
  await iteration();
  assert.deepEqual(
    sent.map((items) => [items.length, items.at(-1)]),
    [
      [128, 'message'],
      [129, 'question'],
    ],
  );
  assert.equal(added(), false, 'both are under way');
  takers[0]?.();
  assert.ok(added(), 'half of it was taken');
});
