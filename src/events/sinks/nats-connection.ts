import type { ConnectionOptions, Msg, NatsConnection, Subscription } from 'nats';
import { boundedLog } from '../../core/bounded-log.js';
import type { Clock } from '../../core/clock.js';
import { Emitter } from '../../core/emitter.js';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { within } from '../../core/within.js';
import { natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';
import { redactServer } from './nats-settings.js';

const FIRST_WAIT = 250;
const MAX_WAIT = 1000;
/** Milliseconds between two log lines about the same refusal. */
const SAME_ERROR_EVERY = 60_000;
/** Maximum number of refusals remembered: subjects differ by partition and set. */
const MAX_REFUSALS = 10_000;

/**
 * A permanent connection to NATS. It connects in the background, and again whenever the connection is lost, for any
 * reason. Users listen to `onUp`, which passes a working connection, and `onDown`.
 */
export class NatsLink {
  private readonly ups: Emitter<NatsConnection>;
  private readonly downs: Emitter<void>;
  private connection: NatsConnection | undefined;
  private up = false;
  private stopped = false;
  /** Attempts since the connection was lost. */
  private dials = 0;
  private wakeUp: (() => void) | undefined;
  private firstEnded: (() => void) | undefined;
  private running: Promise<void> | undefined;
  /** By kind of refusal: Clock.monotonic() of the last one, and of its last log line. */
  private readonly refusals = new Map<string, { at: number; loggedAt: number }>();
  /** Logger for messages of peers that cannot be handled. */
  private readonly peerLog: Logger;
  /** How often the connection came back after a loss. */
  reconnects = 0;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    const onError = (error: unknown) =>
      log.error({ cause: messageOf(error) }, 'a component that uses the NATS connection failed');
    this.peerLog = boundedLog(log, () => clock.monotonic(), { windowMs: SAME_ERROR_EVERY, lines: 1, characters: 200 });
    this.ups = new Emitter(onError);
    this.downs = new Emitter(onError);
  }

  /** The connection while it works, else undefined. */
  get current(): NatsConnection | undefined {
    return this.up ? this.connection : undefined;
  }

  /** Whether the server has since `time` (Clock.monotonic()) refused publishing to this subject. */
  deniedSince(subject: string, time: number): boolean {
    const refusal = this.refusals.get(`publish ${subject}`);
    return refusal !== undefined && refusal.at >= time;
  }

  /** Whether the server has since `time` refused any subject with this prefix. */
  refusedSince(prefix: string, time: number): boolean {
    for (const [what, { at }] of this.refusals) if (at >= time && what.startsWith(`publish ${prefix}`)) return true;
    return false;
  }

  /** Calls `listen` with each new connection. The returned function removes it. */
  onUp(listen: (connection: NatsConnection) => void): () => void {
    return this.ups.on(listen);
  }

  /**
   * Subscribes to a subject on a connection. What `listen` throws is logged: in the client it would end the reading of
   * all that comes by this connection.
   */
  hear(connection: NatsConnection, subject: string, listen: (message: Msg) => void): Subscription {
    return connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        try {
          listen(message);
        } catch (fault) {
          this.peerLog.error({ subject, cause: messageOf(fault) }, 'a message of NATS could not be handled');
        }
      },
    });
  }

  /** Calls `listen` when the connection is lost. The returned function removes it. */
  onDown(listen: () => void): () => void {
    return this.downs.on(listen);
  }

  /** Resolves when the first attempt to connect has ended, successfully or not. */
  readonly attempted = new Promise<void>((resolve) => {
    this.firstEnded = resolve;
  });

  /** Starts connecting, without waiting. */
  start(): void {
    this.running ??= this.run();
  }

  /** Sends what is buffered and closes, within about `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.stopped = true;
    this.wakeUp?.();
    const connection = this.connection;
    if (connection !== undefined && !connection.isClosed()) {
      if (this.up)
        await within(
          this.clock,
          timeoutMs,
          connection.drain().catch(() => {}),
        );
      if (!connection.isClosed())
        await within(
          this.clock,
          500,
          connection.close().catch(() => {}),
        );
    }
    this.setUp(false);
    this.connection = undefined;
  }

  private async run(): Promise<void> {
    let wait = FIRST_WAIT;
    let refusals = 0;
    while (!this.stopped) {
      try {
        const connection = await nats().connect({ ...this.options, reconnectDelayHandler: () => this.pause() });
        if (this.stopped) {
          await connection.close().catch(() => {});
          return;
        }
        refusals = 0;
        wait = FIRST_WAIT;
        this.dials = 0;
        this.connection = connection;
        this.log.info({ server: redactServer(connection.getServer()) }, 'connected to NATS');
        this.setUp(true);
        this.firstEnded?.();
        await this.follow(connection);
        this.setUp(false);
        if (this.stopped) return;
        this.log.warn({}, 'NATS connection closed; connecting again');
      } catch (error) {
        this.firstEnded?.();
        if (this.stopped) return;
        if (refusals++ % 30 === 0) {
          const servers = [this.options.servers ?? []].flat();
          this.log.warn({ servers, cause: natsReason(error) }, 'NATS cannot be reached; events are kept, will retry');
        }
      }
      await this.sleep(wait);
      wait = Math.min(MAX_WAIT, wait * 2);
    }
  }

  /** Reads the client's status events until the connection is closed for good. */
  private async follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === nats().Events.Disconnect) {
        if (this.up && !this.stopped)
          this.log.warn({ server: redactServer(String(status.data)) }, 'NATS connection lost');
        this.setUp(false);
      } else if (status.type === nats().Events.Reconnect) {
        this.reconnects++;
        this.dials = 0;
        this.log.info({ server: redactServer(String(status.data)) }, 'NATS connection is back');
        this.setUp(true);
      } else if (status.type === nats().DebugEvents.Reconnecting) {
        this.dials++;
      } else if (status.type === nats().Events.Error) {
        const { operation, subject } = status.permissionContext ?? {};
        this.refused(operation === undefined ? String(status.data) : `${operation} ${subject}`, status.data);
      } else if (status.type === nats().Events.LDM) {
        this.log.info({}, 'NATS server is about to shut down');
      }
    }
    await connection.closed();
  }

  /** The server refuses each publish again, and subscriptions after each reconnect; one log line a minute is enough. */
  private refused(what: string, code: unknown): void {
    const at = this.clock.monotonic();
    const known = this.refusals.get(what);
    const isNews = known === undefined || at - known.loggedAt >= SAME_ERROR_EVERY;
    if (this.refusals.size >= MAX_REFUSALS) this.refusals.clear();
    this.refusals.set(what, { at, loggedAt: isNews ? at : known.loggedAt });
    if (isNews) this.log.warn({ cause: String(code), what }, `NATS server refused: ${what}`);
  }

  /**
   * Milliseconds until the next attempt: 250, doubled each time up to 1000. The client also calls this more often than
   * it connects.
   */
  private pause(): number {
    return Math.min(MAX_WAIT, FIRST_WAIT * 2 ** Math.max(0, Math.min(this.dials, 10) - 1));
  }

  private setUp(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    if (up && this.connection !== undefined) this.ups.emit(this.connection);
    if (!up) this.downs.emit();
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.schedule(ms, resolve);
      this.wakeUp = () => {
        cancel();
        resolve();
      };
    });
  }
}
