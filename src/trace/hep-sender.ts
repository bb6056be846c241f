import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { isIPv6, type Socket as StreamSocket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { type HepIdentity, hepPacket } from './hep.js';
import type { SeenMessage } from './trace-session.js';
import type { CaptureSink } from './tracer.js';

/** The capture server, and which calls are sent to it. */
export interface HepTarget extends HepIdentity {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** Send one call in this many, chosen by the Call-ID; 1: all. */
  readonly oneIn: number;
  /** PEM text of the certificate authorities for TLS; undefined: those of the system. */
  readonly ca?: string | undefined;
}

/** Bytes that may wait for a slow server; packets beyond that are dropped and counted. */
const MAX_WAITING = 1024 * 1024;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const LOG_EVERY = 60_000;

/**
 * Sends messages to a capture server (Homer) as HEP3. Packets that the server is too slow for are dropped and counted;
 * calls never wait.
 */
export class HepSender implements CaptureSink, Service {
  readonly name = 'HEP';
  /** For metrics; only ever grow. */
  readonly counters = { sent: 0, dropped: 0 };
  private datagrams: DatagramSocket | undefined;
  private stream: StreamSocket | undefined;
  private connected = false;
  private stopped = false;
  private wait = FIRST_WAIT;
  private cancelRetry: (() => void) | undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly target: HepTarget,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    if (this.target.transport === 'udp') this.openDatagrams();
    else this.dial();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelRetry?.();
    this.stream?.end();
    this.stream?.destroySoon();
    const { datagrams } = this;
    this.datagrams = undefined;
    await new Promise<void>((resolve) => (datagrams === undefined ? resolve() : datagrams.close(() => resolve())));
  }

  /** Host and port of the server. */
  get server(): Pick<HepTarget, 'host' | 'port'> {
    return this.target;
  }

  get oneIn(): number {
    return this.target.oneIn;
  }

  /** Sends one message, or drops and counts it when too much is waiting. */
  capture(message: SeenMessage, kind?: number): void {
    const packet = hepPacket(message, this.target, kind);
    const { datagrams, stream, target } = this;
    if (datagrams !== undefined) {
      if (datagrams.getSendQueueSize() > MAX_WAITING) {
        this.counters.dropped++;
        return;
      }
      this.counters.sent++;
      datagrams.send(packet, target.port, target.host, (error) => {
        if (error !== null) this.lost(messageOf(error));
      });
    } else if (stream === undefined || !this.connected || stream.writableLength > MAX_WAITING) {
      this.counters.dropped++;
    } else {
      this.counters.sent++;
      stream.write(packet);
    }
  }

  private openDatagrams(): void {
    const socket = createSocket(isIPv6(this.target.host) ? 'udp6' : 'udp4');
    socket.unref();
    socket.on('error', (error) => this.lost(messageOf(error)));
    this.datagrams = socket;
  }

  private dial(): void {
    const { host, port, transport, ca } = this.target;
    const stream =
      transport === 'tls'
        ? tlsConnect({ host, port, ...(ca === undefined ? {} : { ca }), ...(isIP(host) ? {} : { servername: host }) })
        : tcpConnect({ host, port });
    this.stream = stream;
    stream.unref();
    stream.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
      this.connected = true;
      this.wait = FIRST_WAIT;
      this.log.info({ server: `${transport}:${host}:${port}` }, 'connected to the capture server');
    });
    stream.on('error', (error) => this.lost(messageOf(error)));
    // The server sends nothing, but without reading, the end of the connection would go unnoticed.
    stream.resume();
    stream.once('close', () => {
      this.connected = false;
      this.stream = undefined;
      if (this.stopped) return;
      this.cancelRetry = this.clock.schedule(this.wait, () => this.dial());
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
    });
  }

  private lost(cause: string): void {
    const now = this.clock.monotonic();
    if (now - this.loggedAt < LOG_EVERY) return;
    this.loggedAt = now;
    const { host, port, transport } = this.target;
    const { dropped } = this.counters;
    this.log.warn(
      { server: `${transport}:${host}:${port}`, cause, dropped },
      'the capture server is not reachable or too slow',
    );
  }
}

function isIP(host: string): boolean {
  return isIPv6(host) || /^[0-9.]+$/.test(host);
}
