import type { CompiledSet } from '../../engine/compiled-set.js';
import type { ReadySelection } from './rule.js';

/**
 * Calls a function that makes this selection, and restores the state it changes: positions, numbers of hits, tables.
 */
export function withoutTrace<T>({ partition, routes, targets }: ReadySelection, run: () => T): T {
  const asked = (routes?.targets ?? targets).map((each) => partition.snapshot.sets.get(each.setId));
  const restore = [...new Set(asked as (CompiledSet | undefined)[])].map((set) => set?.remember());
  try {
    return run();
  } finally {
    for (const back of restore) back?.();
  }
}
