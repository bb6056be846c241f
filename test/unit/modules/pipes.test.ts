import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newPipe, OwnPipes } from '../../../src/modules/pipes.js';

test('pipes named by peers take 16 Mi characters at most; existing pipes stay', () => {
  const pipes = new OwnPipes();
  const long = 'p'.repeat(60_000);
  const make = () => newPipe(1, 'taildrop');
  let made = 0;
  for (let i = 0; i < 400; i++) if (pipes.change(`${i}${long}`, () => undefined, make)) made++;
  assert.equal(made, Math.floor((16 * 1024 * 1024) / 60_002.5));
  assert.equal(pipes.size, made);
  let changed = false;
  const change = (): void => {
    changed = true;
  };
  assert.equal(pipes.change(`0${long}`, change, make), true);
  assert.equal(changed, true);
});
