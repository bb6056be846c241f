import { type ClientOptions, WebSocket } from 'ws';
import { until } from './until.js';

/** A SIP WebSocket client with configurable options, otherwise like a browser. */
export class WsPeer {
  readonly messages: string[] = [];
  readonly binary: boolean[] = [];
  closeCode = 0;
  /** HTTP status of a rejected upgrade. */
  refusal = 0;
  closed = false;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, binary) => {
      this.messages.push((data as Buffer).toString('latin1'));
      this.binary.push(binary);
    });
    socket.on('unexpected-response', (_request, response) => {
      this.refusal = response.statusCode ?? 0;
      response.resume();
      socket.terminate();
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.closed = true;
      this.closeCode = code;
    });
  }

  /** Resolves when the connection is open or was rejected. */
  static async connect(
    url: string,
    protocols: string | string[] = 'sip',
    options: ClientOptions = {},
  ): Promise<WsPeer> {
    const peer = new WsPeer(new WebSocket(url, protocols, options));
    await until('the upgrade', () => peer.socket.readyState === WebSocket.OPEN || peer.closed);
    return peer;
  }

  write(text: string): void {
    this.socket.send(Buffer.from(text, 'latin1'), { binary: false });
  }

  /** The next message that matches; earlier ones are removed as well. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    let at = -1;
    await until(
      `${pattern} in a WebSocket message`,
      () => (at = this.messages.findIndex((each) => pattern.test(each))) >= 0 || this.closed,
    );
    const text = this.messages.splice(0, at + 1).at(-1);
    const match = text === undefined ? null : pattern.exec(text);
    if (match === null) throw new Error(`closed (${this.closeCode}) without ${pattern}`);
    return match;
  }

  async gone(): Promise<void> {
    await until('the end of the WebSocket', () => this.closed);
  }
}
