import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.js';
import { nullLogger } from '../../../src/core/logger.js';
import { OutboxFile } from '../../../src/store/outbox-file.js';
import { FakeClock } from '../../support/fake-clock.js';
import { programArguments } from '../../support/program.js';

function folder(t: { after(run: () => void): void }): string {
  const made = mkdtempSync(join(tmpdir(), 'switchyard-outbox-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('entries that were appended and not removed are read by the next process, in order', async (t) => {
  const path = join(folder(t), 'outbox.db');
  const first = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual(first.left, []);
  for (const id of ['a', 'b', 'c']) first.append(id, `text of ${id}`);
  await Promise.resolve();
  first.remove('b');
  first.append('d', 'text of d');
  first.append('e', 'text of e');
  first.remove('e');
  first.close();
  const second = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual(
    second.left.map(({ id, text }) => `${id}: ${text}`),
    ['a: text of a', 'c: text of c', 'd: text of d'],
  );
  second.close();
});

test('the last delivered text of each key is kept, also by a file made before there were such texts', async (t) => {
  const path = join(folder(t), 'outbox.db');
  const first = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual(first.delivered(), []);
  first.append('1', 'one');
  first.remove('1');
  first.deliver('a', 'one');
  first.deliver('b', 'two');
  first.deliver('a', 'three');
  first.close();
  const second = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual([...second.delivered()].sort(), ['three', 'two']);
  second.deliver('b', 'four');
  second.close();
  const third = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual([...third.delivered()].sort(), ['four', 'three']);
  third.close();
});

test('delivered texts beyond the maximum are removed while the file is open, those delivered longest ago first', (t) => {
  const path = join(folder(t), 'outbox.db');
  const clock = new FakeClock();
  const first = new OutboxFile(path, clock, nullLogger, 3);
  const deliver = (...keys: string[]): void => {
    for (const key of keys) first.deliver(key, `last of ${key}`);
    clock.advance(100);
  };
  deliver('a', 'b', 'c');
  deliver('a');
  deliver('d');
  assert.deepEqual([...first.delivered()].sort(), ['last of a', 'last of c', 'last of d']);
  deliver('e', 'f', 'g', 'h', 'c');
  assert.deepEqual([...first.delivered()].sort(), ['last of c', 'last of g', 'last of h']);
  first.close();
  const second = new OutboxFile(path, clock, nullLogger, 3);
  second.deliver('i', 'last of i');
  clock.advance(100);
  assert.deepEqual([...second.delivered()].sort(), ['last of c', 'last of h', 'last of i']);
  second.close();
});

test('an appended entry survives a SIGKILL right after its event loop iteration', async (t) => {
  const path = join(folder(t), 'outbox.db');
  const program = programArguments('test/support/appending-process.ts');
  const child = spawn(process.execPath, [...program, path], { stdio: 'inherit' });
  const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  assert.equal(signal, 'SIGKILL');
  const file = new OutboxFile(path, systemClock, nullLogger);
  assert.deepEqual(
    file.left.map((each) => each.id),
    Array.from({ length: 100 }, (_, i) => String(i)),
  );
  file.close();
});

test('an unusable file is reported when it is opened', (t) => {
  assert.throws(() => new OutboxFile(join(folder(t), 'no-such-folder', 'outbox.db'), systemClock, nullLogger));
});
