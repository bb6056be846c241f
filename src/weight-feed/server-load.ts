/** The load that a media server reports. */
export interface ServerLoad {
  /** Current calls. */
  readonly sessions: number;
  /** Maximum number of calls it accepts. */
  readonly maxSessions: number;
  /** In percent. */
  readonly idleCpu: number;
}

/** Whether the figures are plausible. */
export function isServerLoad({ sessions, maxSessions, idleCpu }: ServerLoad): boolean {
  return sessions >= 0 && maxSessions > 0 && idleCpu >= 0 && [sessions, maxSessions, idleCpu].every(Number.isFinite);
}

/**
 * The weight of a server with this load: `maxWeight` when idle, 0 when it has no free session or no idle CPU. As
 * documented for fetch_freeswitch_stats: weight = max * (Idle-CPU / 100) * (1 - Session-Count / Max-Sessions), rounded.
 */
export function weightOfLoad({ sessions, maxSessions, idleCpu }: ServerLoad, maxWeight: number): number {
  const idle = Math.min(1, idleCpu / 100);
  const free = Math.max(0, 1 - sessions / maxSessions);
  return Math.round(maxWeight * idle * free);
}
