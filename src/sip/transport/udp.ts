import { createSocket, type Socket } from 'node:dgram';
import { bindError } from './bind.js';
import { type DatagramSender, DatagramTurn } from './datagram-turn.js';
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
}

/** What an IPv4 packet can hold besides the headers of IP and UDP; nearly the same for IPv6. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Bytes that may wait for the system's own buffer before we give up what comes on top. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Messages shorter than this are usual. */
const USUAL_BYTES = 2048;
/** Peers whose source objects are used again, a power of two. */
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
export class UdpSocket implements SipSocket, DatagramSender {
  readonly transport = 'udp' as const;
  readonly reliable = false;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy: string;
  readonly description: string;
  private readonly socket: Socket;
  private closed = false;
  /** Where messages are written for sending, and its beginnings of each length met so far: making one costs as much as a send. */
  private out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
  private views: (Buffer | undefined)[] = new Array<Buffer | undefined>(USUAL_BYTES).fill(undefined);
  /** Bytes that waited for the system when last looked. */
  private queued = 0;
  private readonly recent: (Source | undefined)[] = new Array<Source | undefined>(RECENT_SOURCES).fill(undefined);

  constructor(
    private readonly options: UdpOptions,
    private readonly receiver: Receiver,
    private readonly turn: DatagramTurn = new DatagramTurn(),
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
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(bindError(this.description, error));
      this.socket.once('error', fail);
      this.socket.bind({ address: this.address, port: this.options.port }, () => {
        this.socket.off('error', fail);
        resolve();
      });
    });
    this.port = this.socket.address().port;
    this.sentBy = sentByOf(this, this.options.advertise);
    // An ICMP error belongs to one peer; it must never take the socket, and with it everybody's calls, down.
    this.socket.on('error', () => {});
    this.socket.on('message', (data, peer) => {
      this.turn.receive(data.toString('latin1'), this.sourceOf(peer.address, peer.port), this.receiver);
    });
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
    this.turn.send(this, text, address, port, onError);
  }

  /** Gives one message to the system. Called by the turn only. */
  transmit(text: string, address: string, port: number, onError: ((error: TransportError) => void) | undefined): void {
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
      // What the system took at once is copied; what has to wait is still read from where it was written.
      this.queued = this.socket.getSendQueueSize();
      if (this.queued > 0 && !waits) {
        this.out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
        this.views.fill(undefined);
      }
    } catch (error) {
      later(onError, { cause: 'send', message: (error as Error).message });
    }
  }

  /** A message as octets, good until the next one is written. */
  private written(text: string): Buffer {
    const { length } = text;
    const known = this.views[length];
    const data = known ?? this.out.subarray(0, length);
    if (known === undefined && length < USUAL_BYTES) this.views[length] = data;
    data.write(text, 0, length, 'latin1');
    return data;
  }

  /** The same object for the same peer where it was heard of lately: transactions keep it for half a minute. */
  private sourceOf(address: string, port: number): Source {
    const place = port & (RECENT_SOURCES - 1);
    const recent = this.recent[place];
    if (recent !== undefined && recent.port === port && recent.address === address) return recent;
    const source: Source = { socket: this, address, port, flow: undefined };
    this.recent[place] = source;
    return source;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.turn.flush();
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
