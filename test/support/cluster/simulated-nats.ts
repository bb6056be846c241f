import type { BucketStatus, BusHandlers, ClusterBus, CommitOutcome, Stored } from '../../../src/cluster/bus.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import type { FakeClock } from '../fake-clock.js';

/** A draw of 0 to 1. */
export type Draw = () => number;

const COMMIT_TIMEOUT = 2000;

/**
 * One server for all nodes: core messages, one bucket, one event stream. Delays, losses and network partitions are
 * controlled by the simulation.
 */
export class SimulatedNats {
  readonly values = new Map<string, Stored>();
  readonly events: DispatcherEvent[] = [];
  /** Whether commits are accepted; core messages are always delivered. */
  jetstream = true;
  /** Keys whose commits are rejected. */
  refuses: (key: string) => boolean = () => false;
  /** Part of the watch messages that are lost. */
  feedLoss = 0;
  /** Maximum delay of a message in one direction. */
  delayMs = 10;
  exists = false;
  sequence = 0;
  readonly faults: string[] = [];
  readonly links = new Set<SimulatedLink>();
  private readonly ids = new Set<string>();

  constructor(
    readonly clock: FakeClock,
    readonly draw: Draw,
  ) {}

  /** Deletes the bucket, like a server that restarts without its files. */
  wipe(): void {
    this.values.clear();
    this.exists = false;
    this.sequence = 0;
  }

  write(key: string, text: string, expected: number): CommitOutcome {
    if (!this.exists) return { kind: 'failed', reason: 'no bucket' };
    const known = this.values.get(key);
    if ((known?.revision ?? 0) !== expected) return { kind: 'conflict' };
    if (known !== undefined && key.startsWith('d.')) this.check(key, known.text, text);
    const revision = ++this.sequence;
    this.values.set(key, { revision, text });
    for (const link of this.links) {
      if (link.side !== 0 || this.draw() < this.feedLoss) continue;
      link.deliver(() => link.handlers?.record(key, revision, text));
    }
    return { kind: 'done', revision };
  }

  /** Stores an event, once per id. */
  store(event: DispatcherEvent): void {
    if (this.ids.has(event.id)) return;
    this.ids.add(event.id);
    this.events.push(event);
  }

  private check(key: string, before: string, after: string): void {
    if (before === '' || after === '') return;
    const old = JSON.parse(before);
    const now = JSON.parse(after);
    if (now.v <= old.v) this.faults.push(`${key}: v fell from ${old.v} to ${now.v}`);
    if (now.q < old.q) this.faults.push(`${key}: q fell from ${old.q} to ${now.q}`);
    const probe = now.op === undefined && now.st !== old.st;
    if (probe && old.op?.st === 'inactive') this.faults.push(`${key}: a probe undid an operator's inactive`);
  }
}

/** A node's connection. */
export class SimulatedLink implements ClusterBus {
  handlers: BusHandlers | undefined;
  connected = false;
  /** Network side: nodes of one side can reach each other; side 0 can reach the bucket. */
  side = 0;
  /** While true no message is delivered to the node; they are delivered when it wakes up. */
  asleep = false;
  private inbox: (() => void)[] = [];
  private lastAt = 0;
  private epoch = 0;

  constructor(
    private readonly nats: SimulatedNats,
    readonly node: string,
  ) {
    nats.links.add(this);
  }

  connect(): void {
    if (this.connected) return;
    this.connected = true;
    this.epoch++;
    this.wakeOr(() => this.handlers?.up());
  }

  disconnect(): void {
    if (!this.connected) return;
    this.connected = false;
    this.epoch++;
    this.inbox = [];
    this.wakeOr(() => this.handlers?.down());
  }

  detach(): void {
    this.disconnect();
    this.handlers = undefined;
    this.nats.links.delete(this);
  }

  wake(): void {
    this.asleep = false;
    const { inbox } = this;
    this.inbox = [];
    for (const run of inbox) run();
  }

  /** Delivers in the order sent, each after a delay; lost when the connection is. */
  deliver(run: () => void): void {
    if (!this.connected) return;
    const { epoch, nats } = this;
    const now = nats.clock.monotonic();
    const at = Math.max(this.lastAt, now + nats.draw() * nats.delayMs);
    this.lastAt = at;
    nats.clock.schedule(at - now, () => {
      if (this.epoch === epoch) this.wakeOr(run);
    });
  }

  listen(handlers: BusHandlers): void {
    this.handlers = handlers;
  }

  publish(kind: string, node: string, text: string): void {
    if (!this.connected || this.asleep) return;
    for (const link of this.nats.links) {
      if (link.side === this.side) link.deliver(() => link.handlers?.message(kind, node, text));
    }
  }

  ask(node: string, text: string, timeoutMs: number, done: (answer: string | undefined) => void): void {
    let open = true;
    const end = (answer: string | undefined) => {
      if (!open) return;
      open = false;
      done(answer);
    };
    this.later(timeoutMs, () => end(undefined));
    for (const link of this.nats.links) {
      if (link.node !== node || link.side !== this.side) continue;
      link.deliver(() => link.handlers?.asked(text, (answer) => this.deliver(() => end(answer))));
    }
  }

  commit(key: string, text: string, expected: number, done: (outcome: CommitOutcome) => void): void {
    const failed: CommitOutcome = { kind: 'failed', reason: 'timeout' };
    this.call(() => (this.nats.refuses(key) ? failed : this.nats.write(key, text, expected)), failed, done);
  }

  get(key: string, done: (value: Stored | 'none' | 'failed') => void): void {
    this.call<Stored | 'none' | 'failed'>(
      () => (this.nats.exists ? (this.nats.values.get(key) ?? 'none') : 'failed'),
      'failed',
      done,
    );
  }

  remove(key: string, expected: number, done: (removed: boolean) => void): void {
    this.commit(key, '', expected, ({ kind }) => done(kind === 'done'));
  }

  read(
    from: number,
    _partitions: readonly string[],
    each: (key: string, revision: number, text: string) => void,
    done: (last: number | undefined) => void,
  ): void {
    this.call<{ rows: [string, Stored][]; last: number } | undefined>(
      () => ({
        rows: [...this.nats.values].filter(([, { revision }]) => revision >= from),
        last: this.nats.sequence,
      }),
      undefined,
      (answer) => {
        for (const [key, { revision, text }] of answer?.rows ?? []) each(key, revision, text);
        done(answer?.last);
      },
    );
  }

  status(done: (status: BucketStatus) => void): void {
    this.call<BucketStatus>(
      () => (this.nats.exists ? { lastSequence: this.nats.sequence } : 'missing'),
      'failed',
      done,
    );
  }

  create(done: (made: boolean) => void): void {
    this.call(
      () => {
        const { nats } = this;
        // Revisions start from the time at which the bucket was made.
        if (!nats.exists) nats.sequence = Math.floor(nats.clock.now());
        nats.exists = true;
        return true;
      },
      false,
      done,
    );
  }

  /** A request to the bucket and its answer; either may be lost with the connection. */
  private call<T>(work: () => T, failed: T, done: (answer: T) => void): void {
    let open = true;
    const end = (answer: T) => {
      if (!open) return;
      open = false;
      done(answer);
    };
    this.later(COMMIT_TIMEOUT, () => end(failed));
    if (!this.connected || this.side !== 0) return;
    const { epoch, nats } = this;
    nats.clock.schedule(nats.draw() * nats.delayMs, () => {
      if (!nats.jetstream || this.epoch !== epoch || this.side !== 0) return;
      const answer = work();
      this.deliver(() => end(answer));
    });
  }

  private later(ms: number, run: () => void): void {
    this.nats.clock.schedule(ms, () => this.wakeOr(run));
  }

  private wakeOr(run: () => void): void {
    if (this.asleep) this.inbox.push(run);
    else run();
  }
}
