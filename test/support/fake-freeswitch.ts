import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** How a fake server deviates from a correct one. */
export interface FakeFreeswitchOptions {
  readonly password?: string;
  readonly user?: string;
  /** Sent instead of the authentication request. */
  readonly greeting?: string | Buffer;
  readonly form?: 'plain' | 'json';
}

/** A FreeSWITCH event socket as documented, which counts what it is asked. */
export class FakeFreeswitch {
  /** Commands of all connections in order. */
  readonly commands: string[] = [];
  /** Number of accepted connections. */
  accepted = 0;
  private readonly subscribers = new Set<Socket>();
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  port = 0;

  constructor(private readonly options: FakeFreeswitchOptions = {}) {}

  /** Listens on a free port of 127.0.0.1; on the same port when it was open before. */
  async open(): Promise<this> {
    const server = createServer((socket) => this.serve(socket));
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const { server } = this;
    this.server = undefined;
    if (server?.listening) await new Promise((resolve) => server.close(resolve));
  }

  get url(): string {
    const { user = '', password = 'ClueCon' } = this.options;
    return `fs://${user}:${password}@127.0.0.1:${this.port}`;
  }

  /** Number of connections that receive heartbeats. */
  get listeners(): number {
    return this.subscribers.size;
  }

  heartbeat(sessions: number, maxSessions: number, idleCpu: number): void {
    const fields = {
      'Event-Name': 'HEARTBEAT',
      'Core-UUID': '0c3a24a6-6b1e-4d0f-8c39-1c1f7b4b1c0e',
      'Up-Time': '0 years, 0 days, 1 hour',
      'Event-Info': 'System%20Ready',
      'Session-Count': String(sessions),
      'Max-Sessions': String(maxSessions),
      'Idle-CPU': idleCpu.toFixed(6),
    };
    const json = this.options.form === 'json';
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
    const body = json ? JSON.stringify(fields) : `${lines.join('')}\n`;
    this.raw(`Content-Length: ${body.length}\nContent-Type: text/event-${json ? 'json' : 'plain'}\n\n${body}`);
  }

  /** Sends bytes to all connections that receive heartbeats. */
  raw(bytes: string | Buffer): void {
    for (const socket of this.subscribers) socket.write(bytes);
  }

  private serve(socket: Socket): void {
    const { user = '', password = 'ClueCon', greeting = 'Content-Type: auth/request\n\n' } = this.options;
    const login = user === '' ? `auth ${password}` : `userauth ${user}:${password}`;
    let text = '';
    let known = false;
    const reply = (answer: string) => socket.write(`Content-Type: command/reply\nReply-Text: ${answer}\n\n`);
    this.accepted++;
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.subscribers.delete(socket);
    });
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const command = text.slice(0, end);
        text = text.slice(end + 2);
        this.commands.push(command);
        if (command === login) {
          known = true;
          reply('+OK accepted');
        } else if (known && /^event (plain|json) HEARTBEAT$/.test(command)) {
          reply('+OK event listener enabled plain');
          this.subscribers.add(socket);
        } else if (known) reply('-ERR command not found');
        else {
          reply('-ERR invalid');
          socket.end('Content-Type: text/disconnect-notice\nContent-Length: 0\n\n');
        }
      }
    });
    socket.write(greeting);
  }
}
