import { type CompiledSet, NONE } from '../compiled-set.js';

/**
 * The active positions before `end`, in ascending order of `measure`; equal ones stay in order of position. `undefined`
 * leaves a position out.
 */
export function rank(set: CompiledSet, end: number, measure: (position: number) => number | undefined): Int32Array {
  const positions: number[] = [];
  const values = new Map<number, number>();
  for (let i = set.nextActive(0, end); i !== NONE; i = set.nextActive(i + 1, end)) {
    const value = measure(i);
    if (value === undefined) continue;
    values.set(i, Number.isNaN(value) ? 0 : value);
    positions.push(i);
  }
  positions.sort((a, b) => (values.get(a) as number) - (values.get(b) as number));
  return Int32Array.from(positions);
}
