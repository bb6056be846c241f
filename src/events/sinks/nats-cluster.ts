import type { JetStreamManager, JetStreamPublishOptions, Msg, NatsConnection, Subscription } from 'nats';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import { within } from '../../core/within.js';
import { decodeToken, encodeToken } from '../subject.js';
import type { NatsLink } from './nats-connection.js';
import { natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';

/** Options of a cluster's bus over NATS. */
export interface NatsClusterOptions {
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly log: Logger;
  /** First tokens of all subjects. */
  readonly prefix: string;
  /** Name of the cluster. */
  readonly cluster: string;
  /** Name of this node. */
  readonly node: string;
  /** Replicas of the bucket; undefined: 3 if the server is in a cluster, else 1. */
  readonly replicas: number | undefined;
  readonly storage: 'file' | 'memory';
}

/** Handlers for what arrives; the same shape as those of the cluster's bus. */
interface Handlers {
  up(): void;
  down(): void;
  message(kind: string, node: string, text: string): void;
  record(key: string, revision: number, text: string): void;
  asked(text: string, answer: (text: string) => void): void;
}

type Outcome =
  | { readonly kind: 'done'; readonly revision: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'failed'; readonly reason: string; readonly full?: boolean; readonly gone?: boolean };

const TIMEOUT = 2000;
/** Milliseconds that reading the whole bucket may take. */
const READ_TIMEOUT = 60_000;
const BATCH = 1000;
/** Keys of the bucket other than records. */
const OTHER_KEYS = ['gen', 'p', 'k', 'm.>', 't.>', 'r.>', 'p.>'] as const;
/** From this number of keys on, a bucket is read by partition; and the most partitions for which that is done. */
const FILTER_FROM = 2000;
const MAX_FILTERS = 64;
const MAX_CONSUMERS = 4;
/** Kinds of core messages that every node receives. */
const BROADCAST = ['hb', 'bye', 'load', 'fail', 'told', 'loaded'] as const;
const LOG_EVERY = 60_000;

/** Error codes of the server's API. */
const WRONG_LAST_SEQUENCE = 10071;
const STREAM_NOT_FOUND = 10059;
const NO_ROOM: ReadonlySet<number> = new Set([10023, 10047, 10028]);

/**
 * The NATS functions for a cluster node: core messages on "<prefix>.cluster.<cluster>." and the bucket
 * SWITCHYARD_<cluster>. The server republishes writes to the bucket to all nodes, so that no node needs a consumer.
 */
export class NatsCluster {
  private readonly base: string;
  private readonly bucket: string;
  private readonly stream: string;
  private handlers: Handlers | undefined;
  private subscribedOn: NatsConnection | undefined;
  private subscriptions: Subscription[] = [];
  private loggedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: NatsClusterOptions) {
    const token = encodeToken(options.cluster);
    this.base = `${options.prefix}.cluster.${token}`;
    // The name of a stream must not contain "=".
    this.bucket = `SWITCHYARD_${token.replaceAll('=', '_')}`;
    this.stream = `KV_${this.bucket}`;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.options.link.current !== undefined;
  }

  /** Sets the handlers and begins to call them, at once if there is a connection. */
  listen(handlers: Handlers): void {
    this.handlers = handlers;
    const { link } = this.options;
    const up = (connection: NatsConnection) => {
      this.subscribe(connection);
      handlers.up();
    };
    link.onUp(up);
    link.onDown(() => handlers.down());
    if (link.current !== undefined) this.subscribe(link.current);
  }

  /** Publishes on "<kind>.<node>"; without a connection the message is lost. */
  publish(kind: string, node: string, text: string): void {
    this.options.link.current?.publish(`${this.base}.${kind}.${encodeToken(node)}`, text);
  }

  /** Asks a node; undefined: no answer within `timeoutMs` milliseconds. */
  ask(node: string, text: string, timeoutMs: number, done: (answer: string | undefined) => void): void {
    const connection = this.options.link.current;
    if (connection === undefined) {
      queueMicrotask(() => done(undefined));
      return;
    }
    connection.request(`${this.base}.ask.${encodeToken(node)}`, text, { timeout: timeoutMs }).then(
      (message) => done(message.string()),
      () => done(undefined),
    );
  }

  /** Writes `key` if its revision is still `expected` (0: never written). */
  commit(key: string, text: string, expected: number, done: (outcome: Outcome) => void): void {
    const connection = this.options.link.current;
    if (connection === undefined) {
      queueMicrotask(() => done({ kind: 'failed', reason: 'not connected' }));
      return;
    }
    connection
      .jetstream({ timeout: TIMEOUT })
      .publish(`$KV.${this.bucket}.${key}`, text, {
        timeout: TIMEOUT,
        expect: { lastSubjectSequence: expected } as NonNullable<JetStreamPublishOptions['expect']>,
      })
      .then(
        ({ seq }) => done({ kind: 'done', revision: seq }),
        (error: unknown) => done(this.failure(error)),
      );
  }

  /** Reads the newest value from the leader of the stream. */
  get(key: string, done: (value: { revision: number; text: string } | 'none' | 'failed') => void): void {
    this.manage(async (connection) => {
      const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
      try {
        const message = await manager.streams.getMessage(this.stream, { last_by_subj: `$KV.${this.bucket}.${key}` });
        const removed = message.header?.get('KV-Operation') ?? '';
        return { revision: message.seq, text: removed === '' ? message.string() : '' };
      } catch (error) {
        const code = error instanceof nats().NatsError ? error.api_error : undefined;
        if (code?.code === 404 && code.err_code !== STREAM_NOT_FOUND) return 'none' as const;
        throw error;
      }
    }).then(
      (value) => done(value),
      () => done('failed'),
    );
  }

  /** Removes a value if its revision is still `expected`; `done`: whether it was removed. */
  remove(key: string, expected: number, done: (removed: boolean) => void): void {
    this.commit(key, '', expected, (outcome) => {
      if (outcome.kind !== 'done') return done(false);
      // The other nodes know; now the marker of the removal is deleted from the stream, if this user may do so.
      const seq = outcome.revision + 1;
      this.manage(async (connection) => {
        const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
        await manager.streams.purge(this.stream, { filter: `$KV.${this.bucket}.${key}`, seq });
      }).then(
        () => done(true),
        () => done(true),
      );
    });
  }

  /**
   * Reads all newest values from sequence `from` on. Then calls `done` with the last sequence of the stream, or
   * undefined when the read was interrupted.
   */
  read(
    from: number,
    partitions: readonly string[],
    each: (key: string, revision: number, text: string) => void,
    done: (last: number | undefined) => void,
  ): void {
    this.manage((connection) => this.readAll(connection, from, partitions, each)).then(
      (last) => done(last),
      (error: unknown) => {
        this.complain(error, 'could not be read');
        done(undefined);
      },
    );
  }

  /** Whether the bucket exists, and the last sequence of its stream. */
  status(done: (status: { lastSequence: number } | 'missing' | 'failed') => void): void {
    this.manage(async (connection) => {
      const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
      try {
        return { lastSequence: (await manager.streams.info(this.stream)).state.last_seq };
      } catch (error) {
        if (error instanceof nats().NatsError && error.api_error?.code === 404) return 'missing' as const;
        throw error;
      }
    }).then(
      (status) => done(status),
      () => done('failed'),
    );
  }

  /** Creates the bucket unless it exists. */
  create(done: (made: boolean) => void): void {
    this.manage((connection) => this.ensure(connection)).then(
      () => done(true),
      (error: unknown) => {
        this.complain(error, 'is not there');
        done(false);
      },
    );
  }

  private async manage<T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = this.options.link.current;
    if (connection === undefined) throw new Error('not connected');
    return work(connection);
  }

  /** Only a new connection needs new subscriptions; after a reconnect the client renews them. */
  private subscribe(connection: NatsConnection): void {
    if (connection === this.subscribedOn) return;
    this.subscribedOn = connection;
    const own = encodeToken(this.options.node);
    const feed = `${this.base}.rec.$KV.${this.bucket}.`;
    const core = this.base.length + 1;
    const { link } = this.options;
    const hear = (subject: string) =>
      link.hear(connection, subject, (message) => {
        const [kind = '', node = ''] = message.subject.slice(core).split('.');
        this.handlers?.message(kind, nodeOf(node), message.string());
      });
    this.subscriptions = [
      ...BROADCAST.map((kind) => hear(`${this.base}.${kind}.*`)),
      hear(`${this.base}.suspect.${own}`),
      link.hear(connection, `${this.base}.ask.${own}`, (message) => {
        this.handlers?.asked(message.string(), (text) => respond(connection, message, text));
      }),
      link.hear(connection, `${feed}>`, (message) => {
        const revision = Number(message.headers?.get('Nats-Sequence'));
        if (!Number.isSafeInteger(revision) || revision <= 0) return;
        const removed = message.headers?.get('KV-Operation') ?? '';
        const key = message.subject.slice(feed.length);
        this.handlers?.record(key, revision, removed === '' ? message.string() : '');
      }),
    ];
  }

  /** Stops receiving; the connection belongs to somebody else. */
  stop(): void {
    this.handlers = undefined;
    for (const each of this.subscriptions) each.unsubscribe();
  }

  private async readAll(
    connection: NatsConnection,
    from: number,
    partitions: readonly string[],
    each: (key: string, revision: number, text: string) => void,
  ): Promise<number> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
    const { state } = await manager.streams.info(this.stream);
    if (state.messages === 0 || state.last_seq < from) return state.last_seq;
    const reading = async () => {
      for (const filters of this.filtersFor(connection, state.messages, partitions)) {
        if (!(await this.readSome(connection, { from, last: state.last_seq, filters }, each))) return false;
      }
      return true;
    };
    if ((await within(this.options.clock, READ_TIMEOUT, reading())) !== true)
      throw new Error('the bucket was not read in time');
    return state.last_seq;
  }

  /**
   * The subjects to read, in groups of one consumer each. A small bucket is read as a whole, a large one only for the
   * given partitions. Servers before 2.10 accept one filter for each consumer.
   */
  private filtersFor(connection: NatsConnection, messages: number, partitions: readonly string[]): string[][] {
    const several = serverHas(connection, 2, 10);
    if (messages < FILTER_FROM || partitions.length > (several ? MAX_FILTERS : MAX_CONSUMERS)) return [[]];
    const filters = [...OTHER_KEYS, ...partitions.map((name) => `d.${encodeToken(name)}.>`)];
    const subjects = filters.map((filter) => `$KV.${this.bucket}.${filter}`);
    return several ? [subjects] : subjects.map((subject) => [subject]);
  }

  private async readSome(
    connection: NatsConnection,
    { from, last, filters }: { readonly from: number; readonly last: number; readonly filters: readonly string[] },
    each: (key: string, revision: number, text: string) => void,
  ): Promise<boolean> {
    const consumer = await connection.jetstream().consumers.get(this.stream, {
      deliver_policy: nats().DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
      inactive_threshold: 10_000,
      // Servers before 2.10 do not know a list, not even of one filter.
      ...(filters.length === 0 ? {} : { filterSubjects: filters.length === 1 ? (filters[0] as string) : [...filters] }),
    });
    try {
      let left = (await consumer.info()).num_pending;
      const skip = `$KV.${this.bucket}.`.length;
      while (left > 0) {
        const batch = await consumer.fetch({ max_messages: Math.min(left, BATCH), expires: 5000 });
        let received = 0;
        for await (const message of batch) {
          received++;
          const removed = message.headers?.get('KV-Operation') ?? '';
          each(message.subject.slice(skip), message.seq, removed === '' ? message.string() : '');
          if (message.seq >= last) {
            left = 0;
            break;
          }
        }
        if (received === 0) return left === 0;
        left -= received;
      }
      return true;
    } finally {
      consumer.delete().catch(() => false);
    }
  }

  private async ensure(connection: NatsConnection): Promise<void> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
    try {
      const { config, state, created } = await manager.streams.info(this.stream);
      if (state.last_seq === 0) await this.number(manager, created);
      if (config.republish === undefined) {
        this.complain(undefined, 'has no republish: changes of other nodes come late. Let the first node make it');
      }
      return;
    } catch (error) {
      if (!(error instanceof nats().NatsError && error.api_error?.code === 404)) throw error;
    }
    const { replicas, storage, log } = this.options;
    const copies = replicas ?? (connection.info?.cluster === undefined ? 1 : 3);
    const { created } = await manager.streams.add({
      name: this.stream,
      description: 'records of a switchyard cluster',
      subjects: [`$KV.${this.bucket}.>`],
      max_msgs_per_subject: 1,
      storage: storage === 'memory' ? nats().StorageType.Memory : nats().StorageType.File,
      num_replicas: copies,
      allow_rollup_hdrs: true,
      deny_delete: true,
      allow_direct: false,
      republish: { src: '>', dest: `${this.base}.rec.>` },
    });
    log.info({ bucket: this.bucket, replicas: copies }, `cluster: created the bucket ${this.bucket}`);
    await this.number(manager, created);
  }

  /**
   * Makes the revisions of a new bucket begin with its creation time in milliseconds since the epoch: a purge up to a
   * sequence moves the next one there. Otherwise a node that was away while the bucket was recreated could commit on a
   * revision of the old bucket that the new one also has. All nodes compute the same number; a bucket with a later one
   * stays as it is.
   */
  private async number(manager: JetStreamManager, created: string): Promise<void> {
    const seq = Date.parse(created);
    if (!Number.isSafeInteger(seq) || seq <= 0) return;
    try {
      await manager.streams.purge(this.stream, { seq });
    } catch (error) {
      // A user without the permission to purge works without this protection.
      this.complain(error, 'may have numbers that old records have: its user may not purge it');
    }
  }

  private failure(error: unknown): Outcome {
    const api = error instanceof nats().NatsError ? error.api_error : undefined;
    if (api?.err_code === WRONG_LAST_SEQUENCE) return { kind: 'conflict' };
    const gone = error instanceof nats().NatsError && error.code === '503';
    this.complain(error, 'cannot be written');
    return {
      kind: 'failed',
      reason: natsReason(error),
      ...(api !== undefined && NO_ROOM.has(api.err_code ?? 0) ? { full: true } : {}),
      ...(gone ? { gone } : {}),
    };
  }

  private complain(error: unknown, what: string): void {
    const now = this.options.clock.monotonic();
    if (this.options.link.current === undefined || now - this.loggedAt < LOG_EVERY) return;
    this.loggedAt = now;
    const cause = error === undefined ? undefined : natsReason(error);
    this.options.log.warn({ bucket: this.bucket, cause }, `cluster: the bucket ${this.bucket} ${what}`);
  }
}

/**
 * Answers a question. Without a connection the answer is lost; one that the server does not accept is said to be too
 * large.
 */
function respond(connection: NatsConnection, message: Msg, text: string): void {
  const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  const fits = Buffer.byteLength(text) <= limit;
  try {
    message.respond(fits ? text : JSON.stringify({ error: `the answer is larger than ${limit} bytes` }));
  } catch {
    // The connection was lost in the meantime.
  }
}

/** Whether the server has at least this version. */
function serverHas({ info }: NatsConnection, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (info?.version ?? '').split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

/** The name of a node from its token in a subject. */
function nodeOf(token: string): string {
  return decodeToken(token) ?? token;
}
