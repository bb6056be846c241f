import { createConnection } from 'node:net';
import type { Clock } from '../core/clock.js';

/** Maximum length of an answer in bytes. */
const MAX_BYTES = 4096;

/** Maximum number of commands that wait for an answer; further ones fail at once. */
const MAX_WAITING = 1000;

/** The path of a Unix socket, or a host and port. */
export type StreamAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Sends commands to media proxies over Unix stream sockets or TCP, one connection for each command. No cookie is
 * needed, since a stream loses nothing. The answer ends with a line break or when the proxy closes the connection.
 */
export class StreamCommands {
  private waiting = 0;

  constructor(private readonly clock: Clock) {}

  /**
   * Sends a command and returns the answer, one character for each byte; undefined when no answer came in time. Never
   * rejects.
   */
  send(to: StreamAddress, command: string, timeoutMs: number): Promise<string | undefined> {
    if (this.waiting >= MAX_WAITING) return Promise.resolve(undefined);
    this.waiting++;
    return new Promise((resolve) => {
      let text = '';
      let open = true;
      const socket = createConnection(to);
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
        if (text.includes('\n') || text.length > MAX_BYTES) done(text.slice(0, MAX_BYTES));
      });
      socket.write(`${command}\n`, 'latin1');
    });
  }
}
