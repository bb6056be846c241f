import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { MEDIA, type MediaProxy } from './media-proxy.js';

/** A UDP socket of a caller or a gateway in the setup of a recording. */
export interface Peer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A datagram that a peer received. */
export interface Arrival {
  readonly peer: Peer;
  readonly text: string;
  readonly from: { readonly address: string; readonly port: number };
  /** Milliseconds since the case began. */
  readonly at: number;
}

/**
 * A set of loopback addresses with the sockets of a setup. The first lane has the addresses of the recording; the
 * others use other networks with a prefix of the same length, so that cases run in parallel. Results are mapped back to
 * the recorded addresses.
 */
export class Lane {
  private readonly sockets = new Map<string, Socket>();
  onArrival: ((arrival: Arrival) => void) | undefined;
  /** The media proxy of the current case, started before the program. */
  media: MediaProxy | undefined;
  private epoch = performance.now();

  constructor(
    readonly index: number,
    /** Network of the recording and network of this lane: "127.0.8." and "127.0.3.". */
    readonly recorded: string,
    readonly own: string,
    readonly peers: readonly Peer[],
  ) {}

  /** Whether the sockets are bound. */
  get isOpen(): boolean {
    return this.sockets.size > 0;
  }

  /** Converts recorded text to this lane's addresses, and back. */
  there(text: string): string {
    return this.recorded === this.own ? text : swap(text, this.recorded, this.own);
  }

  back(text: string): string {
    return this.recorded === this.own ? text : swap(text, this.own, this.recorded);
  }

  /** Binds the sockets; false when one of them is in use. */
  async open(): Promise<boolean> {
    for (const peer of this.peers) {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
      socket.bind(peer.port, this.there(peer.address));
      try {
        await once(socket, 'listening');
      } catch {
        this.close();
        return false;
      }
      socket.on('error', () => undefined);
      socket.on('message', (data, from) => {
        const text = this.back(data.toString('latin1'));
        if (peer.name === MEDIA) {
          const answer = this.media?.answer(text);
          if (answer !== undefined) this.send(MEDIA, answer, this.back(from.address), from.port);
          return;
        }
        this.onArrival?.({
          peer,
          text,
          from: { address: this.back(from.address), port: from.port },
          at: this.now(),
        });
      });
      this.sockets.set(peer.name, socket);
    }
    return true;
  }

  begin(): void {
    this.epoch = performance.now();
  }

  now(): number {
    return performance.now() - this.epoch;
  }

  /** Sends recorded text from a peer to a recorded address. */
  send(from: string, text: string, address: string, port: number): void {
    const bytes = Buffer.from(this.there(text), 'latin1');
    this.sockets.get(from)?.send(bytes, port, this.there(address), () => undefined);
  }

  close(): void {
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }
}

function swap(text: string, from: string, to: string): string {
  return text.replaceAll(from, to).replaceAll(from.replaceAll('.', '\\.'), to.replaceAll('.', '\\.'));
}
