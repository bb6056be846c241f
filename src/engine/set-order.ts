import type { CompiledDestination } from './compiled-destination.js';
import type { SetRules } from './flavour.js';

const SLICE = 2000;

/**
 * The members of a set in the order they are selected in, each given its position: higher priority first; equal ones in
 * the order the flavour says. Buckets rather than one long sort, so that it can be interrupted.
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
