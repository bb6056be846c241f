import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { WarmUpCalls } from './warm-up-calls.js';
import type { WarmUpPorts } from './warm-up-messages.js';

const ADDRESS = '127.0.0.1';
/** Milliseconds after which a datagram between two peers counts as held back, by a packet filter for example. */
const ARRIVAL_MS = 500;

/** The sockets of the caller and the gateways, at free ports of the loopback address. */
export class WarmUpPeers {
  private constructor(private readonly sockets: readonly [Socket, Socket, Socket]) {}

  /** Rejects when a socket cannot be opened, or when a datagram from one to another does not arrive. */
  static async open(): Promise<WarmUpPeers> {
    const sockets = [createSocket('udp4'), createSocket('udp4'), createSocket('udp4')] as const;
    try {
      for (const socket of sockets) {
        socket.bind(0, ADDRESS);
        await once(socket, 'listening');
        // An ICMP error that nobody is there is none of ours.
        socket.on('error', () => undefined);
      }
      const [from, , to] = sockets;
      const arrived = once(to, 'message', { signal: AbortSignal.timeout(ARRIVAL_MS) });
      from.send('\r\n', to.address().port, ADDRESS);
      await arrived;
      for (const socket of sockets) socket.unref();
    } catch (error) {
      for (const socket of sockets) socket.close();
      throw error;
    }
    return new WarmUpPeers([...sockets]);
  }

  /** Their ports, and that of the proxy. */
  ports(proxy: number): WarmUpPorts {
    const [caller, first, second] = this.sockets;
    return { proxy, caller: caller.address().port, gateways: [first.address().port, second.address().port] };
  }

  /** Calls `receive` with each datagram from the port `from` and the port of the peer to which it came. */
  listen(from: number, receive: (text: string, port: number) => void): void {
    for (const socket of this.sockets) {
      const { port } = socket.address();
      socket.on('message', (data, source) => {
        if (source.port === from) receive(data.toString('latin1'), port);
      });
    }
  }

  /** Sends a datagram from the peer at `port` to the port `to`. */
  send(text: string, port: number, to: number): void {
    for (const socket of this.sockets) {
      if (socket.address().port === port) socket.send(Buffer.from(text, 'latin1'), to, ADDRESS);
    }
  }

  /** Closes all. */
  close(): void {
    for (const socket of this.sockets) socket.close();
  }
}

/**
 * Calls whose messages pass through sockets at the loopback address, so that the code that reads and sends them is compiled
 * too.
 */
export class CallsOverSockets extends WarmUpCalls {
  constructor(
    private readonly peers: WarmUpPeers,
    proxy: number,
  ) {
    super(peers.ports(proxy));
    peers.listen(proxy, (text, port) => this.received(text, port));
  }

  protected deliver(): void {
    for (const { text, port } of this.next()) this.peers.send(text, port, this.ports.proxy);
  }
}
