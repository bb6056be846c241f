import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * When a long task has created objects of so many bytes, they are collected at its next pause. Collecting takes one or
 * two milliseconds for each megabyte that survives: some 4 ms here, where V8 by itself, at 16 MB, takes 20.
 */
const YOUNG_LIMIT = 2 * 1024 * 1024;

/** Collects the young generation; set once per process by `collectBetweenIterations`, since V8 has one heap. */
let collectYoung: (() => void) | undefined;

/**
 * Resolves in the next event loop iteration; loops over very many destinations await it so that other work can run.
 * After `collectBetweenIterations` was called, it also starts small garbage collections: the objects of such loops
 * survive, unlike those of calls, and would make the next collection long.
 */
export function nextIteration(): Promise<void> {
  if (collectYoung !== undefined && youngBytes() > YOUNG_LIMIT) collectYoung();
  return new Promise((resolve) => setImmediate(resolve));
}

/** Makes `nextIteration` collect garbage. Only for processes of our own, since it controls the garbage collector. */
export function collectBetweenIterations(): void {
  if (collectYoung !== undefined) return;
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('globalThis.gc') as ((options: { type: 'minor' }) => void) | undefined;
  setFlagsFromString('--no-expose-gc');
  if (gc !== undefined) collectYoung = () => gc({ type: 'minor' });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_used_size ?? 0;
}
