import type { ManagementCall } from '../../../access/call.js';
import { sees } from '../../../access/rights.js';
import { maskUri } from '../../../core/mask.js';
import type { Destination, HealthState } from '../../../engine/destination.js';
import type { Partition } from '../../../engine/partition.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';

/** The partitions visible to the caller, in order of definition. */
export function partitionsFor(deps: MiDependencies, { caller }: ManagementCall): readonly Partition[] {
  return deps.partitions().filter(({ name }) => sees(caller, name));
}

/**
 * The partition of this name; '' and "default" mean the default one. Who has one partition only means it when the request names
 * none.
 */
function findPartition(deps: MiDependencies, call: ManagementCall, name: string): Partition | undefined {
  const visible = partitionsFor(deps, call);
  const byDefault = visible.find((each) => each === deps.defaultPartition());
  if (name !== '') return visible.find((each) => each.name === name) ?? (name === 'default' ? byDefault : undefined);
  return byDefault ?? (call.caller.partitions !== undefined && visible.length === 1 ? visible[0] : undefined);
}

/** Order of listings, as recorded: partitions in reverse order of definition, the default one last. */
export function listedPartitions(deps: MiDependencies, call: ManagementCall): readonly Partition[] {
  const visible = partitionsFor(deps, call);
  const byDefault = deps.defaultPartition();
  const others = visible.filter((each) => each !== byDefault).reverse();
  return byDefault !== undefined && visible.includes(byDefault) ? [...others, byDefault] : others;
}

/**
 * The partition called `name`, or the error with the code this command answers (recorded: 500, ds_set_state 404). For a
 * caller bounded to partitions one that belongs to others and one that is not there are the same.
 */
export function requirePartition(deps: MiDependencies, call: ManagementCall, name: string, code: number): Partition {
  const partition = findPartition(deps, call, name);
  call.partition = partition?.name ?? name;
  if (partition !== undefined) return partition;
  call.refused = call.caller.partitions !== undefined;
  throw new MiError(code, 'ERROR Unknown partition');
}

/**
 * The destinations of a set at this address, without case over the whole URI as stored. One with a password may be named as
 * lists show it. The same URI with two sockets is two destinations, and an address names both.
 */
export function destinationsAt(partition: Partition, setId: number, address: string): readonly Destination[] {
  const found = partition.findAll(setId, address);
  if (found.length > 0 || !address.includes(':***@')) return found;
  const shown = address.toLowerCase();
  const all = partition.snapshot.sets.get(setId)?.destinations ?? [];
  return all.filter(({ row }) => maskUri(row.uri).toLowerCase() === shown);
}

/** The largest number a group may have; one that large is looked for, and not found. */
const LARGEST_GROUP = 2 ** 32 - 1;

/**
 * "5", "p2:5", "p2 : 5" or ":5" (the default partition). The first colon counts; blanks may stand around it, and nowhere else.
 * The number is looked at before the partition, so that "5:" is a bad group and not an unknown partition (recorded).
 */
export function parseGroup(text: string): { readonly partition: string; readonly setId: number } {
  const colon = text.indexOf(':');
  const digits = colon < 0 ? text : text.slice(colon + 1).trimStart();
  if (!/^[0-9]{1,10}$/.test(digits) || Number(digits) > LARGEST_GROUP) throw new MiError(500, 'bad group value');
  return { partition: colon < 0 ? '' : text.slice(0, colon).trimEnd(), setId: Number(digits) };
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
