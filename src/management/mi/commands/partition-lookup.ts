import type { ManagementCall } from '../../../access/call.js';
import { sees } from '../../../access/rights.js';
import { maskUri } from '../../../core/mask.js';
import type { Destination, HealthState } from '../../../engine/destination.js';
import type { Partition } from '../../../engine/partition.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';

/** The partitions that the caller may see, in order of definition. */
export function partitionsFor(deps: MiDependencies, { caller }: ManagementCall): readonly Partition[] {
  return deps.partitions().filter(({ name }) => sees(caller, name));
}

/**
 * The partition with a name; '' and "default" mean the default one. For a caller with a single partition, '' means that
 * one.
 */
function findPartition(deps: MiDependencies, call: ManagementCall, name: string): Partition | undefined {
  const visible = partitionsFor(deps, call);
  const byDefault = visible.find((each) => each === deps.defaultPartition());
  if (name !== '') return visible.find((each) => each.name === name) ?? (name === 'default' ? byDefault : undefined);
  return byDefault ?? (call.caller.partitions !== undefined && visible.length === 1 ? visible[0] : undefined);
}

/** The order of lists, as recorded: partitions in reverse order of definition, the default one last. */
export function listedPartitions(deps: MiDependencies, call: ManagementCall): readonly Partition[] {
  const visible = partitionsFor(deps, call);
  const byDefault = deps.defaultPartition();
  const others = visible.filter((each) => each !== byDefault).reverse();
  return byDefault !== undefined && visible.includes(byDefault) ? [...others, byDefault] : others;
}

/**
 * The partition with a name; throws an error with the code of this command (recorded: 500, for ds_set_state 404). For a
 * caller limited to some partitions, others do not exist.
 */
export function requirePartition(deps: MiDependencies, call: ManagementCall, name: string, code: number): Partition {
  const partition = findPartition(deps, call, name);
  call.partition = partition?.name ?? name;
  if (partition !== undefined) return partition;
  call.refused = call.caller.partitions !== undefined;
  throw new MiError(code, 'ERROR Unknown partition');
}

/**
 * The destinations of a set with an address, compared as stored but without case. If it has a password, it may be
 * written as in lists. A URI with two sockets is two destinations, and both are returned.
 */
export function destinationsAt(partition: Partition, setId: number, address: string): readonly Destination[] {
  const found = partition.findAll(setId, address);
  if (found.length > 0 || !address.includes(':***@')) return found;
  const shown = address.toLowerCase();
  const all = partition.snapshot.sets.get(setId)?.destinations ?? [];
  return all.filter(({ row }) => maskUri(row.uri).toLowerCase() === shown);
}

/** The largest allowed number of a set. */
const LARGEST_GROUP = 2 ** 32 - 1;

/**
 * Parses "5", "p2:5", "p2 : 5" or ":5" (the default partition). The first colon counts; spaces are allowed only around
 * it. The number is checked before the partition, so "5:" is a bad group and not an unknown partition (recorded).
 */
export function parseGroup(text: string): { readonly partition: string; readonly setId: number } {
  const colon = text.indexOf(':');
  const digits = colon < 0 ? text : text.slice(colon + 1).trimStart();
  if (!/^[0-9]{1,10}$/.test(digits) || Number(digits) > LARGEST_GROUP) throw new MiError(500, 'bad group value');
  return { partition: colon < 0 ? '' : text.slice(0, colon).trimEnd(), setId: Number(digits) };
}

/** A set ID as a number, where the partition is another parameter. */
export function parseSetId(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 999_999_999) return value;
  throw new MiError(500, 'bad group value');
}

/**
 * The state for a word: only its first character counts, which may also be the digit in the state column (recorded).
 */
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

/** How lists show a state. */
export const STATE_LABELS: Readonly<Record<HealthState, string>> = {
  active: 'Active',
  inactive: 'Inactive',
  probing: 'Probing',
};
