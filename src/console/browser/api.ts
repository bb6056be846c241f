import type { DestinationDetail, EventList, HealthGroup, ProbePoint } from '../server/wire.js';

/** An answer other than success; `status` 401: the user must sign in. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The signed-in user, and its rights. */
export interface Me {
  readonly user: string | null;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly partitions: readonly string[] | null;
  /** Whether the node is in a cluster. */
  readonly clustered: boolean;
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { Accept: 'application/json' } });
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text();
  let reason = text.slice(0, 300);
  try {
    reason = String((JSON.parse(text) as { error?: unknown }).error ?? reason);
  } catch {
    // The body is plain text: it is the reason itself.
  }
  return new ApiError(response.status, reason === '' ? `HTTP ${response.status}` : reason);
}

/** Runs a management command. Throws ApiError with the daemon's message. */
export async function mi<T>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<T> {
  const response = await fetch('/console/mi', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  if (!response.ok) throw await failure(response);
  const answer = (await response.json()) as {
    result?: T;
    error?: { code: number; message: string; data?: unknown };
  };
  if (answer.error !== undefined) {
    const { code, message, data } = answer.error;
    throw new ApiError(code, typeof data === 'string' ? `${message}: ${data}` : message);
  }
  return answer.result as T;
}

/** The signed-in user and its rights. Throws ApiError, as all functions here do. */
export const me = (): Promise<Me> => get('/console/me');
/** One destination with its attributes and its last probes. */
export const destination = (id: number): Promise<DestinationDetail> => get(`/console/destination?id=${id}`);
/** Events, newest first; `before`: the number of the oldest known one. */
export const events = (before?: number): Promise<EventList> =>
  get(`/console/events${before === undefined ? '' : `?before=${before}`}`);
/** The data of the page "health". */
export const health = (): Promise<readonly HealthGroup[]> => get('/console/health');
/** The last probes of destinations, by their IDs. */
export const probes = (ids: readonly number[]): Promise<Readonly<Record<string, readonly ProbePoint[]>>> =>
  get(`/console/probes?ids=${ids.join()}`);

/** Signs in. Throws ApiError 401 for a wrong name or password, 429 after too many attempts. */
export async function signIn(user: string, password: string): Promise<void> {
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: user, password }),
  });
  if (!response.ok) throw await failure(response);
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await fetch('/api/session', { method: 'DELETE' });
}
