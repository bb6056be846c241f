import type { IncomingHttpHeaders } from 'node:http';
import type { Access, AuthenticationResult, Principal } from './access.js';
import type { AuditTrail } from './audit.js';
import { type Caller, type EndpointKind, unbounded } from './caller.js';

/** An HTTP status and headers that reject a request (RFC 9110 section 15.5, RFC 6585 section 4). */
export interface Rejection {
  readonly status: 401 | 429;
  readonly headers: Readonly<Record<string, string>>;
}

/** The parts of a request that identify its sender. */
export interface HttpCredentials {
  readonly headers: IncomingHttpHeaders;
  readonly peer: string;
}

const REALM = 'switchyard';
const COOKIE = 'switchyard_session';

/** Authenticates the sender of an HTTP request: by bearer token, by name and password, or by session cookie. */
export class HttpAccess {
  /** @param secure whether the listener speaks TLS: cookies are then marked as for TLS only */
  constructor(
    private readonly access: Access,
    private readonly audit: AuditTrail,
    private readonly secure: boolean,
  ) {}

  /** The caller, or the rejection. `as`: user name under which a request without credentials is handled. */
  async caller(
    { headers, peer }: HttpCredentials,
    endpoint: EndpointKind,
    as?: string | undefined,
  ): Promise<Caller | Rejection> {
    const { access } = this;
    if (!access.isOn) return unbounded(endpoint, peer);
    const { authorization } = headers;
    if (authorization === undefined) {
      const principal = this.bySession(headers) ?? (as === undefined ? undefined : access.user(as));
      return principal === undefined ? UNNAMED : callerOf(principal, endpoint, peer);
    }
    const verdict = await this.judge(authorization, peer);
    if (verdict.kind === 'known') return callerOf(verdict.principal, endpoint, peer);
    return this.rejected(verdict, 'authenticate', endpoint, peer);
  }

  /** Signs in with name and password; returns the caller and the Set-Cookie header of its session. */
  async signIn(name: string, password: string, peer: string): Promise<{ caller: Caller; cookie: string } | Rejection> {
    const { access, audit } = this;
    const verdict = await access.byPassword(name, password, peer);
    if (verdict.kind !== 'known') return this.rejected(verdict, 'sign-in', 'http', peer, name);
    const caller = callerOf(verdict.principal, 'http', peer);
    audit.record({ ...event(caller), command: 'sign-in', result: 'ok', error: undefined });
    return { caller, cookie: this.cookie(access.signIn(verdict.principal)) };
  }

  /** Ends the session; returns the Set-Cookie header that removes the cookie. */
  signOut(headers: IncomingHttpHeaders): string {
    const id = this.sessionId(headers);
    if (id !== undefined) this.access.sessions.end(id);
    return `${this.cookie('')}; Max-Age=0`;
  }

  private async judge(authorization: string, peer: string): Promise<AuthenticationResult> {
    const { access } = this;
    const space = authorization.indexOf(' ');
    const scheme = authorization.slice(0, space).toLowerCase();
    const value = authorization.slice(space + 1).trim();
    if (scheme === 'bearer') return access.byToken(value, peer);
    if (scheme !== 'basic') return { kind: 'wrong' };
    const [, name = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
    return access.byPassword(name, password, peer);
  }

  private bySession(headers: IncomingHttpHeaders): Principal | undefined {
    const id = this.sessionId(headers);
    return id === undefined ? undefined : this.access.bySession(id);
  }

  private sessionId({ cookie }: IncomingHttpHeaders): string | undefined {
    for (const pair of (cookie ?? '').split(';', 50)) {
      const equals = pair.indexOf('=');
      if (pair.slice(0, equals).trim() === this.cookieName) return pair.slice(equals + 1).trim();
    }
    return undefined;
  }

  private get cookieName(): string {
    return this.secure ? `__Host-${COOKIE}` : COOKIE;
  }

  private cookie(id: string): string {
    return `${this.cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict${this.secure ? '; Secure' : ''}`;
  }

  private rejected(
    verdict: Exclude<AuthenticationResult, { kind: 'known' }>,
    command: string,
    endpoint: EndpointKind,
    peer: string,
    name?: string,
  ): Rejection {
    const nobody: Caller = { user: undefined, role: 'viewer', partitions: new Set(), endpoint, peer };
    const error = verdict.kind === 'wait' ? '429 too many failed logins' : '401 wrong name or secret';
    // Not part of the caller, by whom records are merged: a sender could use any number of names.
    const params = name === undefined ? {} : { name: name.slice(0, 64) };
    this.audit.record({ ...event(nobody), params, command, result: 'refused', error });
    if (verdict.kind === 'wrong') return UNNAMED;
    return { status: 429, headers: { 'Retry-After': String(Math.max(1, Math.ceil(verdict.ms / 1000))) } };
  }
}

const UNNAMED: Rejection = {
  status: 401,
  headers: { 'WWW-Authenticate': `Bearer realm="${REALM}", Basic realm="${REALM}"` },
};

function callerOf({ name, role, partitions }: Principal, endpoint: EndpointKind, peer: string): Caller {
  return { user: name, role, partitions, endpoint, peer };
}

function event(caller: Caller) {
  return { caller, params: {}, partition: undefined, changes: [] } as const;
}

/** Whether a request was rejected. */
export function isRejection(answer: Caller | Rejection): answer is Rejection {
  return 'status' in answer;
}
