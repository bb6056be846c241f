import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../../src/workers/outbox.js';

const iteration = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('an item that is waited for is sent at the end of the event loop iteration, with all items before it', async () => {
  const sent: string[][] = [];
  const outbox = new Outbox<string>((items) => sent.push([...items]));
  outbox.addLater('report');
  await iteration();
  assert.deepEqual(sent, [], 'nobody waits for a report');
  outbox.add('question');
  outbox.addLater('another report');
  outbox.add('question 2');
  assert.deepEqual(sent, []);
  await iteration();
  assert.deepEqual(sent, [['report', 'question', 'another report', 'question 2']]);
});

test('items that nobody waits for are sent a little later, with those the callback adds', async () => {
  let done: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  const sent: string[][] = [];
  const outbox: Outbox<string> = new Outbox<string>(
    (items) => {
      sent.push([...items]);
      done();
    },
    () => outbox.addLater('figures'),
  );
  outbox.addLater('a');
  outbox.addLater('b');
  await ended;
  assert.deepEqual(sent, [['a', 'b', 'figures']]);
});

test('a flush without items sends nothing', async () => {
  const sent: unknown[] = [];
  const outbox = new Outbox<string>((items) => sent.push(items));
  outbox.flush();
  outbox.add('a');
  outbox.flush();
  await iteration();
  assert.deepEqual(sent, [['a']]);
});
