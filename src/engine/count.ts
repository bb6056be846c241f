import type { Partition } from './partition.js';

/**
 * ds_count: the number of destinations of a set whose state the filter names: a, A, 1 active; i, I, 0 inactive; p, P, 2
 * probing. Other characters are ignored; a filter without a state counts all. Undefined: no such set.
 */
export function countDestinations(partition: Partition, setId: number, filter: string): number | undefined {
  const set = partition.snapshot.sets.get(setId);
  if (set === undefined) return undefined;
  const active = /[aA1]/.test(filter);
  const inactive = /[iI0]/.test(filter);
  const probing = /[pP2]/.test(filter);
  const all = !active && !inactive && !probing;
  let count = 0;
  for (const { health } of set.destinations) {
    if (all || (health.state === 'active' ? active : health.state === 'inactive' ? inactive : probing)) count++;
  }
  return count;
}
