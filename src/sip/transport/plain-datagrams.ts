import { createSocket, type Socket } from 'node:dgram';
import type { DatagramIo, DatagramOwner, ErrorListener } from './datagram-io.js';
import { causeOf, later } from './transport.js';

/** Maximum payload of an IPv4 packet without the headers of IP and UDP; nearly the same for IPv6. */
export const MAX_DATAGRAM_BYTES = 65_507;
/** Bytes that may wait in Node and the system; messages beyond that are dropped. */
export const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Most messages are shorter. */
const USUAL_BYTES = 2048;

/** Destinations are always IP literals, so this lookup answers at once and avoids the resolver's queue. */
function literalLookup(
  address: string,
  _options: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, address, address.indexOf(':') >= 0 ? 6 : 4);
}

/** Datagrams read and sent one by one through node:dgram. */
export class PlainDatagrams implements DatagramIo {
  private readonly socket: Socket;
  /** Buffer for messages to send, and the views of it by length: creating a view costs as much as sending. */
  private out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
  private views: (Buffer | undefined)[] = new Array<Buffer | undefined>(USUAL_BYTES).fill(undefined);
  /** Bytes that were waiting in the system when last checked. */
  private queued = 0;

  constructor(
    private readonly owner: DatagramOwner,
    bufferBytes: number,
  ) {
    this.socket = createSocket({
      type: owner.family === 6 ? 'udp6' : 'udp4',
      ipv6Only: owner.family === 6,
      lookup: literalLookup as never,
      recvBufferSize: bufferBytes,
      sendBufferSize: bufferBytes,
    });
  }

  async bind(address: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.bind({ address, port }, () => {
        this.socket.off('error', reject);
        resolve();
      });
    });
    // An ICMP error concerns one peer; it must not close the socket, which carries the calls of all peers.
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data, peer) => {
      this.owner.received(data.toString('latin1'), peer.address, peer.port);
    });
    return this.socket.address().port;
  }

  transmit(text: string, address: string, port: number, onError: ErrorListener): void {
    if (this.queued > MAX_QUEUED_BYTES && (this.queued = this.socket.getSendQueueSize()) > MAX_QUEUED_BYTES) {
      later(onError, { cause: 'send', message: 'too many datagrams wait for the network' });
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
      // A message that the system accepted has been copied; a waiting one is still read from this buffer.
      this.queued = this.socket.getSendQueueSize();
      if (this.queued > 0 && !waits) {
        this.out = Buffer.allocUnsafeSlow(MAX_DATAGRAM_BYTES);
        this.views.fill(undefined);
      }
    } catch (error) {
      later(onError, { cause: 'send', message: (error as Error).message });
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      try {
        this.socket.close(() => resolve());
      } catch {
        resolve();
      }
    });
  }

  /** Writes a message to the buffer; the result is valid until the next call. */
  private written(text: string): Buffer {
    const { length } = text;
    const known = this.views[length];
    const data = known ?? this.out.subarray(0, length);
    if (known === undefined && length < USUAL_BYTES) this.views[length] = data;
    data.write(text, 0, length, 'latin1');
    return data;
  }
}
