import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { Rights, Role } from './rights.js';
import { decoyHash, hashToken, isPassword, isSame } from './secret.js';
import { Sessions } from './sessions.js';
import { Throttle } from './throttle.js';

/** A user as the settings have it. */
export interface AccessUser {
  readonly name: string;
  /** "scrypt:..." */
  readonly password: string | undefined;
  /** "sha256:..." */
  readonly token: string | undefined;
  readonly role: Role;
  /** undefined: all. */
  readonly partitions: readonly string[] | undefined;
}

/** An authenticated user. */
export interface Principal extends Rights {
  readonly name: string;
}

/** The result of an authentication attempt. */
export type AuthenticationResult =
  | { readonly kind: 'known'; readonly principal: Principal }
  /** No user has this secret. */
  | { readonly kind: 'wrong' }
  /** Too many wrong tries, or too many at once: nothing was looked at. */
  | { readonly kind: 'wait'; readonly ms: number };

interface User extends Principal {
  readonly password: string | undefined;
  readonly token: string | undefined;
}

/** Passwords that are looked at or wait for it: each takes a tenth of a second of one thread, and a rest. */
const MAX_QUEUED = 4;
/** Passwords remembered as right until the next change of the users. */
const MAX_REMEMBERED = 1000;
const LONGEST_SECRET = 1024;
/** How many times as long as a wrong password took, nothing is looked at: so they take a fifth of one processor at most. */
const REST = 4;
const LONGEST_REST = 2000;

/**
 * The users, their secrets and their sessions. A password is looked at by one thread of the pool, one after the other and
 * with a rest after each wrong one, so that these, however many, delay no call; one that was right is remembered by a keyed hash and costs nothing from then on.
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

  /** Takes the users of new settings; undefined: no authentication. */
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

  /** Whether users are asked for at all. */
  get isOn(): boolean {
    return this.users !== undefined;
  }

  /** What a user may do; undefined when there is none of that name. */
  user(name: string): Principal | undefined {
    return this.users?.get(name);
  }

  /** Who has this token. */
  byToken(token: string, source: string): AuthenticationResult {
    const hash = hashToken(token.slice(0, LONGEST_SECRET));
    let found: User | undefined;
    for (const user of this.users?.values() ?? []) {
      if (user.token !== undefined && isSame(user.token, hash)) found = user;
    }
    // 256 random bits cannot be guessed: a right token is taken from a source that is slowed down too.
    return found === undefined ? this.wrong(source) : { kind: 'known', principal: found };
  }

  /** Whether this is the user's password. A user that is not there takes the same time. */
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

  /** Begins a browser's session; the id for its cookie. */
  signIn(principal: Principal): string {
    return this.sessions.begin(principal.name, secretsOf(this.users?.get(principal.name)));
  }

  /** Whose session this is; it ends when the secrets of the user change. */
  bySession(id: string): Principal | undefined {
    const session = this.sessions.find(id);
    const user = session && this.users?.get(session.user);
    if (user !== undefined && session?.secrets === secretsOf(user)) return user;
    if (session !== undefined) this.sessions.end(id);
    return undefined;
  }

  /** Leaves the processor to calls after a wrong password that took so many milliseconds. */
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
