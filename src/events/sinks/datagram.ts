import { createSocket, type Socket } from 'node:dgram';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type { DgramSocket } from 'node-unix-socket';
import { SwitchyardError } from '../../core/errors.js';
import { encodeDatagramJson, encodeDatagramText } from '../encode.js';
import type { DispatcherEvent, EventSink, EventTarget, WireForm } from '../event.js';

/** Longest path of a UNIX socket on Linux, without the final zero byte. */
const MAX_UNIX_PATH = 107;
/** When the receiver has not read this many packets, no more are sent to it. */
const MAX_UNIX_PENDING = 64;

const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

/** Options of the datagram sink. */
export interface DatagramSinkOptions {
  /** The partition that is left out of packets; called for each event, since a reload may change it. */
  readonly defaultPartition: () => string | undefined;
}

function encoder(options: DatagramSinkOptions, form: WireForm): (event: DispatcherEvent) => Buffer {
  const encode = form === 'text' ? encodeDatagramText : encodeDatagramJson;
  return (event) => Buffer.from(encode(event, options.defaultPartition()), 'utf8');
}

/**
 * "udp:host:port": one packet for each event. UDP confirms nothing: a packet counts as delivered when the system
 * accepts it.
 */
export class UdpSink implements EventSink {
  readonly scheme = 'udp';

  constructor(private readonly options: DatagramSinkOptions) {}

  parse(target: string, form: WireForm = 'json'): EventTarget {
    const match = /^udp:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(target);
    const host = match?.[1] ?? match?.[2] ?? '';
    const port = Number(match?.[3] ?? 0);
    const usable = match?.[1] !== undefined ? isIP(host) === 6 : HOST.test(host);
    if (!usable || port < 1 || port > 65535) {
      throw new SwitchyardError('USAGE', `event socket "${target.slice(0, 64)}" is not udp:host:port`);
    }
    return new UdpTarget(target, host, port, encoder(this.options, form));
  }
}

class UdpTarget implements EventTarget {
  private socket: Socket | undefined;

  constructor(
    readonly description: string,
    private readonly host: string,
    private readonly port: number,
    private readonly encode: (event: DispatcherEvent) => Buffer,
  ) {}

  deliver(event: DispatcherEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      this.open().send(this.encode(event), this.port, this.host, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    const socket = this.socket;
    this.socket = undefined;
    return new Promise((resolve) => (socket === undefined ? resolve() : socket.close(() => resolve())));
  }

  private open(): Socket {
    if (this.socket === undefined) {
      const socket = createSocket(isIP(this.host) === 6 ? 'udp6' : 'udp4');
      socket.unref();
      // Without a listener an error would end the process; the next packet uses a new socket.
      socket.on('error', () => {
        if (this.socket !== socket) return;
        this.socket = undefined;
        socket.close();
      });
      this.socket = socket;
    }
    return this.socket;
  }
}

/** "unix:/path": one packet for each event, to a datagram socket. */
export class UnixSink implements EventSink {
  readonly scheme = 'unix';

  constructor(private readonly options: DatagramSinkOptions) {}

  parse(target: string, form: WireForm = 'json'): EventTarget {
    const path = target.slice('unix:'.length);
    if (!/^unix:\/[^\x00]+$/.test(target) || Buffer.byteLength(path) > MAX_UNIX_PATH) {
      throw new SwitchyardError('USAGE', `event socket "${target.slice(0, 64)}" is not unix:/path of a socket`);
    }
    return new UnixTarget(target, path, encoder(this.options, form));
  }
}

class UnixTarget implements EventTarget {
  /** Loaded with the first such target, since most configurations have none. */
  private readonly unix = createRequire(import.meta.url)('node-unix-socket') as typeof import('node-unix-socket');
  private socket: DgramSocket | undefined;
  private pending = 0;

  constructor(
    readonly description: string,
    private readonly path: string,
    private readonly encode: (event: DispatcherEvent) => Buffer,
  ) {}

  deliver(event: DispatcherEvent): Promise<void> {
    if (this.pending >= MAX_UNIX_PENDING) return Promise.reject(new Error(`${this.path} does not read its packets`));
    const packet = this.encode(event);
    this.pending++;
    return new Promise<void>((resolve, reject) => {
      this.open().sendTo(packet, 0, packet.length, this.path, (error) => (error ? reject(error) : resolve()));
    }).finally(() => {
      this.pending--;
    });
  }

  async close(): Promise<void> {
    this.socket?.close();
    this.socket = undefined;
  }

  private open(): DgramSocket {
    if (this.socket === undefined) {
      const socket = new this.unix.DgramSocket();
      socket.on('error', () => {});
      this.socket = socket;
    }
    return this.socket;
  }
}
