import { bindError } from './bind.js';
import type { DatagramIo, DatagramOwner, ErrorListener } from './datagram-io.js';
import { DatagramQueue, type DatagramReader, type DatagramSender } from './datagram-queue.js';
import { BatchedDatagrams, type Opening } from './native/datagrams.js';
import type { Libc } from './native/libc.js';
import { MAX_DATAGRAM_BYTES, PlainDatagrams } from './plain-datagrams.js';
import { type Flow, later, type Receiver, type SipSocket, type Source, sentByOf } from './transport.js';

/** What a UDP socket is opened with. */
export interface UdpOptions {
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly description: string;
  /** Bytes asked for as socket buffers, both ways; the system may grant less. */
  readonly bufferBytes?: number;
  /** System calls that read and send many datagrams at once; without them node:dgram does it one by one. */
  readonly libc?: (() => Promise<Libc | undefined>) | undefined;
  /** Opens its socket where several processes read it; needs `libc`. */
  readonly opening?: Opening | undefined;
}

/** Number of peers whose source objects are reused, a power of two. */
const RECENT_SOURCES = 1024;

/** SIP over UDP (RFC 3261 section 18). */
export class UdpSocket implements SipSocket, DatagramSender, DatagramReader, DatagramOwner {
  readonly transport = 'udp' as const;
  readonly reliable = false;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy: string;
  readonly description: string;
  private closed = false;
  private io: DatagramIo | undefined = undefined;
  private readonly recent: (Source | undefined)[] = new Array<Source | undefined>(RECENT_SOURCES).fill(undefined);

  constructor(
    private readonly options: UdpOptions,
    readonly receiver: Receiver,
    private readonly queue: DatagramQueue = new DatagramQueue(),
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.sentBy = '';
  }

  async open(): Promise<void> {
    const libc = await this.options.libc?.();
    const bytes = this.options.bufferBytes ?? 4 * 1024 * 1024;
    const { opening } = this.options;
    const io = libc === undefined ? new PlainDatagrams(this, bytes) : new BatchedDatagrams(libc, this, bytes, opening);
    try {
      this.port = await io.bind(this.address, this.options.port);
    } catch (error) {
      throw bindError(this.description, error as Error);
    }
    this.io = io;
    this.sentBy = sentByOf(this, this.options.advertise);
    if (libc !== undefined) this.queue.addReader(this);
  }

  /** Opens the socket on what reads and sends elsewhere than in the system. */
  openOn(io: DatagramIo): void {
    this.io = io;
    this.sentBy = sentByOf(this, this.options.advertise);
    this.queue.addReader(this);
  }

  received(text: string, address: string, port: number): void {
    this.queue.receive(text, this.sourceOf(address, port), this.receiver);
  }

  readable(): void {
    this.queue.read(this);
  }

  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    return this.closed ? 0 : (this.io?.read?.(receive) ?? 0);
  }

  /** Whether `readable` is called when datagrams wait; else `read` is called at intervals. */
  watch(watched: boolean): void {
    if (!this.closed) this.io?.watch?.(watched);
  }

  /** Milliseconds for which the receive buffer holds what may arrive. */
  get longestWaitMs(): number {
    return this.io?.longestWaitMs ?? 0;
  }

  send(text: string, address: string, port: number, onError?: ErrorListener, _flow?: Flow): void {
    if (this.closed) {
      later(onError, { cause: 'send', message: 'the socket is closed' });
      return;
    }
    if (text.length > MAX_DATAGRAM_BYTES) {
      later(onError, { cause: 'send', message: `${text.length} bytes do not fit into a datagram` });
      return;
    }
    this.queue.send(this, text, address, port, onError);
  }

  /** Passes one message to the system, or queues it for `commit`. Called by `DatagramQueue` only. */
  transmit(text: string, address: string, port: number, onError: ErrorListener): void {
    if (this.closed) later(onError, { cause: 'send', message: 'the socket is closed' });
    else this.io?.transmit(text, address, port, onError);
  }

  commit(): void {
    if (!this.closed) this.io?.commit?.();
  }

  /** Reuses the object of a peer that sent recently: transactions keep it for half a minute. */
  sourceOf(address: string, port: number): Source {
    const slot = port & (RECENT_SOURCES - 1);
    const recent = this.recent[slot];
    if (recent !== undefined && recent.port === port && recent.address === address) return recent;
    const source: Source = { socket: this, address, port, flow: undefined };
    this.recent[slot] = source;
    return source;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.queue.flush();
    this.queue.removeReader(this);
    this.closed = true;
    await this.io?.close();
  }
}
