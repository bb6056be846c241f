import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../../access/caller.js';
import { messageOf } from '../../core/errors.js';
import { typeRefusal } from '../../http/page-guard.js';
import { readBody, sendPieces } from '../../http/server.js';
import { MiError } from '../mi/command.js';
import type { MiHandler } from '../mi/handler.js';
import { MAX_REQUEST_BYTES } from '../mi/handler.js';
import { renderError } from '../mi/json-rpc.js';

/** Answers request bodies. */
export type HttpAnswers = Pick<MiHandler, 'answer' | 'refuse'>;

/** Finds the caller of a request; undefined when it was refused and answered. */
export type Authenticate = (
  request: IncomingMessage,
  response: ServerResponse,
) => Caller | undefined | Promise<Caller | undefined>;

/** Answers one HTTP request; mounted on the listener. */
export type MiHttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Milliseconds in which the body of a request must arrive. */
const BODY_TIMEOUT = 10_000;
/** Recognises the error answer of either protocol for missing rights. */
const FORBIDDEN_ANSWER = /^\{\s*"jsonrpc":\s*"2.0",\s*"error":\s*\{\s*"code":\s*403,\s*"message":\s*"Forbidden"/;
const PARSE_ERROR = '{"jsonrpc":"2.0","error":{"code":-32700';

/**
 * JSON-RPC over HTTP, mounted on the listener: POST with one JSON-RPC request or a batch as body. Answers 200 with the
 * JSON-RPC answer; 204 for notifications; 400 if the body is not JSON; 403 for missing rights; 405 for other methods;
 * 413 for a body that is too long; 415 if its type is not JSON.
 */
export function createMiHttpHandler(handler: HttpAnswers, authenticate: Authenticate): MiHttpHandler {
  return (request, response) => {
    void answer(handler, authenticate, request, response).catch((error: unknown) => {
      handler.refuse('http', 'broken', `a request could not be answered: ${messageOf(error)}`);
      response.destroy();
    });
  };
}

async function answer(
  handler: HttpAnswers,
  authenticate: Authenticate,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    send(response, 405, renderError(new MiError(-32600, 'Invalid Request', 'use POST'), null));
    request.resume();
    return;
  }
  const refusal = typeRefusal(request.headers['content-type']);
  if (refusal !== undefined) {
    handler.refuse('http', 'content-type', 'a request is refused: its Content-Type is not JSON');
    send(response, refusal.status, renderError(new MiError(-32600, 'Invalid Request', refusal.reason), null));
    request.resume();
    return;
  }
  const caller = await authenticate(request, response);
  if (caller === undefined) {
    request.resume();
    return;
  }
  const body = await bodyOf(request);
  if (body === undefined) {
    handler.refuse('http', 'oversized', `a request is longer than ${MAX_REQUEST_BYTES} bytes`);
    response.setHeader('Connection', 'close');
    send(response, 413, renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null));
    return;
  }
  const pieces = await handler.answer(body, caller);
  if (pieces === undefined) {
    response.writeHead(204).end();
    return;
  }
  const [first = ''] = pieces;
  if (pieces.length === 1) send(response, statusOf(first), first);
  else await sendPieces(response, 'application/json', pieces);
}

/** HTTP clients check the status first, so it also shows missing rights and invalid JSON. */
function statusOf(answer: string): number {
  if (answer.startsWith(PARSE_ERROR)) return 400;
  return FORBIDDEN_ANSWER.test(answer) ? 403 : 200;
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/** The body; undefined when it is too long. Throws when the client closes the connection or is too slow. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) {
    request.resume();
    return undefined;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const reason = `its body was not received within ${BODY_TIMEOUT} ms`;
    timer = setTimeout(() => reject(new Error(reason)), BODY_TIMEOUT).unref();
  });
  try {
    return await Promise.race([readBody(request, MAX_REQUEST_BYTES, 'discarded'), late]);
  } finally {
    clearTimeout(timer);
  }
}
