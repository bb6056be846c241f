import type { Service } from '../core/service.js';
import type { DaemonParts } from './assembly.js';
import type { DaemonOptions } from './daemon-options.js';
import { drain } from './drain.js';
import { firstLoads } from './first-loads.js';
import { release } from './release.js';
import { VERSION } from './version.js';
import { checkWorkers, type WorkerHooks } from './worker-hooks.js';

/** Maximum milliseconds of waiting for the first loads at the start, and for running calls at a stop. */
const FIRST_LOAD_MS = 3000;
const DRAIN_MS = 5000;

/** Milliseconds a start waits for NATS to return what an earlier run has published. */
const CATCH_UP_MS = 500;

/** Starts the parts of a daemon in order and stops them in reverse order. */
export class Lifecycle {
  private readonly started: Service[] = [];
  private ready = false;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly parts: DaemonParts,
    private readonly options: Pick<DaemonOptions, 'firstLoadMs' | 'drainMs'>,
  ) {}

  /** Whether a stop has begun. */
  get stopping(): boolean {
    return this.ending !== undefined;
  }

  /** Starts everything. When a part cannot start, stops what was started and throws the reason. */
  async start(): Promise<void> {
    try {
      await this.startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.ready = true;
    const { sip, tables, log } = this.parts;
    log.info(
      {
        listen: sip.transports.map((socket) => `${socket.transport}:${socket.sentBy}`),
        partitions: [...tables.partitions.byName.keys()],
        version: VERSION,
      },
      'switchyard is ready',
    );
  }

  /** Stops; running calls may finish first. May be called repeatedly. */
  stop(): Promise<void> {
    return (this.ending ??= this.stopAll());
  }

  private async startAll(): Promise<void> {
    const { settings, clock, secret, sip, tables, observers, routing, script, events, hooks, followers } = this.parts;
    observers.loopDelay.start();
    observers.loopLoad.start();
    secret.save();
    await routing.loadScript(settings());
    followers.serving = true;
    await firstLoads([...tables.partitions.byName.values()], clock, this.options.firstLoadMs ?? FIRST_LOAD_MS);
    const { nats } = events;
    if (nats !== undefined) {
      await this.launch(nats);
      events.syncStates();
      await nats.caughtUp(CATCH_UP_MS);
      events.resumeDelivered();
    }
    if (settings().cluster !== undefined) await this.joinCluster();
    await script?.load();
    if (hooks !== undefined) await this.joinWorkers(hooks);
    await sip.open();
    await hooks?.parts?.start();
    script?.start();
    for (const service of this.services()) await this.launch(service);
  }

  /** The services to start, in order, when the sockets are open. */
  private services(): readonly Service[] {
    const { console, observers, management, tables, events, prober } = this.parts;
    const { calls, traces, telemetry } = observers;
    return [
      ...(console === undefined ? [] : [console]),
      calls,
      traces,
      telemetry,
      ...management.services,
      tables.callLoad,
      ...events.weightFeeds,
      prober,
    ];
  }

  /** Loads the code for clusters, if one is configured. */
  private async joinCluster(): Promise<void> {
    const { buildCluster } = await import('./build-cluster.js');
    const { parts } = this;
    const { secret, tables, management } = parts;
    parts.cluster.parts = buildCluster({
      ...parts,
      key: {
        get own() {
          return secret.shared;
        },
        adopt: (key) => {
          secret.adopt(key);
          parts.hooks?.parts?.changed();
        },
      },
      engine: tables.engine,
      runtimes: tables.partitions.byName,
      mi: () => management.mi,
    });
    await this.launch(parts.cluster.parts);
  }

  /**
   * Loads the code for several workers, if configured. Throws SwitchyardError CONFIG_INVALID if the settings do not
   * allow them.
   */
  private async joinWorkers(hooks: WorkerHooks): Promise<void> {
    const { parts } = this;
    const { tables, routing, observers, secret } = parts;
    checkWorkers(hooks, parts.settings(), parts.script?.file);
    const { buildWorkers } = await import('./build-workers.js');
    const workers = await buildWorkers({
      ...parts,
      hooks,
      proxy: routing.proxy,
      engine: tables.engine,
      ledger: observers.calls.ledger,
      tally: tables.tally,
      keys: secret.keys,
    });
    hooks.join(workers);
  }

  private async launch(service: Service): Promise<void> {
    this.started.push(service);
    await service.start();
  }

  private async stopAll(): Promise<void> {
    const { clock, log, sip, tables, observers, routing, script, events, hooks } = this.parts;
    observers.loopDelay.stop();
    observers.loopLoad.stop();
    script?.stop();
    await drain(routing.proxy, clock, log, this.options.drainMs ?? DRAIN_MS, hooks?.parts);
    const { nats } = events;
    for (const service of [...this.started].reverse()) {
      // NATS stops last, so that the last state changes are still published.
      if (service !== nats) await release(service.name, () => service.stop(), log);
    }
    if (script !== undefined) await release('databases of the script', () => script.close(), log);
    const workers = hooks?.parts;
    if (workers !== undefined) await release('workers', () => workers.stop(), log);
    for (const socket of sip.transports) await release(socket.description, () => socket.close(), log);
    sip.layer.stop();
    const runtimes = [...tables.partitions.byName.values()];
    await Promise.all(runtimes.map((each) => release(`partition ${each.name}`, () => each.stop(), log)));
    if (nats !== undefined && this.started.includes(nats)) await release(nats.name, () => nats.stop(), log);
    await release('event subscribers', () => events.publisher.stop(), log);
    if (this.ready) log.info({}, 'switchyard has stopped');
  }
}
