import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes of new objects after which a long piece of work has them collected at its next turn: collecting costs one or two
 * milliseconds for each megabyte that lives on, so that it takes some 4 ms where V8 by itself, at 16 MB, takes 20.
 */
const YOUNG = 2 * 1024 * 1024;

let collectYoung: (() => void) | undefined;

/**
 * Lets everything else have a turn; for work that goes through very many destinations. Where `collectInTurns` was called it
 * first keeps the next garbage collection short: what such work makes lives on, other than what a call makes.
 */
export function nextTurn(): Promise<void> {
  if (collectYoung !== undefined && youngBytes() > YOUNG) collectYoung();
  return new Promise((resolve) => setImmediate(resolve));
}

/** Has `nextTurn` collect new objects; for a process of our own, whose garbage collector is ours to steer. */
export function collectInTurns(): void {
  if (collectYoung !== undefined) return;
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('globalThis.gc') as ((options: { type: 'minor' }) => void) | undefined;
  setFlagsFromString('--no-expose-gc');
  if (gc !== undefined) collectYoung = () => gc({ type: 'minor' });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_used_size ?? 0;
}
