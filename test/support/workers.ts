/**
 * Settings with which a test's daemon runs with several workers: SWITCHYARD_TEST_WORKERS=2. Only for daemons that
 * support workers.
 */
export function workersSetting(settings: Readonly<Record<string, unknown>> = {}): {
  readonly workers?: number;
  readonly worker_spread?: 'even';
} {
  const workers = Number(process.env['SWITCHYARD_TEST_WORKERS'] ?? '1');
  const { limits = {}, listen } = settings as { limits?: { batch_datagrams?: boolean }; listen?: unknown };
  if (listen !== undefined && !JSON.stringify(listen).includes('udp:')) return {};
  if (workers === 1 || 'route_script' in settings || limits.batch_datagrams === false) return {};
  // So that all workers get some of few calls.
  return { workers, worker_spread: 'even' };
}

/** Process ids of the workers as listed by the MI command ps, which `execute` runs. */
export async function workerPids(execute: (command: string) => Promise<unknown>): Promise<number[]> {
  const { Processes } = (await execute('ps')) as { Processes: { PID: number; Type: string }[] };
  return Processes.filter(({ Type }) => Type.startsWith('SIP worker')).map(({ PID }) => PID);
}
