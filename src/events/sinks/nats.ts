import type { JetStreamClient, NatsConnection, Subscription } from 'nats';
import { SwitchyardError } from '../../core/errors.js';
import type { Service } from '../../core/service.js';
import { within } from '../../core/within.js';
import { E_DISPATCHER_STATUS, isStored } from '../catalogue.js';
import { encodeNotification } from '../encode.js';
import type { DispatcherEvent, EventSink, EventTarget } from '../event.js';
import { storedEvent } from '../journal.js';
import { exportBucket, exportOutbox } from '../metrics.js';
import { type EarlierAttempts, Outbox, type OutboxStats } from '../outbox.js';
import type { StateEntry } from '../state-entry.js';
import { isPublishSubject, subjectOf } from '../subject.js';
import { NatsCluster, type NatsClusterOptions } from './nats-cluster.js';
import { NatsLink } from './nats-connection.js';
import type { NatsDeps } from './nats-deps.js';
import { isNoResponder, isRefusal, natsReason } from './nats-fault.js';
import { type EventPage, type HistoryQuery, readBack } from './nats-history.js';
import { StateBucket } from './nats-kv.js';
import { NatsMi } from './nats-mi.js';
import { nats } from './nats-package.js';
import { NatsRecords } from './nats-records.js';
import { connectionOptions, type NatsSettings } from './nats-settings.js';
import { StoredEvents, storeOnce } from './nats-stored.js';
import { AUDIT, ensureStream } from './nats-stream.js';
import { noteParams, type Published, readTail } from './nats-tail.js';

export type { MiAnswer } from './nats-mi.js';
export type { NatsSettings } from './nats-settings.js';

/** Without JetStream: number of waiting events from which on those of one destination are merged. */
const CORE_LIMIT = 10_000;
const ACK_TIMEOUT = 5000;
const MSG_ID = 'Nats-Msg-Id';

/** Everything over the NATS connection: events, current states, MI requests. */
export class NatsBus implements Service {
  readonly name = 'nats';
  /** For subscribers with a socket "nats:subject". */
  readonly sink: EventSink = { scheme: 'nats', parse: (target) => this.subjectTarget(target) };
  /** Events that an earlier run left on disk, in the order of raising. */
  restored: readonly DispatcherEvent[] = [];
  /** For each destination, the last event that an earlier run delivered; its parameters may be incomplete. */
  delivered: readonly DispatcherEvent[] = [];
  /** The publisher of call records; undefined where they are not published. */
  readonly records: NatsRecords | undefined;
  /** Called when the last event of a key has left, and when one was refused. */
  settled: ((key: string) => void) | undefined;
  private readonly link: NatsLink;
  private readonly outbox: Outbox;
  private readonly bucket: StateBucket | undefined;
  private readonly mi: NatsMi | undefined;
  private readonly storedEvents: StoredEvents | undefined;
  private jetstream: JetStreamClient | undefined;
  private streamReady: Promise<{ readonly windowMs: number }> | undefined;
  /** Problems of the stream that have been logged. */
  private readonly loggedStreamProblems = new Set<string>();
  private flushing: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private loggedUnreadable = false;
  private journal: ReturnType<NonNullable<NatsDeps['openJournal']>>;

  constructor(
    private readonly settings: NatsSettings,
    private readonly deps: NatsDeps,
  ) {
    const { clock, log } = deps;
    this.link = new NatsLink(connectionOptions(settings, `switchyard-${deps.node}`), clock, log);
    this.storedEvents = settings.jetstream && new StoredEvents(clock, settings.jetstream.stream);
    this.outbox = new Outbox({
      name: 'NATS',
      clock,
      log,
      deliver: async (event, earlier) => {
        await this.deliver(event, earlier);
        if (event.name === E_DISPATCHER_STATUS) this.journal?.deliver(event.key, JSON.stringify(event));
      },
      limit: settings.jetstream?.outboxLimit ?? CORE_LIMIT,
      ready: false,
      settled: (key) => {
        this.bucket?.release(key);
        this.settled?.(key);
      },
    });
    const { link } = this;
    const { prefix } = settings;
    this.records = deps.calls && new NatsRecords({ prefix, stream: deps.calls.stream, link, clock, log });
    if (settings.bucket !== undefined) {
      const { jetstream } = settings;
      const tail = jetstream && ((connection: NatsConnection) => this.tailOf(connection, jetstream.stream, prefix));
      this.bucket = new StateBucket(
        settings.bucket,
        this.link,
        clock,
        log,
        deps.node,
        deps.states,
        tail,
        deps.compareMs,
      );
    }
    if (deps.mi !== undefined) {
      const subject = deps.mi.subject ?? `${settings.prefix}.mi`;
      this.mi = new NatsMi({
        subject,
        prefix: settings.prefix,
        answer: deps.mi.answer,
        link: this.link,
        log,
        node: deps.node,
        version: deps.version,
      });
    }
    this.link.onUp((connection) => {
      this.jetstream = settings.jetstream && connection.jetstream({ timeout: ACK_TIMEOUT });
      this.streamReady = undefined;
      this.flushing = undefined;
      // Creates the stream now, so that readers need not wait for the first event. If that fails, the first event will
      // report it.
      if (settings.jetstream !== undefined) this.ensureStream(connection, settings.jetstream.stream).catch(() => {});
      this.outbox.setReady(true);
    });
    this.link.onDown(() => this.outbox.setReady(false));
    if (deps.metrics !== undefined) {
      exportOutbox(deps.metrics, this.outbox, () => this.connected);
      const { bucket } = this;
      if (bucket !== undefined) {
        exportBucket(deps.metrics, {
          upToDate: () => this.connected && bucket.isSettled(),
          repairs: () => bucket.repairs,
        });
      }
    }
  }

  /** Whether the connection works now. */
  get connected(): boolean {
    return this.link.current !== undefined;
  }

  /** Whether events of this key are waiting. */
  holds(key: string): boolean {
    return this.outbox.holds(key);
  }

  /** The functions for a cluster node over this connection. */
  cluster(options: Pick<NatsClusterOptions, 'cluster' | 'replicas' | 'storage'>): NatsCluster {
    const { clock, log, node } = this.deps;
    return new NatsCluster({ ...options, link: this.link, clock, log, node, prefix: this.settings.prefix });
  }

  /** Whether a stream keeps the events. */
  get keepsEvents(): boolean {
    return this.settings.jetstream !== undefined;
  }

  /** Events from the stream, newest first. Rejects with the reason in words when it cannot be read now. */
  async older(query: HistoryQuery): Promise<EventPage> {
    const { jetstream, prefix } = this.settings;
    const connection = this.link.current;
    if (jetstream === undefined) throw new Error('no stream is configured');
    if (connection === undefined) throw new Error('NATS is not connected');
    try {
      return await readBack(connection, jetstream.stream, prefix, query);
    } catch (error) {
      throw new Error(`the stream ${jetstream.stream} cannot be read: ${natsReason(error)}`, { cause: error });
    }
  }

  /** The figures of the outbox. */
  stats(): OutboxStats {
    return this.outbox.stats();
  }

  /** Starts connecting and returns at once: an unreachable server delays nothing. */
  async start(): Promise<void> {
    this.journal = this.deps.openJournal?.();
    if (this.journal !== undefined) {
      this.restored = this.outbox.keepIn(this.journal);
      const { length: events } = this.restored;
      this.delivered = this.journal.delivered().flatMap((text) => storedEvent(text) ?? []);
      if (events > 0) this.deps.log.info({ events }, 'events left undelivered by an earlier run are sent first');
    }
    this.link.start();
  }

  /**
   * Calls `listen` with each message on a subject; messages published without a connection are lost. The returned
   * function ends this.
   */
  subscribe(subject: string, listen: (text: string) => void): () => void {
    let subscription: Subscription | undefined;
    let subscribedOn: NatsConnection | undefined;
    const follow = (connection: NatsConnection): void => {
      // After a reconnect the client renews subscriptions; only a new connection needs them again.
      if (connection === subscribedOn) return;
      subscribedOn = connection;
      subscription = this.link.hear(connection, subject, (message) => listen(message.string()));
    };
    const forget = this.link.onUp(follow);
    if (this.link.current !== undefined) follow(this.link.current);
    return () => {
      forget();
      if (this.link.current === subscribedOn) subscription?.unsubscribe();
    };
  }

  /**
   * Queues an event for "<prefix>.<name>.<partition>.<group>". Never waits. Ignores an event that another node of the
   * cluster publishes. `since`: monotonic time from which another node may have published it.
   */
  publish(event: DispatcherEvent, since?: number): void {
    if (event.local !== true) this.outbox.add(event, since);
  }

  /**
   * Writes a destination's state to the bucket, if there is one; with a stream, only after the events of this `key` are
   * stored there. So the stream has every event up to the state that a later run reads from the bucket and continues
   * from.
   */
  putState(entry: StateEntry, key?: string): void {
    if (key !== undefined && this.settings.jetstream !== undefined && this.outbox.holds(key))
      this.bucket?.hold(entry, key);
    else this.bucket?.put(entry);
  }

  /**
   * Makes the bucket contain exactly these states, as far as they are ours: writes differences and removes others. Call
   * it at start and after each reload, with all partitions. A function is called when writing begins.
   */
  syncSnapshot(entries: Iterable<StateEntry> | (() => Iterable<StateEntry>)): void {
    this.bucket?.sync(entries);
  }

  /** Resolves when the bucket contains what it was given; for tests and shutdown. */
  async bucketSettled(timeoutMs: number): Promise<boolean> {
    return this.bucket === undefined ? true : this.bucket.settled(timeoutMs);
  }

  /**
   * Waits until the states published by an earlier run were read and applied; at most `limitMs`, and not at all if the
   * server is unreachable. Call it after loading and before the first change of a state.
   */
  async caughtUp(limitMs: number): Promise<void> {
    const { clock } = this.deps;
    const began = clock.monotonic();
    await within(clock, limitMs, this.link.attempted);
    if (this.connected) await this.bucketSettled(Math.max(0, limitMs - (clock.monotonic() - began)));
  }

  /** Tries to deliver waiting events within `timeoutMs` (default 3000), logs how many remain, and closes. */
  stop(timeoutMs = 3000): Promise<void> {
    this.stopping ??= this.close(timeoutMs);
    return this.stopping;
  }

  private async close(timeoutMs: number): Promise<void> {
    const { clock, log } = this.deps;
    const started = clock.monotonic();
    // The timers of the clock do not keep the process alive; this one does until waiting events were tried and counted.
    const alive = setInterval(() => {}, 1000);
    await this.mi?.stop();
    const [unsent] = await Promise.all([
      this.outbox.drain(timeoutMs),
      this.connected ? this.bucketSettled(timeoutMs) : undefined,
      this.records?.stop(this.connected ? timeoutMs : 0),
    ]);
    this.outbox.stop();
    this.journal?.close();
    this.bucket?.stop();
    if (unsent > 0) {
      const kept = this.journal === undefined ? '' : '; they are kept on disk';
      log.warn({ unsent }, `${unsent} events were not delivered to NATS before the end${kept}`);
    }
    await this.link.stop(Math.max(250, timeoutMs - (clock.monotonic() - started)));
    clearInterval(alive);
  }

  private async deliver(event: DispatcherEvent, earlier: EarlierAttempts | undefined): Promise<void> {
    const connection = this.link.current;
    if (connection === undefined) throw new Error('not connected');
    const subject = subjectOf(this.settings.prefix, event);
    const payload = encodeNotification(event);
    if (this.jetstream === undefined || this.settings.jetstream === undefined || !isStored(event.name)) {
      return this.publishCore(connection, subject, payload, event.id);
    }
    const { windowMs } = await this.ensureStream(connection, this.settings.jetstream.stream);
    if (await this.isStored(connection, event, earlier, windowMs)) return;
    try {
      await storeOnce(connection, this.jetstream, { subject, payload, id: event.id }, ACK_TIMEOUT);
    } catch (error) {
      // A stream that an operator made may not keep audit records; others still receive them.
      if (event.name === AUDIT && isNoResponder(error)) return this.publishCore(connection, subject, payload, event.id);
      // The stream may have been removed: it is looked up again before the next attempt.
      this.streamReady = undefined;
      throw new Error(natsReason(error), { cause: error });
    }
  }

  /** Whether an event that was tried before is in the stream. Rejects when that cannot be found out now. */
  private async isStored(
    connection: NatsConnection,
    { id }: DispatcherEvent,
    earlier: EarlierAttempts | undefined,
    windowMs: number,
  ): Promise<boolean> {
    const began = this.deps.clock.monotonic();
    try {
      return (await this.storedEvents?.has(connection, id, earlier, windowMs)) === true;
    } catch (error) {
      if (this.mayNotRead(error, began)) return false;
      throw new Error(`reading the stream back: ${natsReason(error)}`, { cause: error });
    }
  }

  /** Whether this user may not read the stream; logs that once. */
  private mayNotRead(error: unknown, began: number): boolean {
    if (!isRefusal(error) && !this.link.refusedSince('$JS.API.', began)) return false;
    if (!this.loggedUnreadable) {
      this.loggedUnreadable = true;
      this.deps.log.warn(
        { cause: natsReason(error) },
        'the stream may not be read back: after a long outage an event may be stored twice',
      );
    }
    return true;
  }

  /** Resolves when the server has the message. Rejects also when this user may not publish there. */
  private async publishCore(nc: NatsConnection, subject: string, payload: string, id: string): Promise<void> {
    const began = this.deps.clock.monotonic();
    if (nc.info?.headers === true) {
      const head = nats().headers();
      head.set(MSG_ID, id);
      nc.publish(subject, payload, { headers: head });
    } else nc.publish(subject, payload);
    await this.flush(nc);
    // The server reports a refusal before it answers the flush, but the client passes it on some asynchronous steps
    // later.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.link.deniedSince(subject, began)) throw new Error(`no permission to publish to ${subject}`);
  }

  /** One round trip for all calls until the next microtask: when it ends, the server has read what they published. */
  private flush(connection: NatsConnection): Promise<void> {
    this.flushing ??= Promise.resolve().then(() => {
      this.flushing = undefined;
      return connection.flush();
    });
    return this.flushing;
  }

  private ensureStream(connection: NatsConnection, stream: string): Promise<{ readonly windowMs: number }> {
    this.streamReady ??= ensureStream(
      connection,
      stream,
      this.settings.prefix,
      this.deps.log,
      this.loggedStreamProblems,
    ).catch((error: unknown) => {
      this.streamReady = undefined;
      throw new Error(`stream ${stream}: ${natsReason(error)}`, { cause: error });
    });
    return this.streamReady;
  }

  private async tailOf(
    connection: NatsConnection,
    stream: string,
    prefix: string,
  ): Promise<ReadonlyMap<string, Published>> {
    await this.ensureStream(connection, stream);
    const tail = new Map(await readTail(connection, stream, prefix, this.deps.node));
    // The events in the outbox are newer than the stored ones.
    for (const { params } of this.restored) noteParams(tail, params, this.deps.node);
    return tail;
  }

  private subjectTarget(target: string): EventTarget {
    const subject = target.slice('nats:'.length);
    if (!target.startsWith('nats:') || !isPublishSubject(subject)) {
      throw new SwitchyardError('USAGE', `event socket "${target.slice(0, 64)}" is not nats:subject`);
    }
    return {
      description: target,
      persistent: true,
      deliver: (event) => {
        const connection = this.link.current;
        if (connection === undefined) return Promise.reject(new Error('not connected'));
        return this.publishCore(connection, subject, encodeNotification(event), event.id);
      },
      close: () => Promise.resolve(),
    };
  }
}

/** Creates the bus for these settings. Throws SwitchyardError CONFIG_INVALID for unusable servers, seeds or files. */
export function createNats(settings: NatsSettings, deps: NatsDeps): NatsBus {
  return new NatsBus(settings, deps);
}
