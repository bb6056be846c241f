import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import { weightOfLoad } from './server-load.js';
import type { WeightFeed } from './weight-feed.js';
import { parseWeightMessage } from './weight-message.js';

/** Subscribes to a subject: calls `listen` with the text of each message, until the returned function is called. */
export type Subscribe = (subject: string, listen: (text: string) => void) => () => void;

/** What the feed over NATS needs. */
export interface NatsWeightFeedOptions {
  readonly engine: Pick<Engine, 'partition' | 'setWeight'>;
  /** "<prefix>.weight" */
  readonly subject: string;
  readonly subscribe: Subscribe;
  /** The current max_freeswitch_weight: the weight of a server without load, for messages that report a load. */
  readonly maxWeight: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longest message that is read. */
const MAX_MESSAGE = 4096;
/** Milliseconds between two warnings about unusable messages. */
const WARN_EVERY = 60_000;

/** Sets weights from JSON messages on a NATS subject, sent by any program that watches the media servers. */
export class NatsWeightFeed implements WeightFeed {
  readonly name = 'NATS weights';
  private unsubscribe: (() => void) | undefined;
  private refused = 0;
  private warnedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: NatsWeightFeedOptions) {}

  async start(): Promise<void> {
    const { subject, subscribe } = this.options;
    this.unsubscribe ??= subscribe(subject, (text) => this.take(text));
  }

  async stop(): Promise<void> {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  /** Nothing to do: destinations are looked up for each message. */
  refresh(): void {}

  private take(text: string): void {
    const reason = text.length > MAX_MESSAGE ? `longer than ${MAX_MESSAGE} characters` : this.apply(text);
    if (reason === undefined) return;
    this.refused++;
    const { clock, log, subject } = this.options;
    const now = clock.monotonic();
    if (now - this.warnedAt < WARN_EVERY) return;
    log.warn({ subject, reason, refused: this.refused }, 'messages with weights could not be used');
    this.warnedAt = now;
    this.refused = 0;
  }

  /** Applies a message. Returns why it is unusable, if so. */
  private apply(text: string): string | undefined {
    const message = parseWeightMessage(text);
    if (typeof message === 'string') return message;
    const { engine, maxWeight } = this.options;
    const { setId, address, value } = message;
    const partition = engine.partition(message.partition);
    if (partition === undefined) return 'no such partition';
    const { name, weightsAtRunTime } = partition.flavour;
    if (!weightsAtRunTime) return `partitions of flavour ${name} have weights in attributes`;
    const destinations = partition.findAll(setId, address);
    if (destinations.length === 0) return 'no such destination in that set';
    const weight = 'load' in value ? weightOfLoad(value.load, maxWeight()) : value.weight;
    for (const destination of destinations) engine.setWeight(destination, weight);
    return undefined;
  }
}
