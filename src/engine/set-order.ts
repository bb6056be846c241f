import type { CompiledDestination } from './compiled-destination.js';
import type { SetRules } from './flavour.js';

const SLICE = 2000;

/**
 * Yields the members of a set in order of selection and sets their positions: higher priority first; equal priorities
 * as the flavour says. It sorts into buckets, so that the work can be interrupted.
 */
export function* inOrderOfPriority(
  members: readonly CompiledDestination[],
  equalPriorities: SetRules['equalPriorities'],
): Generator<void, readonly CompiledDestination[]> {
  const buckets = new Map<number, CompiledDestination[]>();
  for (let i = 0; i < members.length; i++) {
    if (i % SLICE === SLICE - 1) yield;
    const member = members[i] as CompiledDestination;
    const bucket = buckets.get(member.row.priority);
    if (bucket === undefined) buckets.set(member.row.priority, [member]);
    else bucket.push(member);
  }
  const priorities = Float64Array.from(buckets.keys()).sort().reverse();
  const ordered: CompiledDestination[] = [];
  for (const priority of priorities) {
    const bucket = buckets.get(priority) ?? [];
    if (equalPriorities === 'reverse row order') bucket.reverse();
    for (const member of bucket) {
      member.index = ordered.length;
      ordered.push(member);
      if (ordered.length % SLICE === 0) yield;
    }
  }
  return ordered;
}
