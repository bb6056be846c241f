import { createSocket, type Socket } from 'node:dgram';
import { bindError } from './bind.js';
import { DatagramQueue, type DatagramReader, type DatagramSender } from './datagram-queue.js';
import { BatchedDatagrams, openDatagramSocket, receiveArray } from './native/datagrams.js';
import type { Libc } from './native/libc.js';
import type { MessageArray } from './native/message-array.js';
import {
  causeOf,
  type Flow,
  later,
  type Receiver,
  type SipSocket,
  type Source,
  sentByOf,
  type TransportError,
} from './transport.js';

export interface UdpOptions {
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly description: string;
  /** Bytes asked for as socket buffers, both ways; the system may grant less. */
  readonly bufferBytes?: number;
  /** System calls that read and send many datagrams at once; without them node:dgram does it one by one. */
  readonly libc?: (() => Promise<Libc | undefined>) | undefined;
}

/** Memory for receiving, one for a thread. */
let receiving: MessageArray | undefined;

/** Maximum payload of an IPv4 packet without the headers of IP and UDP; nearly the same for IPv6. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Bytes that may wait for the system's own buffer; messages beyond that are dropped. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Messages shorter than this are usual. */
const USUAL_BYTES = 2048;
/** Number of peers whose source objects are reused, a power of two. */
const RECENT_SOURCES = 1024;

/** Destinations are always IP literals here, so the lookup answers at once instead of through the resolver's queue. */
function literalLookup(
  address: string,
  _options: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, address, address.indexOf(':') >= 0 ? 6 : 4);
}

/** SIP over UDP (RFC 3261 section 18). */
export class UdpSocket implements SipSocket, DatagramSender, DatagramReader {
  readonly transport = 'udp' as const;
  readonly reliable = false;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy: string;
  readonly description: string;
  private readonly socket: Socket;
  private closed = false;
  private batch: BatchedDatagrams | undefined;
  /** Buffer for messages to send, and its views of each length used so far: making one costs as much as a send. */
  private out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
  private views: (Buffer | undefined)[] = new Array<Buffer | undefined>(USUAL_BYTES).fill(undefined);
  /** Bytes that waited for the system when last looked. */
  private queued = 0;
  private readonly recent: (Source | undefined)[] = new Array<Source | undefined>(RECENT_SOURCES).fill(undefined);

  constructor(
    private readonly options: UdpOptions,
    private readonly receiver: Receiver,
    private readonly queue: DatagramQueue = new DatagramQueue(),
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.sentBy = '';
    this.socket = createSocket({
      type: this.family === 6 ? 'udp6' : 'udp4',
      ipv6Only: this.family === 6,
      lookup: literalLookup as never,
      recvBufferSize: options.bufferBytes ?? 4 * 1024 * 1024,
      sendBufferSize: options.bufferBytes ?? 4 * 1024 * 1024,
    });
  }

  async open(): Promise<void> {
    const libc = await this.options.libc?.();
    const fd = libc === undefined ? undefined : this.bound(libc);
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(bindError(this.description, error));
      this.socket.once('error', fail);
      this.socket.bind(fd === undefined ? { address: this.address, port: this.options.port } : { fd }, () => {
        this.socket.off('error', fail);
        resolve();
      });
    });
    this.port = this.socket.address().port;
    this.sentBy = sentByOf(this, this.options.advertise);
    if (libc !== undefined && fd !== undefined) {
      receiving ??= receiveArray(libc);
      this.batch = new BatchedDatagrams(libc, fd, this.family, receiving, this, this.receiver);
      this.queue.addReader(this);
    }
    // An ICMP error concerns one peer; it must never close the socket, which carries the calls of all peers.
    this.socket.on('error', () => this.batch?.readErrors());
    this.socket.on('message', (data, peer) => {
      this.queue.receive(data.toString('latin1'), this.sourceOf(peer.address, peer.port), this.receiver);
      // If several datagrams wait, one call reads what Node would read one by one.
      if (this.batch !== undefined && this.queue.reads) this.queue.read(this);
    });
  }

  private bound(libc: Libc): number {
    try {
      return openDatagramSocket(libc, this.family, this.address, this.options.port);
    } catch (error) {
      throw bindError(this.description, error as Error);
    }
  }

  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    return this.closed ? 0 : (this.batch?.read(receive) ?? 0);
  }

  send(text: string, address: string, port: number, onError?: (error: TransportError) => void, _flow?: Flow): void {
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
  transmit(text: string, address: string, port: number, onError: ((error: TransportError) => void) | undefined): void {
    const { batch } = this;
    if (batch !== undefined && this.queued === 0) {
      if (batch.add(text, address, port, onError)) return;
      batch.commit();
    }
    this.sendPlain(text, address, port, onError);
  }

  commit(): void {
    if (!this.closed) this.batch?.commit();
  }

  /** Passes one message to Node, which waits when the system accepts no more. */
  sendPlain(text: string, address: string, port: number, onError: ((error: TransportError) => void) | undefined): void {
    if (this.queued > MAX_QUEUED_BYTES && (this.queued = this.socket.getSendQueueSize()) > MAX_QUEUED_BYTES) {
      later(onError, { cause: 'send', message: 'the network does not take what is sent' });
      return;
    }
    const waits = this.queued > 0;
    const data = waits ? Buffer.from(text, 'latin1') : this.written(text);
    try {
      if (onError === undefined) this.socket.send(data, port, address);
      else
        this.socket.send(data, port, address, (error) => {
          if (error !== null) onError({ cause: causeOf(error), message: error.message });
        });
      // A message the system accepted at once is copied already; a waiting one is still read from this buffer.
      this.queued = this.socket.getSendQueueSize();
      if (this.queued > 0 && !waits) {
        this.out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
        this.views.fill(undefined);
      }
    } catch (error) {
      later(onError, { cause: 'send', message: (error as Error).message });
    }
  }

  /** A message as octets, valid until the next one is written. */
  private written(text: string): Buffer {
    const { length } = text;
    const known = this.views[length];
    const data = known ?? this.out.subarray(0, length);
    if (known === undefined && length < USUAL_BYTES) this.views[length] = data;
    data.write(text, 0, length, 'latin1');
    return data;
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
    await new Promise<void>((resolve) => {
      try {
        this.socket.close(() => resolve());
      } catch {
        resolve();
      }
    });
  }
}
