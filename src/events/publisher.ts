import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { EVENT_CATALOGUE, type EventKind } from './catalogue.js';
import type { DispatcherEvent, EventSink, EventTarget, WireForm } from './event.js';
import { Outbox } from './outbox.js';

/** Milliseconds of one delivery to a subscriber; and of sending what waits when a subscription ends. */
const ATTEMPT_MS = 3000;
const DRAIN_MS = 3000;

/** Options of the publisher for subscribers. */
export interface PublisherOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The kinds of targets that subscribers may use. */
  readonly sinks: readonly EventSink[];
  /** The kinds of events; default EVENT_CATALOGUE. */
  readonly kinds?: (() => readonly EventKind[]) | undefined;
  /** Maximum number of subscriptions for all events together. Default 1024. */
  readonly maxSubscribers?: number;
  /** Maximum number of subscriptions of one owner, so that one client cannot shut out the others. Default 64. */
  readonly maxOwned?: number;
  /**
   * Events kept for a subscriber before those of one destination are merged. Default 1024; at twice this number events
   * are dropped.
   */
  readonly queueLimit?: number;
  readonly defer?: (run: () => void) => void;
}

/** A subscriber in subscribers_list. `ttl`: seconds left, or "expired". */
export type SubscriberEntry = { readonly socket: string; readonly expire: number; readonly ttl: number | 'expired' };

/** The answer of subscribers_list: about all events, one event, or one subscriber of it. */
export type SubscribersAnswer =
  | { readonly Events: readonly { name: string; id: number; Subscribers: readonly SubscriberEntry[] }[] }
  | { readonly Event: { name: string; id: number; Subscribers: readonly SubscriberEntry[] } }
  | { readonly Event: { name: string; id: number; Subscriber: SubscriberEntry } };

/** Seconds a subscription lasts by default. */
export const DEFAULT_EXPIRE = 3600;

/** The client to which a subscription belongs. */
export interface SubscriptionOwner {
  readonly name: string;
  /** Partitions whose events are sent; undefined: all, and the owner may manage everybody's subscriptions. */
  readonly partitions: ReadonlySet<string> | undefined;
}

const ANONYMOUS_OWNER: SubscriptionOwner = { name: '', partitions: undefined };

interface Subscriber {
  owner: SubscriptionOwner;
  readonly event: string;
  readonly socket: string;
  form: WireForm;
  expire: number;
  /** Clock.monotonic() of its end. */
  until: number;
  target: EventTarget;
  outbox: Outbox;
}

/**
 * Sends events to subscribers that clients register at run time. Each has a queue of its own, so that a slow or dead
 * one does not delay others. `raise` never waits.
 */
export class EventPublisher {
  private readonly configured: { target: EventTarget; outbox: Outbox }[] = [];
  /** Newest first, as in lists. */
  private subscriptions: Subscriber[] = [];
  private readonly sinks: ReadonlyMap<string, EventSink>;
  private raisedCount = 0;
  /** Number of events dropped for subscribers that are gone. */
  private droppedBefore = 0;

  constructor(private readonly options: PublisherOptions) {
    this.sinks = new Map(options.sinks.map((sink) => [sink.scheme, sink]));
  }

  /** Sends every event to a target from the configuration, which does not expire and is retried without limit. */
  addTarget(target: EventTarget): void {
    this.configured.push({ target, outbox: this.outbox(target, {}) });
  }

  /** Queues the event for all subscribers to its name. */
  raise(event: DispatcherEvent): void {
    this.raisedCount++;
    for (const { outbox } of this.configured) outbox.add(event);
    this.send(event);
  }

  /** Queues an event of a script for the subscribers to its name; configured targets do not get it. */
  notify(event: DispatcherEvent): void {
    this.raisedCount++;
    this.send(event);
  }

  /** Whether an event with this name has subscribers. */
  subscribed(name: string): boolean {
    return this.subscriptions.some((each) => each.event === name);
  }

  private send(event: DispatcherEvent): void {
    if (this.subscriptions.length === 0) return;
    const now = this.options.clock.monotonic();
    let expired = false;
    for (const subscriber of this.subscriptions) {
      if (subscriber.until <= now) expired = true;
      else if (subscriber.event === event.name && isFor(subscriber.owner, event)) subscriber.outbox.add(event);
    }
    if (expired) this.sweep(now);
  }

  /**
   * event_subscribe: sends events named `event` to `socket` for `expire` seconds. Subscribing again extends it and
   * keeps its position; 0 unsubscribes. Throws SwitchyardError USAGE for an unknown event, an invalid socket, an
   * invalid `expire`, and when there are too many subscribers in all or of this owner.
   */
  subscribe(
    event: string,
    socket: string,
    expire: number = DEFAULT_EXPIRE,
    form: WireForm = 'json',
    owner: SubscriptionOwner = ANONYMOUS_OWNER,
  ): void {
    if (!this.kinds.some(({ name }) => name === event))
      throw new SwitchyardError('USAGE', `unknown event "${event.slice(0, 64)}"`);
    if (!Number.isSafeInteger(expire) || expire < 0) {
      throw new SwitchyardError('USAGE', `expire of an event subscription must be 0 or more seconds, not ${expire}`);
    }
    const now = this.options.clock.monotonic();
    const known = this.subscriptions.find(
      (each) => each.event === event && each.socket === socket && manages(owner, each.owner),
    );
    if (known !== undefined) {
      if (known.form !== form && expire > 0) {
        this.release(known);
        known.target = this.parse(socket, form);
        known.outbox = this.outbox(known.target, { bounded: true });
        known.form = form;
      }
      known.expire = expire;
      known.until = now + expire * 1000;
      return;
    }
    const target = this.parse(socket, form);
    if (expire === 0) {
      void target.close().catch(() => {});
      return;
    }
    this.sweep(now);
    const { maxSubscribers: max = 1024, maxOwned = 64 } = this.options;
    const owned = this.subscriptions.filter((each) => each.owner.name === owner.name).length;
    if (owned >= maxOwned) {
      void target.close().catch(() => {});
      throw new SwitchyardError('USAGE', `there are ${maxOwned} event subscribers of this client already`, {
        retryable: true,
      });
    }
    if (this.subscriptions.length >= max) {
      void target.close().catch(() => {});
      throw new SwitchyardError('USAGE', `there are ${max} event subscribers already`, { retryable: true });
    }
    const outbox = this.outbox(target, { bounded: true });
    const subscriber = { owner, event, socket, form, expire, until: now + expire * 1000, target, outbox };
    this.subscriptions = [subscriber, ...this.subscriptions];
  }

  /**
   * subscribers_list in its three recorded forms; with `owner`, only that owner's. Undefined for an unknown event or
   * socket.
   */
  subscribers(event?: string, socket?: string, owner?: string): SubscribersAnswer | undefined {
    if (event === undefined) {
      const listed = this.kinds.map(({ name, id }) => ({ name, id, Subscribers: this.entries(name, owner) }));
      return { Events: listed.filter((each) => each.Subscribers.length > 0) };
    }
    const kind = this.kinds.find((each) => each.name === event);
    if (kind === undefined) return undefined;
    const { name, id } = kind;
    if (socket === undefined) return { Event: { name, id, Subscribers: this.entries(name, owner) } };
    const entry = this.entries(name, owner).find((each) => each.socket === socket);
    return entry === undefined ? undefined : { Event: { name, id, Subscriber: entry } };
  }

  private get kinds(): readonly EventKind[] {
    return this.options.kinds?.() ?? EVENT_CATALOGUE;
  }

  /** The answer of events_list. */
  events(): { readonly Events: readonly { readonly name: string; readonly id: number }[] } {
    return { Events: this.kinds.map(({ name, id }) => ({ name, id })) };
  }

  /** Sums over all targets. */
  stats(): { raised: number; subscribers: number; depth: number; dropped: number } {
    const totals = {
      raised: this.raisedCount,
      subscribers: this.subscriptions.length,
      depth: 0,
      dropped: this.droppedBefore,
    };
    for (const { outbox } of [...this.configured, ...this.subscriptions]) {
      const { depth, dropped } = outbox.stats();
      totals.depth += depth;
      totals.dropped += dropped;
    }
    return totals;
  }

  /** Tries to deliver queued events within `timeoutMs`, logs how many remain, and closes all targets and sockets. */
  async stop(timeoutMs = 1000): Promise<void> {
    const all = [...this.configured, ...this.subscriptions];
    this.configured.length = 0;
    this.subscriptions = [];
    // The timers of the clock do not keep the process alive; this one does until all queues were tried.
    const alive = setInterval(() => {}, 1000);
    const left = await Promise.all(all.map(({ outbox }) => outbox.drain(timeoutMs)));
    clearInterval(alive);
    const unsent = left.reduce((sum, each) => sum + each, 0);
    if (unsent > 0) this.options.log.warn({ unsent }, `${unsent} events were not delivered to their subscribers`);
    for (const { outbox } of all) outbox.stop();
    await Promise.allSettled(all.map(({ target }) => target.close()));
  }

  private parse(socket: string, form: WireForm): EventTarget {
    const colon = socket.indexOf(':');
    const sink = colon < 0 || socket.length > 512 ? undefined : this.sinks.get(socket.slice(0, colon));
    if (sink === undefined)
      throw new SwitchyardError('USAGE', `event socket "${socket.slice(0, 64)}" is of an unknown kind`);
    return sink.parse(socket, form);
  }

  private outbox(target: EventTarget, kind: { bounded?: boolean }): Outbox {
    const { clock, log, queueLimit = 1024, defer } = this.options;
    return new Outbox({
      name: target.description,
      clock,
      log,
      deliver: (event) => target.deliver(event),
      limit: queueLimit,
      ...(kind.bounded ? { hardLimit: 2 * queueLimit, attemptTimeout: ATTEMPT_MS } : {}),
      // A datagram subscriber may never come back: after three attempts an event is dropped and counted.
      ...(kind.bounded && target.persistent !== true ? { maxAttempts: 3 } : {}),
      window: 1,
      ...(defer === undefined ? {} : { defer }),
    });
  }

  private entries(event: string, owner: string | undefined): SubscriberEntry[] {
    const now = this.options.clock.monotonic();
    return this.subscriptions
      .filter((each) => each.event === event && (owner === undefined || each.owner.name === owner))
      .map(({ socket, expire, until }) => ({
        socket,
        expire,
        ttl: until <= now ? 'expired' : Math.ceil((until - now) / 1000),
      }));
  }

  /** Expired subscribers stay listed until the next event or subscription, as in OpenSIPS. */
  private sweep(now: number): void {
    const gone = this.subscriptions.filter((each) => each.until <= now);
    if (gone.length === 0) return;
    this.subscriptions = this.subscriptions.filter((each) => each.until > now);
    for (const each of gone) this.release(each);
  }

  private release(subscriber: Subscriber): void {
    const { outbox, target } = subscriber;
    // Events raised before the end of the subscription are still sent.
    void outbox.drain(DRAIN_MS).then(async () => {
      outbox.stop();
      this.droppedBefore += outbox.stats().dropped;
      await target.close();
    });
  }
}

/** The partition is the first token of an event's subject. */
function isFor({ partitions }: SubscriptionOwner, event: DispatcherEvent): boolean {
  return partitions === undefined || partitions.has(event.subject[0] ?? '');
}

function manages(owner: SubscriptionOwner, of: SubscriptionOwner): boolean {
  return owner.partitions === undefined || owner.name === of.name;
}
