import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../../src/workers/outbox.js';

const iteration = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('what is waited for goes at the end of the iteration, with all that was collected', async () => {
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

test('what nobody waits for goes a little later, with what is added at the end', async () => {
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

test('nothing is sent where there is nothing', async () => {
  const sent: unknown[] = [];
  const outbox = new Outbox<string>((items) => sent.push(items));
  outbox.flush();
  outbox.add('a');
  outbox.flush();
  await iteration();
  assert.deepEqual(sent, [['a']]);
});
