import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP, type Socket as StreamSocket, connect as tcpConnect } from 'node:net';
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
/** A connection that is not ready, or takes no bytes although some wait, for this long is made again. */
const STALLED_MS = 10_000;
/** How long an address of a server's name is used. */
const NAME_MS = 60_000;

/**
 * Sends messages to a capture server (Homer) as HEP3. Packets that the server is too slow for are dropped and counted;
 * calls never wait. A server that cannot be reached, does not read or closes its connections costs one log line a
 * minute.
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
  private connectedLoggedAt = Number.NEGATIVE_INFINITY;
  private cancelLook: (() => void) | undefined;
  /** The address that datagrams are sent to; undefined while a name has none. */
  private address: string | undefined;

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
    this.cancelLook?.();
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
    const { datagrams, stream, target, address } = this;
    if (datagrams !== undefined) {
      if (address === undefined || datagrams.getSendQueueSize() > MAX_WAITING) {
        this.dropped(address === undefined ? 'its name has no address' : 'the system does not take the packets');
        return;
      }
      this.counters.sent++;
      datagrams.send(hepPacket(message, target, kind), target.port, address, (error) => {
        if (error !== null) this.lost(messageOf(error));
      });
    } else if (stream === undefined || !this.connected || stream.writableLength > MAX_WAITING) {
      this.dropped(this.connected ? 'it does not read' : 'there is no connection');
    } else {
      this.counters.sent++;
      stream.write(hepPacket(message, target, kind));
    }
  }

  private openDatagrams(): void {
    const { host } = this.target;
    const family = isIP(host);
    if (family === 0) this.lookUp();
    else this.address = host;
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    socket.on('error', (error) => this.lost(messageOf(error)));
    this.datagrams = socket;
  }

  /**
   * Looks up the server's name now and every minute. Node would do it for each datagram, by a thread that reads files
   * too.
   */
  private lookUp(): void {
    lookup(this.target.host, { family: 4 }, (error, address) => {
      if (this.stopped) return;
      if (error === null) this.address = address;
      else this.lost(messageOf(error));
      this.cancelLook = this.clock.schedule(error === null ? NAME_MS : STALLED_MS, () => this.lookUp());
    });
  }

  private dial(): void {
    const { host, port, transport, ca } = this.target;
    const stream =
      transport === 'tls'
        ? tlsConnect({ host, port, ...(ca === undefined ? {} : { ca }), ...(isIP(host) ? {} : { servername: host }) })
        : tcpConnect({ host, port });
    this.stream = stream;
    stream.unref();
    let since = this.clock.monotonic();
    stream.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
      this.connected = true;
      since = this.clock.monotonic();
      if (since - this.connectedLoggedAt < LOG_EVERY) return;
      this.connectedLoggedAt = since;
      this.log.info({ server: `${transport}:${host}:${port}` }, 'connected to the capture server');
    });
    this.watch(stream);
    stream.on('error', (error) => this.lost(messageOf(error)));
    // The server sends nothing, but without reading, the end of the connection would go unnoticed.
    stream.resume();
    stream.once('close', () => {
      // A server that accepts connections and closes them is not tried more often than one that refuses them.
      if (this.connected && this.clock.monotonic() - since >= STALLED_MS) this.wait = FIRST_WAIT;
      else if (this.connected && !this.stopped) this.lost('it closes the connection');
      this.connected = false;
      this.stream = undefined;
      this.cancelLook?.();
      if (this.stopped) return;
      this.cancelRetry = this.clock.schedule(this.wait, () => this.dial());
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
    });
  }

  /** Ends a connection that does not become ready, or whose server has stopped to read. */
  private watch(stream: StreamSocket): void {
    let written = 0;
    const look = (): void => {
      const taken = stream.bytesWritten - stream.writableLength;
      const stalled = !this.connected || (stream.writableLength > 0 && taken === written);
      written = taken;
      if (stalled) {
        this.lost(this.connected ? 'it does not read' : 'there is no connection in time');
        stream.destroy();
      } else this.cancelLook = this.clock.schedule(STALLED_MS, look);
    };
    this.cancelLook = this.clock.schedule(STALLED_MS, look);
  }

  private dropped(cause: string): void {
    this.counters.dropped++;
    this.lost(cause);
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
