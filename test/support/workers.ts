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
