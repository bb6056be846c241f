import type { Problem } from '../../config/problem.js';
import type { PartitionConfig } from '../../config/settings.js';

/** A finding about a partition, located where it is defined. */
export function partitionProblem({ source, name }: PartitionConfig, reason: string): Problem {
  const [file = '', pointer = ''] = source.split('#');
  return { file, pointer, reason: `partition "${name}": ${reason}` };
}
