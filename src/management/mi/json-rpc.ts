import type { MiResult, MiValue } from './command.js';
import { JsonText, MiError } from './command.js';

/** Requests in one batch beyond this are refused as one invalid request. */
export const MAX_BATCH = 100;

/** The id of a JSON-RPC request, echoed in its answer. */
export type RpcId = string | number | null;

/** One element of what came in, looked at. `id` is undefined for a notification. */
export type JsonRpcRequest =
  | { readonly kind: 'call'; readonly id: RpcId | undefined; readonly method: string; readonly params: unknown }
  | { readonly kind: 'invalid'; readonly id: RpcId }
  /** An id that is neither string, number nor null: the original answers a bare "500 Internal error". */
  | { readonly kind: 'bad-id' };

/**
 * Looks at one request object (JSON-RPC 2.0 section 4). What the original refuses is refused alike; where it crashes
 * (no method, a method that is no string) it is an invalid request.
 */
export function readRequest(value: unknown): JsonRpcRequest {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { kind: 'invalid', id: null };
  const request = value as Readonly<Record<string, unknown>>;
  const id = request['id'];
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return { kind: 'bad-id' };
  // The original keeps an integer: 1.5 comes back as 1.
  const echoed: RpcId | undefined = typeof id === 'number' ? Math.trunc(id) : (id as RpcId | undefined);
  const params = request['params'];
  if (
    request['jsonrpc'] !== '2.0' ||
    typeof request['method'] !== 'string' ||
    (params !== undefined && (params === null || typeof params !== 'object'))
  ) {
    return { kind: 'invalid', id: echoed ?? null };
  }
  return { kind: 'call', id: echoed, method: request['method'], params };
}

/** The answer to what is JSON but no request. */
export const INVALID_REQUEST = new MiError(-32600, 'Invalid Request');
/** The answer to a request for a command that does not exist. */
export const METHOD_NOT_FOUND = new MiError(-32601, 'Method not found');

/** A good answer, compact, members in the recorded order; in pieces where the result is. */
export function renderResult(result: MiResult, id: RpcId): readonly string[] {
  const head = '{"jsonrpc":"2.0","result":';
  const tail = `,"id":${JSON.stringify(id)}}`;
  return result instanceof JsonText ? [head, ...result.pieces, tail] : [head + JSON.stringify(result) + tail];
}

/** An error answer; `data` only where there is one. */
export function renderError(error: MiError, id: RpcId): string {
  const body: Record<string, MiValue> = { code: error.code, message: error.message };
  if (error.data !== undefined) body['data'] = error.data;
  return `{"jsonrpc":"2.0","error":${JSON.stringify(body)},"id":${JSON.stringify(id)}}`;
}
