import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import { EventBus } from '../events/bus.js';
import {
  CLUSTER_EVENTS,
  EVENT_CATALOGUE,
  EventIds,
  LOCAL_EVENTS,
  type ScriptEvent,
  scriptKind,
} from '../events/catalogue.js';
import { EventPublisher } from '../events/publisher.js';
import { UdpSink, UnixSink } from '../events/sinks/datagram.js';
import { createNats, type NatsBus } from '../events/sinks/nats.js';
import type { MiAnswer } from '../events/sinks/nats-mi.js';
import { OutboxFile } from '../store/outbox-file.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import type { WeightFeed } from '../weight-feed/weight-feed.js';
import { ChangeReporter } from './change-reporter.js';
import type { DaemonEnvironment } from './environment.js';
import { VERSION } from './version.js';
import { createWeightFeeds } from './weight-feeds.js';

/** What the event part needs. */
export interface EventEnvironment extends DaemonEnvironment {
  readonly engine: Engine;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  /** The events that the cfg file and its modules raise. */
  readonly scriptEvents: () => readonly ScriptEvent[];
  /** Answers an MI request over NATS. */
  readonly answerMi: MiAnswer;
}

/** The event bus, its listeners, and what is read from NATS. */
export interface EventParts {
  readonly bus: EventBus;
  readonly ids: EventIds;
  /** Sends events to subscribers by datagram and over NATS. */
  readonly publisher: EventPublisher;
  readonly nats: NatsBus | undefined;
  readonly changes: ChangeReporter;
  readonly weightFeeds: readonly WeightFeed[];
  /** Updates the states of all destinations in NATS; no effect without NATS. */
  syncStates(): void;
  /** Continues event numbers that could not be read from NATS from what was delivered; no effect without NATS. */
  resumeDelivered(): void;
}

/** Builds the bus and registers its listeners: subscribers and NATS. Nothing is connected. */
export function buildEvents(env: EventEnvironment): EventParts {
  const { engine, runtimes, settings, clock, random, log, metrics, cluster } = env;
  const { calls, events, mi, node } = settings();
  const bus = new EventBus((error) => log.error({ err: error }, 'a listener of events failed'));
  const nats: NatsBus | undefined =
    events.nats === undefined
      ? undefined
      : createNats(events.nats, {
          clock,
          log,
          node,
          version: VERSION,
          metrics,
          ...(calls.nats ? { calls: { stream: calls.stream } } : {}),
          openJournal: () => openOutbox(events.nats?.jetstream?.outboxFile, clock, log),
          states: {
            resume: (entry, written, stored) => changes.resumed(entry, written, stored),
            isLoading: (name) => (runtimes.get(name)?.figures.loads ?? 1) === 0,
            ...(cluster.configured ? { owns: (entry) => cluster.ownsEntry(entry) } : {}),
          },
          mi: { ...(mi.nats === undefined ? {} : { subject: mi.nats.subject }), answer: env.answerMi },
        });
  const defaultPartition = () => settings().defaultPartition;
  const sinks = [new UdpSink({ defaultPartition }), new UnixSink({ defaultPartition })];
  const kinds = [...EVENT_CATALOGUE, ...(cluster.configured ? CLUSTER_EVENTS : []), ...LOCAL_EVENTS];
  const publisher = new EventPublisher({
    clock,
    log,
    sinks: nats === undefined ? sinks : [...sinks, nats.sink],
    kinds: () => [...kinds, ...env.scriptEvents().map(scriptKind)],
  });
  const ids = new EventIds(node, random);
  const changes: ChangeReporter = new ChangeReporter({
    engine,
    log,
    node: () => settings().node,
    ids,
    raised: metrics.counter('switchyard_events_total', 'Events raised, by partition and status'),
    bus,
    putState: nats && ((entry, key) => nats.putState(entry, key)),
    cluster,
  });
  bus.on((event) => publisher.raise(event));
  if (nats !== undefined) bus.on((event) => nats.publish(event));
  engine.states.onChange((change) => changes.changed(change));
  const weightFeeds = createWeightFeeds({
    engine,
    dispatcher: () => settings().dispatcher,
    nats: events.nats,
    subscribe: nats && ((subject, listen) => nats.subscribe(subject, listen)),
    clock,
    random,
    log,
  });
  const syncStates = (): void => {
    if (nats === undefined) return;
    changes.resumePending(nats.restored);
    nats.syncSnapshot(() => changes.entries());
  };
  const resumeDelivered = (): void => changes.resumePending(nats?.delivered ?? [], true);
  return { bus, ids, publisher, nats, changes, weightFeeds, syncStates, resumeDelivered };
}

/** Opens the file that keeps events until they are delivered. If that fails, events are kept in memory only. */
function openOutbox(path: string | undefined, clock: Clock, log: Logger): OutboxFile | undefined {
  if (path === undefined) return undefined;
  try {
    return new OutboxFile(path, clock, log);
  } catch (error) {
    log.warn({ file: path, cause: messageOf(error) }, 'the outbox on disk cannot be used; events are kept in memory');
    return undefined;
  }
}
