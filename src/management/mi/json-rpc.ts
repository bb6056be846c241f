import type { MiResult, MiValue } from './command.js';
import { JsonText, MiError } from './command.js';

/** Maximum number of requests in a batch; a larger one is refused as one invalid request. */
export const MAX_BATCH = 100;

/** The ID of a JSON-RPC request, repeated in its answer. */
export type RpcId = string | number | null;

/** A parsed request. `id`: undefined for a notification. */
export type JsonRpcRequest =
  | { readonly kind: 'call'; readonly id: RpcId | undefined; readonly method: string; readonly params: unknown }
  | { readonly kind: 'invalid'; readonly id: RpcId }
  /** An ID that is neither string, number nor null: OpenSIPS answers only "500 Internal error". */
  | { readonly kind: 'bad-id' };

/**
 * Parses a request object (JSON-RPC 2.0 section 4). What OpenSIPS refuses is refused in the same way; what crashes it
 * (no method, or a method that is not a string) is an invalid request.
 */
export function readRequest(value: unknown): JsonRpcRequest {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { kind: 'invalid', id: null };
  const request = value as Readonly<Record<string, unknown>>;
  const id = request['id'];
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return { kind: 'bad-id' };
  // OpenSIPS keeps an integer: 1.5 comes back as 1.
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

/** The answer to JSON that is not a request. */
export const INVALID_REQUEST = new MiError(-32600, 'Invalid Request');
/** The answer to an unknown command. */
export const METHOD_NOT_FOUND = new MiError(-32601, 'Method not found');

/** A success answer, compact, with members in the recorded order; in pieces if the result is. */
export function renderResult(result: MiResult, id: RpcId): readonly string[] {
  const head = '{"jsonrpc":"2.0","result":';
  const tail = `,"id":${JSON.stringify(id)}}`;
  return result instanceof JsonText ? [head, ...result.pieces, tail] : [head + JSON.stringify(result) + tail];
}

/** An error answer; `data` only if there is some. */
export function renderError(error: MiError, id: RpcId): string {
  const body: Record<string, MiValue> = { code: error.code, message: error.message };
  if (error.data !== undefined) body['data'] = error.data;
  return `{"jsonrpc":"2.0","error":${JSON.stringify(body)},"id":${JSON.stringify(id)}}`;
}
