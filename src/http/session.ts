import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../access/caller.js';
import { type HttpAccess, isRejection, type Rejection } from '../access/http-access.js';
import { typeRefusal } from './page-guard.js';
import { type HttpHandler, readBody, sendText } from './server.js';

/** Longest body of a sign-in. */
const MAX_SIGN_IN = 4096;
const JSON_TYPE = 'application/json';

/**
 * /api/session, for the console. GET returns the signed-in user; POST {"name", "password"} signs in and sets the
 * session cookie; DELETE signs out.
 */
export function sessionHandler(access: HttpAccess): HttpHandler {
  return async (request, response) => {
    const peer = request.socket.remoteAddress ?? '';
    switch (request.method) {
      case 'GET': {
        const caller = await access.caller({ headers: request.headers, peer }, 'http');
        if (isRejection(caller)) reject(response, caller);
        else sendText(response, 200, JSON_TYPE, whoIs(caller));
        return;
      }
      case 'POST':
        return signIn(access, peer, request, response);
      case 'DELETE':
        response.setHeader('Set-Cookie', access.signOut(request.headers));
        response.writeHead(204).end();
        return;
      default:
        response.setHeader('Allow', 'GET, POST, DELETE');
        sendText(response, 405, JSON_TYPE, '{"error":"use GET, POST or DELETE"}\n');
    }
  };
}

async function signIn(
  access: HttpAccess,
  peer: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = typeRefusal(request.headers['content-type']);
  if (refusal !== undefined) {
    request.resume();
    sendText(response, refusal.status, JSON_TYPE, `${JSON.stringify({ error: refusal.reason })}\n`);
    return;
  }
  const { name, password } = fieldsOf(await readBody(request, MAX_SIGN_IN));
  if (typeof name !== 'string' || typeof password !== 'string') {
    sendText(response, 400, JSON_TYPE, '{"error":"expected {\\"name\\": ..., \\"password\\": ...}"}\n');
    return;
  }
  const answer = await access.signIn(name, password, peer);
  if ('status' in answer) {
    reject(response, answer);
    return;
  }
  response.setHeader('Set-Cookie', answer.cookie);
  sendText(response, 200, JSON_TYPE, whoIs(answer.caller));
}

function fieldsOf(body: Buffer | undefined): { readonly name?: unknown; readonly password?: unknown } {
  try {
    return (JSON.parse(body?.toString('utf8') ?? '') as object | null) ?? {};
  } catch {
    return {};
  }
}

/** Answers GET; {"user": null} when nobody is signed in. */
function whoIs({
  user = null,
  role,
  partitions,
}: Omit<Caller, 'user'> & { readonly user?: string | null | undefined }): string {
  return `${JSON.stringify({ user, role, partitions: partitions === undefined ? '*' : [...partitions] })}\n`;
}

/** Leaves out WWW-Authenticate: a browser would show its own dialog, but the console has a form. */
function reject(response: ServerResponse, { status, headers }: Rejection): void {
  const after = headers['Retry-After'];
  if (after !== undefined) response.setHeader('Retry-After', after);
  sendText(
    response,
    status,
    JSON_TYPE,
    `{"error":"${status === 401 ? 'wrong name or password' : 'too many failed logins'}"}\n`,
  );
}
