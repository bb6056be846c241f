import { connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import type { Receiver, Source, TransportError } from '../../src/sip/transport/transport.js';
import { Child } from './child-process.js';
import { until } from './until.js';

/** Records messages and events from a socket. */
export class RecordingReceiver implements Receiver {
  readonly messages: { readonly text: string; readonly source: Source }[] = [];
  readonly dropped: string[] = [];
  /** Called for each message after it is recorded. */
  onMessage: (text: string, source: Source) => void = () => {};

  receive(text: string, source: Source): void {
    this.messages.push({ text, source });
    this.onMessage(text, source);
  }

  garbage(reason: string): void {
    this.dropped.push(reason);
  }

  refused(_head: string, code: number, reason: string): void {
    this.dropped.push(`${code} ${reason}`);
  }

  undelivered(): void {}

  connectionBroken(): void {}

  async message(index = 0): Promise<{ readonly text: string; readonly source: Source }> {
    await until(`message ${index + 1}`, () => this.messages.length > index);
    return this.messages[index] as (typeof this.messages)[0];
  }
}

/** Collects the errors of a sender. */
export function failures(): { readonly list: TransportError[]; readonly onError: (error: TransportError) => void } {
  const list: TransportError[] = [];
  return { list, onError: (error) => list.push(error) };
}

/** The peer of a TCP or TLS connection, at the level of bytes. */
export class StreamPeer {
  received = '';
  closed = false;
  error: Error | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (data: Buffer) => {
      this.received += data.toString('latin1');
    });
    socket.on('error', (error) => {
      this.error = error;
      // An alert from the other side does not always close a TLS socket.
      socket.destroy();
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<StreamPeer> {
    const peer = new StreamPeer(connect({ port, host }));
    await until('connect', () => !peer.socket.connecting);
    return peer;
  }

  /** A TLS connection; resolves when the handshake has succeeded or failed. */
  static async connectTls(port: number, options: ConnectionOptions): Promise<StreamPeer> {
    let done = false;
    const socket = tlsConnect({ port, host: '127.0.0.1', ...options }, () => {
      done = true;
    });
    const peer = new StreamPeer(socket);
    await until('TLS handshake', () => done || peer.closed || peer.error !== undefined);
    return peer;
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until the received data matches, and removes the match. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await until(
      `${pattern} in "${this.received.slice(0, 200)}"`,
      () => (match = pattern.exec(this.received)) !== null || this.closed,
    );
    if (match === null) throw new Error(`closed without ${pattern}: "${this.received.slice(0, 200)}"`);
    const found: RegExpExecArray = match;
    this.received = this.received.slice(found.index + found[0].length);
    return found;
  }

  async gone(): Promise<void> {
    await until('the end of the connection', () => this.closed);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** A TCP server that keeps its connections; with `port` 0 on a free port. */
export class StreamListener {
  readonly peers: StreamPeer[] = [];
  private constructor(readonly server: Server) {
    server.on('connection', (socket) => this.peers.push(new StreamPeer(socket)));
  }

  static async open(port = 0, host = '127.0.0.1'): Promise<StreamListener> {
    const listener = new StreamListener(createServer());
    await new Promise<void>((resolve, reject) => {
      listener.server.once('error', reject);
      listener.server.listen(port, host, resolve);
    });
    return listener;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async peer(index = 0): Promise<StreamPeer> {
    await until(`connection ${index + 1}`, () => this.peers.length > index);
    return this.peers[index] as StreamPeer;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/**
 * A port that never answers: its process sleeps and its backlog is full, so that the system drops further attempts,
 * like a machine that is switched off.
 */
export class StuckListener {
  private constructor(
    readonly port: number,
    private readonly child: Child,
    private readonly fillers: readonly Socket[],
  ) {}

  static async open(): Promise<StuckListener> {
    const script = `const s = require('node:net').createServer();
      s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        require('node:fs').writeSync(1, 'port ' + s.address().port + '\\n');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);
      });`;
    const child = new Child(process.execPath, ['-e', script]);
    await child.until(() => /port \d+/.test(child.stdout), 10_000, 'a listener that sleeps');
    const port = Number(/port (\d+)/.exec(child.stdout)?.[1]);
    const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    await until('a full queue', () => fillers.filter((each) => !each.connecting).length >= 2);
    return new StuckListener(port, child, fillers);
  }

  async close(): Promise<void> {
    for (const filler of this.fillers) filler.destroy();
    await this.child.stop('SIGKILL');
  }
}
