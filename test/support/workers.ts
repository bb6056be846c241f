/**
 * Key of the settings under which a daemon of a test runs with several workers: SWITCHYARD_TEST_WORKERS=2. Only daemons that
 * can have them do.
 */
export function workersSetting(settings: Readonly<Record<string, unknown>> = {}): {
  readonly workers?: number;
  readonly worker_spread?: 'even';
} {
  const workers = Number(process.env['SWITCHYARD_TEST_WORKERS'] ?? '1');
  const { limits = {}, listen } = settings as { limits?: { batch_datagrams?: boolean }; listen?: unknown };
  if (listen !== undefined && !JSON.stringify(listen).includes('udp:')) return {};
  if (workers === 1 || 'route_script' in settings || limits.batch_datagrams === false) return {};
  // So that few calls come to all of them.
  return { workers, worker_spread: 'even' };
}
