import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.js';
import type { Random } from '../core/random.js';

/** Where a media proxy listens for commands. */
export interface ControlAddress {
  /** Host name or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
}

/** How long and how often a command is sent. */
export interface ControlTiming {
  /** Milliseconds one try waits. */
  readonly timeoutMs: number;
  /** Times it is sent again. */
  readonly retries: number;
}

interface Waiting {
  readonly done: (answer: string | undefined) => void;
  stop: () => void;
}

/** Commands under way at once; further ones fail. */
const MOST_WAITING = 10_000;

/**
 * Commands to media proxies over UDP: "cookie text" there and back. A command that is sent again keeps its cookie, so that the proxy
 * answers it from its memory.
 */
export class DatagramCommands {
  private readonly sockets = new Map<'udp4' | 'udp6', Socket>();
  private readonly waiting = new Map<string, Waiting>();
  private number = 0;
  private readonly prefix: string;

  constructor(
    private readonly clock: Clock,
    random: Random,
  ) {
    this.prefix = random.token(6);
  }

  /** The answer of a proxy, one byte a character; undefined when none came in time. Never rejects. */
  send(to: ControlAddress, command: string, { timeoutMs, retries }: ControlTiming): Promise<string | undefined> {
    if (this.waiting.size >= MOST_WAITING) return Promise.resolve(undefined);
    const cookie = `${this.prefix}_${++this.number}`;
    const datagram = Buffer.from(`${cookie} ${command}`, 'latin1');
    return new Promise((resolve) => {
      const waiting: Waiting = {
        done: (answer) => {
          waiting.stop();
          this.waiting.delete(cookie);
          resolve(answer);
        },
        stop: () => undefined,
      };
      this.waiting.set(cookie, waiting);
      let left = retries;
      const attempt = (): void => {
        waiting.stop = this.clock.schedule(timeoutMs, () => {
          if (left-- > 0) attempt();
          else waiting.done(undefined);
        });
        this.transmit(to, datagram);
      };
      attempt();
    });
  }

  /** Closes the sockets; commands under way end without an answer. */
  close(): void {
    for (const each of this.sockets.values()) each.close();
    this.sockets.clear();
    for (const each of [...this.waiting.values()]) each.done(undefined);
  }

  private transmit({ host, port }: ControlAddress, datagram: Buffer): void {
    // What cannot be sent is not answered: the timer looks after that.
    this.socket(isIPv6(host) ? 'udp6' : 'udp4').send(datagram, port, host, () => undefined);
  }

  private socket(kind: 'udp4' | 'udp6'): Socket {
    let socket = this.sockets.get(kind);
    if (socket === undefined) {
      socket = createSocket(kind);
      socket.on('error', () => undefined);
      socket.on('message', (data) => this.receive(data.toString('latin1')));
      socket.unref();
      this.sockets.set(kind, socket);
    }
    return socket;
  }

  private receive(text: string): void {
    const space = text.indexOf(' ');
    if (space < 0 || space > 64) return;
    this.waiting.get(text.slice(0, space))?.done(text.slice(space + 1));
  }
}
