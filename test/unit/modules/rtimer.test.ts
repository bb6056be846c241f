import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeTimers } from '../../../src/modules/rtimer.js';
import { ModuleParameters } from '../../../src/script/environment.js';

const timersOf = (timer: string[], exec: string[], more: Record<string, number[]> = {}) =>
  routeTimers.create(new ModuleParameters(new Map(Object.entries({ timer, exec, ...more }))));

test('a timer runs the routes that name it, at its interval in seconds or microseconds, or the default one', () => {
  const timers = timersOf(
    ['name=a;interval=10;mode=1;', 'name=b;interval=300000u', 'name=c'],
    ['timer=a;route=ONE', 'timer=b;route=TWO', 'timer=a;route=THREE'],
    { default_interval: [30] },
  );
  assert.deepEqual(timers, [
    { ms: 10_000, routes: ['ONE', 'THREE'] },
    { ms: 300, routes: ['TWO'] },
    { ms: 30_000, routes: [] },
  ]);
});

test('a definition that cannot be read is refused with its text', () => {
  assert.throws(() => timersOf(['interval=10'], []), /timer "interval=10" has no name/);
  assert.throws(() => timersOf(['name=a;interval=x'], []), /"name=a;interval=x": the interval/);
  assert.throws(() => timersOf(['name=a;interval=0'], []), /the interval is not a number above 0/);
  assert.throws(() => timersOf(['name=a', 'name=a'], []), /there is a timer of that name already/);
  assert.throws(() => timersOf(['name=a;interval=1'], ['timer=b;route=R']), /exec "timer=b;route=R" names no timer/);
});
