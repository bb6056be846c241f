/** What a principal may do, each role with what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;

/** viewer reads; operator changes states and reloads; admin changes destinations, the log and the process. */
export type Role = (typeof ROLES)[number];

/** What somebody may see and touch. */
export interface Rights {
  readonly role: Role;
  /** Partitions that exist for the user; undefined: all of them, and the process itself. */
  readonly partitions: ReadonlySet<string> | undefined;
}

/** What a command asks of its caller. */
export interface Need {
  readonly role: Role;
  /** It reaches beyond partitions: the log level, all probes. Only a user who is not bound to partitions may run it. */
  readonly wholeProcess?: boolean;
}

/** Everything, everywhere. */
export const ALL_RIGHTS: Rights = { role: 'admin', partitions: undefined };

/** Whether the rights suffice for what a command needs. */
export function mayDo(rights: Rights, need: Need): boolean {
  if (ROLES.indexOf(rights.role) < ROLES.indexOf(need.role)) return false;
  return need.wholeProcess !== true || rights.partitions === undefined;
}

/** Whether a partition is there at all for somebody with these rights. */
export function sees({ partitions }: Rights, partition: string): boolean {
  return partitions === undefined || partitions.has(partition);
}

/** The same rights within one partition only. */
export function withinPartition(rights: Rights, partition: string): Rights {
  return { role: rights.role, partitions: new Set(sees(rights, partition) ? [partition] : []) };
}
