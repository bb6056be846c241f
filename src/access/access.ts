import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { Rights, Role } from './rights.js';
import { decoyHash, hashToken, isPassword, isSame } from './secret.js';
import { Sessions } from './sessions.js';
import { Throttle } from './throttle.js';

/** A user as configured in the settings. */
export interface AccessUser {
  readonly name: string;
  /** The stored password hash: "scrypt:...". */
  readonly password: string | undefined;
  /** The stored token hash: "sha256:...". */
  readonly token: string | undefined;
  readonly role: Role;
  /** Partitions the user may see; undefined: all. */
  readonly partitions: readonly string[] | undefined;
}

/** An authenticated user. */
export interface Principal extends Rights {
  readonly name: string;
}

/** The result of an authentication attempt. */
export type AuthenticationResult =
  | { readonly kind: 'known'; readonly principal: Principal }
  /** No user has this password or token. */
  | { readonly kind: 'wrong' }
  /**
   * The secret was not checked: this source sent too many wrong ones, or too many checks wait. `ms`: when to try again.
   */
  | { readonly kind: 'wait'; readonly ms: number };

interface User extends Principal {
  readonly password: string | undefined;
  readonly token: string | undefined;
}

/**
 * Password checks that may run or wait at a time. Each takes about 0.1 s of one thread, and a wrong one is followed by
 * a pause.
 */
const MAX_QUEUED = 4;
/** Correct passwords remembered until the users change. */
const MAX_REMEMBERED = 1000;
const LONGEST_SECRET = 1024;
/**
 * After a wrong password, the pause before the next check is this many times as long as the check took: wrong passwords
 * take a fifth of one processor at most.
 */
const REST = 4;
const LONGEST_REST = 2000;

/**
 * The users, their secrets and their sessions. One thread of the pool checks passwords, one at a time, and pauses after
 * each wrong one: wrong passwords do not delay calls, however many come. A correct password is remembered by a keyed
 * hash, so that it is checked at no cost from then on.
 */
export class Access {
  readonly sessions: Sessions;
  private users: ReadonlyMap<string, User> | undefined;
  private readonly throttle: Throttle;
  private readonly key = randomBytes(32);
  private readonly right = new Map<string, User>();
  private readonly decoy = decoyHash();
  private queued = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly clock: Clock) {
    this.throttle = new Throttle(clock);
    this.sessions = new Sessions(clock);
  }

  /** Replaces the users, when settings change; undefined: no authentication. */
  configure(users: readonly AccessUser[] | undefined): void {
    this.right.clear();
    this.users =
      users &&
      new Map(
        users.map(({ name, password, token, role, partitions }) => [
          name,
          { name, password, token, role, partitions: partitions && new Set(partitions) },
        ]),
      );
  }

  /** Whether callers must authenticate. */
  get isOn(): boolean {
    return this.users !== undefined;
  }

  /** The rights of a user; undefined when no user has that name. */
  user(name: string): Principal | undefined {
    return this.users?.get(name);
  }

  /** Finds the user with this token. */
  byToken(token: string, source: string): AuthenticationResult {
    const hash = hashToken(token.slice(0, LONGEST_SECRET));
    let found: User | undefined;
    for (const user of this.users?.values() ?? []) {
      if (user.token !== undefined && isSame(user.token, hash)) found = user;
    }
    // A token of 256 random bits cannot be guessed, so a correct one is accepted from a throttled source too.
    return found === undefined ? this.wrong(source) : { kind: 'known', principal: found };
  }

  /** Checks a user's password. For an unknown user the check takes as long as for a known one. */
  async byPassword(name: string, password: string, source: string): Promise<AuthenticationResult> {
    const user = this.users?.get(name);
    const { users } = this;
    const key = createHmac('sha256', this.key).update(`${name}\0${password}`).digest('base64url');
    const known = this.right.get(key);
    if (known !== undefined) return { kind: 'known', principal: known };
    const wait = this.throttle.wait(source);
    if (wait > 0) return { kind: 'wait', ms: wait };
    if (this.queued >= MAX_QUEUED) return { kind: 'wait', ms: 1000 };
    if (password.length > LONGEST_SECRET) return this.wrong(source);
    this.queued++;
    let began = 0;
    const work = this.last.then(() => {
      began = this.clock.monotonic();
      return isPassword(password, user?.password ?? this.decoy);
    });
    const rest = (isRight: boolean) => (isRight ? undefined : this.rest(this.clock.monotonic() - began));
    this.last = work.then(rest, () => {});
    let isRight: boolean;
    try {
      isRight = await work;
    } finally {
      this.queued--;
    }
    if (!isRight || user?.password === undefined || users !== this.users) return this.wrong(source);
    if (this.right.size >= MAX_REMEMBERED) this.right.clear();
    this.right.set(key, user);
    return { kind: 'known', principal: user };
  }

  /** Begins a browser session; returns its id, for the cookie. */
  signIn(principal: Principal): string {
    return this.sessions.begin(principal.name, secretsOf(this.users?.get(principal.name)));
  }

  /** The user of a session. A session ends when the secrets of its user change. */
  bySession(id: string): Principal | undefined {
    const session = this.sessions.find(id);
    const user = session && this.users?.get(session.user);
    if (user !== undefined && session?.secrets === secretsOf(user)) return user;
    if (session !== undefined) this.sessions.end(id);
    return undefined;
  }

  /** Waits after a password check that took `ms` milliseconds and failed, so that the processor is free for calls. */
  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(Math.min(ms * REST, LONGEST_REST), resolve));
  }

  private wrong(source: string): AuthenticationResult {
    const wait = this.throttle.wait(source);
    if (wait > 0) return { kind: 'wait', ms: wait };
    this.throttle.failed(source);
    return { kind: 'wrong' };
  }
}

function secretsOf(user: User | undefined): string {
  return `${user?.password ?? ''} ${user?.token ?? ''}`;
}
