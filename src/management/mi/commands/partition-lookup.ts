import type { HealthState } from '../../../engine/destination.js';
import type { Partition } from '../../../engine/partition.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';

/** The partition of this name; '' and "default" mean the default one. */
function findPartition(deps: MiDependencies, name: string): Partition | undefined {
  if (name === '') return deps.defaultPartition();
  const named = deps.partitions().find((each) => each.name === name);
  return named ?? (name === 'default' ? deps.defaultPartition() : undefined);
}

/** Order of listings, as recorded: partitions in reverse order of definition, the default one last. */
export function listedPartitions(deps: MiDependencies): readonly Partition[] {
  const last = deps.defaultPartition();
  const others = deps.partitions().filter((each) => each !== last);
  others.reverse();
  return last === undefined ? others : [...others, last];
}

/** The partition called `name`, or the error with the code this command answers (recorded: 500, ds_set_state 404). */
export function requirePartition(deps: MiDependencies, name: string, code: number): Partition {
  const partition = findPartition(deps, name);
  if (partition === undefined) throw new MiError(code, 'ERROR Unknown partition');
  return partition;
}

/**
 * "5", "p2:5", "p2: 5" or ":5" (the default partition). The number is looked at before the partition, so that "5:" is a
 * bad group and not an unknown partition (recorded).
 */
export function parseGroup(text: string): { readonly partition: string; readonly setId: number } {
  const colon = text.lastIndexOf(':');
  const digits = text.slice(colon + 1).trim();
  if (!/^[0-9]{1,9}$/.test(digits)) throw new MiError(500, 'bad group value');
  return { partition: colon < 0 ? '' : text.slice(0, colon).trim(), setId: Number(digits) };
}

/** A set id as a number of its own, where there is a parameter for the partition. */
export function parseSetId(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 999_999_999) return value;
  throw new MiError(500, 'bad group value');
}

/** The state a word stands for: only its first character counts, or the digit of the state column (recorded). */
export function parseState(text: string): HealthState {
  switch (text.charAt(0)) {
    case 'a':
    case 'A':
    case '1':
      return 'active';
    case 'i':
    case 'I':
    case '0':
      return 'inactive';
    case 'p':
    case 'P':
    case '2':
      return 'probing';
    default:
      throw new MiError(500, 'Bad state value');
  }
}

/** How listings write a state. */
export const STATE_LABELS: Readonly<Record<HealthState, string>> = {
  active: 'Active',
  inactive: 'Inactive',
  probing: 'Probing',
};

/** Destinations handled between two turns of the event loop, so that a bulk command delays no call. */
export const SLICE = 500;
