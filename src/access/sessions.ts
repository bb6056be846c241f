import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';

/** Milliseconds a session lasts. */
const SESSION_MS = 12 * 3_600_000;
/** Sessions of one user, and of all users; beyond that the oldest ends. */
const MAX_OF_ONE = 20;
const MAX_SESSIONS = 5000;

interface Session {
  readonly user: string;
  /** The user's secrets when the session began: the session ends when they change. */
  readonly secrets: string;
  /** When it ends, in milliseconds of Clock.monotonic(). */
  readonly until: number;
}

/** Browser sessions. Only the hash of each id is kept, so that a memory dump contains no usable id. */
export class Sessions {
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly clock: Clock) {}

  /** Begins a session and returns its id, 256 random bits. */
  begin(user: string, secrets: string): string {
    const own = [...this.sessions].filter(([, session]) => session.user === user);
    if (own.length >= MAX_OF_ONE) this.sessions.delete((own[0] as [string, Session])[0]);
    if (this.sessions.size >= MAX_SESSIONS) {
      const [oldest] = this.sessions.keys();
      if (oldest !== undefined) this.sessions.delete(oldest);
    }
    const id = randomBytes(32).toString('base64url');
    this.sessions.set(keyOf(id), { user, secrets, until: this.clock.monotonic() + SESSION_MS });
    return id;
  }

  /** The session of this id; undefined for an unknown one and for one that has expired. */
  find(id: string): Pick<Session, 'user' | 'secrets'> | undefined {
    const session = this.sessions.get(keyOf(id));
    if (session === undefined || session.until > this.clock.monotonic()) return session;
    this.end(id);
    return undefined;
  }

  /** Ends a session; does nothing for an unknown id. */
  end(id: string): void {
    this.sessions.delete(keyOf(id));
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
