import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import { rateState } from '../../../src/modules/rate-limit.js';
import { ModuleStates } from '../../../src/script/environment.js';

/** State of a process that is kept over reloads; `pipe`: the pipes of the file. */
function startProcess(memory: SharedArrayBuffer | undefined) {
  const kept = new Map<object, unknown>();
  const shared = memory === undefined ? undefined : new SharedValues(memory, () => 0);
  return (...pipe: readonly string[]) => {
    const parameters = new Map([['ratelimit', new Map([['pipe', pipe]])]]);
    return new ModuleStates(parameters, new Set(['ratelimit']), kept, undefined, new Map(), shared).of(rateState).pipes;
  };
}

const shown = (pipes: ReturnType<ReturnType<typeof startProcess>>) =>
  Object.fromEntries(Array.from(pipes, ([name, { limit, count, algorithm }]) => [name, [limit, count, algorithm]]));

for (const memory of [undefined, new SharedArrayBuffer(1024 * 1024)]) {
  test(`a reload keeps what pipes have counted and takes the limits of the file${memory === undefined ? '' : ', with other processes'}`, () => {
    const load = startProcess(memory);
    const before = load('1:TAILDROP:3', '2:RED:1');
    for (const name of ['1', '2']) before.change(name, (pipe) => void (pipe.count += 7));
    assert.deepEqual(shown(load('1:RED:5', '3:RED:2')), {
      1: [50, 7, 'taildrop'],
      2: [10, 7, 'red'],
      3: [20, 0, 'red'],
    });
  });
}

test('a reload in one process loses no message that another one counts meanwhile', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const [load, other] = [startProcess(memory), startProcess(memory)('1:TAILDROP:3')];
  let counted = 0;
  const count = (): void => {
    counted++;
    other.change('1', (pipe) => void pipe.count++);
  };
  const before = load('1:TAILDROP:3');
  count();
  const all = [...before];
  // A concurrent reader writes back the earlier values of the pipes.
  before[Symbol.iterator] = function* () {
    for (const each of all) {
      count();
      yield each;
    }
  };
  load('1:TAILDROP:4');
  assert.deepEqual(shown(other), { 1: [40, counted, 'taildrop'] });
});
