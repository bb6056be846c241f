import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.js';
import type { Random } from '../core/random.js';

/** Address on which a media proxy receives commands. */
export interface ControlAddress {
  /** Host name or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Timeout and retransmissions of a command. */
export interface ControlTiming {
  /** Milliseconds to wait for the answer to each transmission. */
  readonly timeoutMs: number;
  /** How many times an unanswered command is sent again. */
  readonly retries: number;
}

interface Waiting {
  readonly done: (answer: string | undefined) => void;
  stop: () => void;
}

/** Maximum number of commands that wait for an answer; further ones fail at once. */
const MAX_WAITING = 10_000;

/**
 * Sends commands to media proxies over UDP. A datagram is "cookie text", and the answer repeats the cookie. A
 * retransmitted command keeps its cookie, so that the proxy recognizes it and sends the stored answer again.
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

  /**
   * Sends a command and returns the answer, one character for each byte; undefined when no answer came in time. Never
   * rejects.
   */
  send(to: ControlAddress, command: string, { timeoutMs, retries }: ControlTiming): Promise<string | undefined> {
    if (this.waiting.size >= MAX_WAITING) return Promise.resolve(undefined);
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

  /** Closes the sockets; pending commands end without an answer. */
  close(): void {
    for (const each of this.sockets.values()) each.close();
    this.sockets.clear();
    for (const each of [...this.waiting.values()]) each.done(undefined);
  }

  private transmit({ host, port }: ControlAddress, datagram: Buffer): void {
    // A send error is ignored: the command then ends by its timeout.
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
