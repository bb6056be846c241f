import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../core/errors.js';
import { sendPieces } from '../../http/server.js';
import { MiError } from '../mi/command.js';
import type { MiHandler } from '../mi/handler.js';
import { MAX_REQUEST_BYTES } from '../mi/handler.js';
import { renderError } from '../mi/json-rpc.js';

/** What answers the bodies of requests. */
export type HttpAnswers = Pick<MiHandler, 'answer' | 'refuse'>;

/** Answers one HTTP request; what the listener mounts. */
export type MiHttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Milliseconds a request's body may take. */
const BODY_TIMEOUT = 10_000;
const PARSE_ERROR = '{"jsonrpc":"2.0","error":{"code":-32700';

/**
 * The HTTP door, to be mounted on the listener: POST with one JSON-RPC request or a batch as body. Answers 200 with what
 * JSON-RPC says, 204 to notifications; 400 to what is no JSON, 405 to other methods, 413 to what is too long. A web page of
 * another origin is refused with 403, so that no page an operator visits can drive the switch.
 */
export function createMiHttpHandler(handler: HttpAnswers): MiHttpHandler {
  return (request, response) => {
    void answer(handler, request, response).catch((error: unknown) => {
      handler.refuse('http', 'broken', `a request could not be answered: ${messageOf(error)}`);
      response.destroy();
    });
  };
}

async function answer(handler: HttpAnswers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    send(response, 405, renderError(new MiError(-32600, 'Invalid Request', 'use POST'), null));
    request.resume();
    return;
  }
  if (isForeignPage(request)) {
    handler.refuse('http', 'origin', `a request of the web page ${JSON.stringify(request.headers.origin)} is refused`);
    send(response, 403, renderError(new MiError(-32600, 'Invalid Request', 'foreign origin'), null));
    request.resume();
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    handler.refuse('http', 'oversized', `a request is longer than ${MAX_REQUEST_BYTES} bytes`);
    response.setHeader('Connection', 'close');
    send(response, 413, renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null));
    return;
  }
  const pieces = await handler.answer(body, 'http');
  if (pieces === undefined) {
    response.writeHead(204).end();
    return;
  }
  const [first = ''] = pieces;
  if (pieces.length === 1) send(response, first.startsWith(PARSE_ERROR) ? 400 : 200, first);
  else await sendPieces(response, 'application/json', pieces);
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/** Browsers name the page a POST comes from; tools and servers send no Origin at all. */
function isForeignPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return false;
  return origin.replace(/^https?:\/\//i, '').toLowerCase() !== (host ?? '').toLowerCase();
}

/** The body; undefined when it is too long. Throws when the client goes away or takes too long. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) {
      request.resume();
      resolve(undefined);
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => reject(new Error(`its body did not come within ${BODY_TIMEOUT} ms`)), BODY_TIMEOUT);
    timer.unref();
    const done = (run: () => void): void => {
      clearTimeout(timer);
      run();
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_REQUEST_BYTES) done(() => resolve(undefined));
      else chunks.push(chunk);
    });
    request.on('end', () => done(() => resolve(Buffer.concat(chunks))));
    request.on('error', (error) => done(() => reject(error)));
    request.on('close', () => done(() => reject(new Error('the client went away'))));
  });
}
