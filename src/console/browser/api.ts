import type { DestinationDetail, EventList, HealthGroup, ProbePoint } from '../server/wire.js';

/** An answer other than success; `status` 401: sign in. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Who is signed in, and what that name may do. */
export interface Me {
  readonly user: string | null;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly partitions: readonly string[] | null;
  /** Whether the node is one of a cluster. */
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
    // a plain text is the reason itself
  }
  return new ApiError(response.status, reason === '' ? `HTTP ${response.status}` : reason);
}

/** Runs a management command. Throws ApiError with what the daemon said. */
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

/** Who is signed in, and what they may do. Throws ApiError, as all of these do. */
export const me = (): Promise<Me> => get('/console/me');
/** One destination with its attributes and its last probes. */
export const destination = (id: number): Promise<DestinationDetail> => get(`/console/destination?id=${id}`);
/** Events, newest first; `before`: the number of the last one that is known. */
export const events = (before?: number): Promise<EventList> =>
  get(`/console/events${before === undefined ? '' : `?before=${before}`}`);
/** What the page "health" shows. */
export const health = (): Promise<readonly HealthGroup[]> => get('/console/health');
/** The last probes of destinations, by their ids. */
export const probes = (ids: readonly number[]): Promise<Readonly<Record<string, readonly ProbePoint[]>>> =>
  get(`/console/probes?ids=${ids.join()}`);

/** Signs in. Throws ApiError 401 for a wrong name or password, 429 when tried too often. */
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
