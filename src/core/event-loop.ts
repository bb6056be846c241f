import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes of new objects after which a long piece of work has them collected at its next pause: collecting costs one or
 * two milliseconds for each megabyte that lives on, so that it takes some 4 ms where V8 by itself, at 16 MB, takes 20.
 */
const YOUNG = 2 * 1024 * 1024;

let collectYoung: (() => void) | undefined;

/**
 * Resolves in the next event loop iteration, so that other work runs; for loops over very many destinations. Where
 * `collectBetweenIterations` was called it first keeps the next garbage collection short: objects that such work makes live on,
 * unlike those of a call.
 */
export function nextIteration(): Promise<void> {
  if (collectYoung !== undefined && youngBytes() > YOUNG) collectYoung();
  return new Promise((resolve) => setImmediate(resolve));
}

/** Has `nextIteration` collect new objects; only for a process of our own, as it controls the garbage collector. */
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
