/** The roles, from the least to the most rights; each includes the rights of the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;

/** viewer reads; operator changes states and reloads; admin changes destinations, the log and the process. */
export type Role = (typeof ROLES)[number];

/** What a caller may see and change. */
export interface Rights {
  readonly role: Role;
  /** Partitions the caller may see; undefined: all of them, and the commands for the whole process. */
  readonly partitions: ReadonlySet<string> | undefined;
}

/** The rights a command requires. */
export interface Need {
  readonly role: Role;
  /**
   * The command concerns the whole process (log level, all probes): a user limited to some partitions may not run it.
   */
  readonly wholeProcess?: boolean;
}

/** All rights on all partitions. */
export const ALL_RIGHTS: Rights = { role: 'admin', partitions: undefined };

/** Whether the rights suffice for what a command needs. */
export function mayDo(rights: Rights, need: Need): boolean {
  if (ROLES.indexOf(rights.role) < ROLES.indexOf(need.role)) return false;
  return need.wholeProcess !== true || rights.partitions === undefined;
}

/** Whether a partition exists for a caller with these rights. */
export function sees({ partitions }: Rights, partition: string): boolean {
  return partitions === undefined || partitions.has(partition);
}

/** The same role, limited to one partition. */
export function withinPartition(rights: Rights, partition: string): Rights {
  return { role: rights.role, partitions: new Set(sees(rights, partition) ? [partition] : []) };
}
