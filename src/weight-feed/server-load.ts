/** What a media server reports of its load. */
export interface ServerLoad {
  /** Calls it has. */
  readonly sessions: number;
  /** Calls it takes at most. */
  readonly maxSessions: number;
  /** Percent. */
  readonly idleCpu: number;
}

/** Whether the figures can be those of a server. */
export function isServerLoad({ sessions, maxSessions, idleCpu }: ServerLoad): boolean {
  return sessions >= 0 && maxSessions > 0 && idleCpu >= 0 && [sessions, maxSessions, idleCpu].every(Number.isFinite);
}

/**
 * The weight of a server with this load: `maxWeight` when it has nothing to do, 0 when it is full or its processor is.
 * As documented for fetch_freeswitch_stats: weight = max * (Idle-CPU / 100) * (1 - Session-Count / Max-Sessions), rounded.
 */
export function weightOfLoad({ sessions, maxSessions, idleCpu }: ServerLoad, maxWeight: number): number {
  const idle = Math.min(1, idleCpu / 100);
  const free = Math.max(0, 1 - sessions / maxSessions);
  return Math.round(maxWeight * idle * free);
}
