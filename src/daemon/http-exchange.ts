import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../script/services.js';

/** Meaning of an error code of a socket or of TLS; all others are "failed". */
const FAILURES: ReadonlyMap<string, HttpFailure> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['ENOTFOUND', 'unknown host'],
  ['EAI_AGAIN', 'unknown host'],
  ['ECONNRESET', 'no answer'],
  ['EPROTO', 'tls'],
  ['CERT_HAS_EXPIRED', 'certificate'],
  ['CERT_NOT_YET_VALID', 'certificate'],
  ['CERT_UNTRUSTED', 'certificate'],
  ['CERT_REVOKED', 'certificate'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate'],
]);

function failureOf({ code = '' }: NodeJS.ErrnoException): HttpFailure {
  return FAILURES.get(code) ?? (code.startsWith('ERR_SSL_') ? 'tls' : 'failed');
}

/** The body of an answer up to a maximum length. It keeps no chunks, since a server may send one for each byte. */
class BoundedBody {
  private buffer = Buffer.alloc(0);
  private bytes = 0;

  constructor(private readonly max: number) {}

  /** Appends bytes; returns false when the maximum is exceeded. */
  add(chunk: Buffer): boolean {
    const { buffer, bytes, max } = this;
    const wanted = Math.min(max, bytes + chunk.length);
    if (wanted > buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.min(max, Math.max(wanted, 2 * buffer.length, 4096)));
      buffer.copy(this.buffer, 0, 0, bytes);
    }
    chunk.copy(this.buffer, bytes, 0, wanted - bytes);
    this.bytes = wanted;
    return bytes + chunk.length <= max;
  }

  get text(): string {
    return this.buffer.toString('latin1', 0, this.bytes);
  }
}

/** Makes one HTTP request within its limits of time and size; redirections are returned as answers. Never rejects. */
export function exchange(wanted: HttpRequest): Promise<HttpAnswer | HttpFailure> {
  return new Promise((resolve) => {
    let url: URL;
    try {
      url = new URL(wanted.url);
    } catch {
      resolve('bad url');
      return;
    }
    const plain = url.protocol === 'http:';
    if (!plain && url.protocol !== 'https:') {
      resolve('unknown scheme');
      return;
    }
    const options: RequestOptions = {
      method: wanted.method,
      headers: Object.fromEntries(wanted.headers),
      agent: false,
    };
    let request: ReturnType<typeof requestHttp>;
    try {
      request = plain ? requestHttp(url, options) : requestHttps(url, { ...options, ...tlsOf(wanted) });
    } catch {
      // A header field or a certificate that Node does not accept.
      resolve('failed');
      return;
    }
    const timers: NodeJS.Timeout[] = [];
    const done = (result: HttpAnswer | HttpFailure): void => {
      for (const each of timers) clearTimeout(each);
      resolve(result);
      request.destroy();
    };
    const connecting = setTimeout(() => done('connect timeout'), wanted.connectMs);
    timers.push(connecting);
    timers.push(setTimeout(() => done('timeout'), wanted.totalMs));
    request.on('socket', (socket) => socket.once(plain ? 'connect' : 'secureConnect', () => clearTimeout(connecting)));
    request.on('error', (error) => done(failureOf(error)));
    request.on('response', (response) => {
      // As the return code of a function, 0 would end the script.
      if ((response.statusCode ?? 0) < 100) {
        done('failed');
        return;
      }
      const body = new BoundedBody(wanted.maxBytes);
      const answered = (): void =>
        done({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'],
          body: body.text,
          location: response.headers.location,
          challenges: response.headersDistinct['www-authenticate'] ?? [],
        });
      response.on('data', (chunk: Buffer) => {
        if (!body.add(chunk)) wanted.cut === true ? answered() : done('too long');
      });
      response.on('error', () => done('failed'));
      response.on('end', answered);
    });
    request.end(wanted.body === undefined ? undefined : Buffer.from(wanted.body, 'latin1'));
  });
}

function tlsOf({ verify, tls }: HttpRequest): object {
  if (tls === undefined) return { rejectUnauthorized: verify };
  const { ca, cert, key, checksHost } = tls;
  return { rejectUnauthorized: verify, ca, cert, key, ...(checksHost ? {} : { checkServerIdentity: () => undefined }) };
}
