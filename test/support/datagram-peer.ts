import { createSocket, type Socket } from 'node:dgram';
import { until } from './until.js';

/** A UDP port that keeps received datagrams. */
export class DatagramPeer {
  readonly received: { readonly text: string; readonly address: string; readonly port: number }[] = [];
  /** Called for each datagram after it is stored. */
  onMessage: (text: string, from: { readonly address: string; readonly port: number }) => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => {});
    socket.on('message', (data, { address, port }) => {
      const text = data.toString('latin1');
      this.received.push({ text, address, port });
      this.onMessage(text, { address, port });
    });
  }

  static async open(host = '127.0.0.1', port = 0): Promise<DatagramPeer> {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, resolve);
    });
    return new DatagramPeer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(text: string, port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(Buffer.from(text, 'latin1'), port, host, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The first datagram that matches. */
  async expect(pattern: RegExp): Promise<{ readonly text: string; readonly address: string; readonly port: number }> {
    const found = () => this.received.find(({ text }) => pattern.test(text));
    await until(`${pattern} in a datagram`, () => found() !== undefined);
    return found() as { text: string; address: string; port: number };
  }

  close(): void {
    this.socket.close();
  }
}
