import { createConnection } from 'node:net';
import type { Clock } from '../core/clock.js';

/** Bytes of an answer at most. */
const MOST_BYTES = 4096;

/** Commands under way at once; further ones fail. */
const MOST_WAITING = 1000;

/**
 * Commands to media proxies over Unix sockets: a connection for each, without a cookie, as nothing is lost there. The answer ends with its
 * line, or with the connection.
 */
export class StreamCommands {
  private waiting = 0;

  constructor(private readonly clock: Clock) {}

  /** The answer of a proxy, one byte a character; undefined when none came in time. Never rejects. */
  send(path: string, command: string, timeoutMs: number): Promise<string | undefined> {
    if (this.waiting >= MOST_WAITING) return Promise.resolve(undefined);
    this.waiting++;
    return new Promise((resolve) => {
      let text = '';
      let open = true;
      const socket = createConnection({ path });
      const done = (answer: string | undefined): void => {
        if (!open) return;
        open = false;
        this.waiting--;
        stop();
        socket.destroy();
        resolve(answer);
      };
      const stop = this.clock.schedule(timeoutMs, () => done(undefined));
      socket.unref();
      socket.setEncoding('latin1');
      socket.on('error', () => done(undefined));
      socket.on('close', () => done(text === '' ? undefined : text));
      socket.on('data', (part: string) => {
        text += part;
        if (text.includes('\n') || text.length > MOST_BYTES) done(text.slice(0, MOST_BYTES));
      });
      socket.write(`${command}\n`, 'latin1');
    });
  }
}
