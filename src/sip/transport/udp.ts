import { bindError } from './bind.js';
import type { DatagramIo, DatagramOwner, DatagramReader, ErrorListener } from './datagram-io.js';
import { DatagramQueue } from './datagram-queue.js';
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
  /** Size of the socket buffers to request, both ways; the system may grant less. */
  readonly bufferBytes?: number;
  /** System calls for many datagrams at once; without them, node:dgram handles them one by one. */
  readonly libc?: (() => Promise<Libc | undefined>) | undefined;
  /** Opens the socket where several processes share it; needs `libc`. */
  readonly opening?: Opening | undefined;
}

/** Size of the cache of source objects, a power of two. */
const RECENT_SOURCES = 1024;

/** SIP over UDP (RFC 3261 section 18). */
export class UdpSocket implements SipSocket, DatagramOwner {
  readonly transport = 'udp' as const;
  readonly reliable = false;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy: string;
  readonly description: string;
  private closed = false;
  private io: DatagramIo | undefined = undefined;
  /** `io` again, if it can be read on demand. */
  private reader: DatagramReader | undefined = undefined;
  private readonly recent: (Source | undefined)[] = new Array<Source | undefined>(RECENT_SOURCES).fill(undefined);

  constructor(
    private readonly options: UdpOptions,
    readonly receiver: Receiver,
    readonly queue: DatagramQueue = new DatagramQueue(),
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
    const batched = libc && new BatchedDatagrams(libc, this, bytes, opening);
    const io = batched ?? new PlainDatagrams(this, bytes);
    try {
      this.port = await io.bind(this.address, this.options.port);
    } catch (error) {
      throw bindError(this.description, error as Error);
    }
    this.openOn(io, batched);
  }

  /** Opens the socket on `io` instead of the system's. */
  openOn(io: DatagramIo, reader: DatagramReader | undefined): void {
    this.io = io;
    this.reader = reader;
    this.sentBy = sentByOf(this, this.options.advertise);
    if (reader !== undefined) this.queue.addReader(reader);
  }

  received(text: string, address: string, port: number): void {
    this.queue.receive(text, this.sourceOf(address, port), this.receiver);
  }

  send(text: string, address: string, port: number, onError?: ErrorListener, _flow?: Flow): void {
    const { io } = this;
    if (io === undefined || this.closed) {
      later(onError, { cause: 'send', message: io === undefined ? 'the socket is not open' : 'the socket is closed' });
      return;
    }
    if (text.length > MAX_DATAGRAM_BYTES) {
      later(onError, { cause: 'send', message: `${text.length} bytes do not fit into a datagram` });
      return;
    }
    this.queue.send(io, text, address, port, onError);
  }

  /** Returns the same object for a peer that sent recently, since transactions keep it for half a minute. */
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
    if (this.reader !== undefined) this.queue.removeReader(this.reader);
    this.closed = true;
    await this.io?.close();
  }
}
