import { connect, type Socket } from 'node:net';
import type { FreeswitchUrl } from '../config/freeswitch-url.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import { MessageCutter, type SocketMessage } from './event-socket-framing.js';
import { readHeartbeat } from './heartbeat.js';
import type { ServerLoad } from './server-load.js';

/** Options of a connection to a FreeSWITCH server. */
export interface EventSocketOptions {
  readonly url: FreeswitchUrl;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called with each heartbeat. */
  readonly onLoad: (load: ServerLoad) => void;
}

/** Milliseconds in which the server must accept login and subscription. */
const LOGIN_TIMEOUT = 5000;
/** Milliseconds without a heartbeat after which the connection is closed. FreeSWITCH sends one every 20 seconds. */
const SILENCE_TIMEOUT = 120_000;
/**
 * Milliseconds before the first new attempt; doubled for each further one, up to the second value; plus or minus a
 * quarter.
 */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
/** Messages a second above which the connection is closed: heartbeats are much rarer. */
const MAX_MESSAGES = 1000;

/**
 * A connection to FreeSWITCH's event socket: logs in, subscribes to heartbeats, and connects again with back-off when
 * the connection is lost. Logs one warning for each outage.
 */
export class EventSocket {
  private socket: Socket | undefined;
  private step: 'greeting' | 'login' | 'subscription' | 'listening' = 'greeting';
  private cutter = new MessageCutter();
  private cancelTimer = () => {};
  private wait = FIRST_WAIT;
  private stopped = false;
  /** Whether the current outage has been logged. */
  private warned = false;
  private seen = { since: 0, messages: 0 };

  constructor(private readonly options: EventSocketOptions) {}

  /** Connects. */
  start(): void {
    this.dial();
  }

  /** Closes the connection for good. */
  stop(): void {
    this.stopped = true;
    this.cancelTimer();
    this.socket?.destroy();
    this.socket = undefined;
  }

  private dial(): void {
    const { host, port } = this.options.url;
    const socket = connect({ host, port, keepAlive: true });
    this.socket = socket;
    this.step = 'greeting';
    this.cutter = new MessageCutter();
    this.arm(LOGIN_TIMEOUT, `no login within ${LOGIN_TIMEOUT} ms`);
    socket.on('data', (chunk) => this.received(socket, chunk));
    socket.on('error', (error) => this.lost(socket, (error as NodeJS.ErrnoException).code ?? messageOf(error)));
    socket.on('close', () => this.lost(socket, 'connection closed'));
  }

  private received(socket: Socket, chunk: Buffer): void {
    try {
      for (const message of this.cutter.add(chunk)) {
        if (this.socket !== socket) return;
        const fault = this.isFlood() ? `more than ${MAX_MESSAGES} messages a second` : this.handle(socket, message);
        if (fault !== undefined) this.lost(socket, fault);
      }
    } catch (error) {
      this.lost(socket, messageOf(error));
    }
  }

  /** Handles a message. Returns why the connection must be closed, if so. */
  private handle(socket: Socket, message: SocketMessage): string | undefined {
    const { user, password } = this.options.url;
    switch (message.headers.get('content-type')) {
      case 'auth/request':
        if (this.step !== 'greeting') return 'asked to log in twice';
        this.step = 'login';
        socket.write(user === '' ? `auth ${password}\n\n` : `userauth ${user}:${password}\n\n`);
        return undefined;
      case 'command/reply':
        return this.replied(socket, message.headers.get('reply-text')?.startsWith('+OK') === true);
      case 'text/event-plain':
      case 'text/event-json':
        if (this.step === 'listening') this.heartbeat(message);
        return undefined;
      case 'text/disconnect-notice':
        return 'the server ended the connection';
      case 'text/rude-rejection':
        return "refused by the server's access list";
      default:
        return undefined;
    }
  }

  private replied(socket: Socket, ok: boolean): string | undefined {
    if (this.step === 'login') {
      if (!ok) return 'user or password refused';
      this.step = 'subscription';
      socket.write('event plain HEARTBEAT\n\n');
    } else if (this.step === 'subscription') {
      if (!ok) return 'subscription to heartbeats refused';
      this.step = 'listening';
      this.arm(SILENCE_TIMEOUT, `no heartbeat within ${SILENCE_TIMEOUT} ms`);
    }
    return undefined;
  }

  private heartbeat(message: SocketMessage): void {
    const load = readHeartbeat(message);
    if (load === undefined) return;
    const { url, log, onLoad } = this.options;
    this.wait = FIRST_WAIT;
    if (this.warned) log.info({ server: url.display }, 'FreeSWITCH server reports weights again');
    this.warned = false;
    this.arm(SILENCE_TIMEOUT, `no heartbeat within ${SILENCE_TIMEOUT} ms`);
    onLoad(load);
  }

  private isFlood(): boolean {
    const now = this.options.clock.monotonic();
    if (now - this.seen.since >= 1000) this.seen = { since: now, messages: 0 };
    return ++this.seen.messages > MAX_MESSAGES;
  }

  private arm(ms: number, fault: string): void {
    this.cancelTimer();
    const { socket } = this;
    this.cancelTimer = this.options.clock.schedule(ms, () => {
      if (socket !== undefined) this.lost(socket, fault);
    });
  }

  /** Closes the connection, logs the first reason of an outage, and connects again later. */
  private lost(socket: Socket, cause: string): void {
    if (this.socket !== socket || this.stopped) return;
    this.socket = undefined;
    socket.destroy();
    const { url, clock, random, log } = this.options;
    const wait = Math.round(this.wait * (0.75 + (random.uint32() / 2 ** 32) * 0.5));
    const fields = { server: url.display, cause };
    if (this.warned) log.debug(fields, `FreeSWITCH server reports no weights; next attempt in ${wait} ms`);
    else log.warn(fields, 'FreeSWITCH server reports no weights; the last ones stay, will retry');
    this.warned = true;
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    this.cancelTimer();
    this.cancelTimer = clock.schedule(wait, () => this.dial());
  }
}
