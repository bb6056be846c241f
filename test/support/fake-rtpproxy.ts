import { createSocket, type Socket } from 'node:dgram';
import { freePort } from './ports.js';

/** Its answers about the protocol version and the extension that is queried. */
const VERSIONS: Readonly<Record<string, string>> = { V: '20040107', VF: '1' };

/** An rtpproxy over UDP: assigns ports from 40000 on at its own address, and keeps the commands. */
export class FakeRtpproxy {
  /** Commands without their cookies and without retransmissions. */
  readonly commands: string[] = [];
  silent = false;
  /** Its answer instead of a port. */
  refuses: string | undefined;
  /** Its answer to Q. */
  packets = '60 1 2 3 4';
  private readonly seen = new Map<string, string>();
  private next = 40_000;

  private constructor(
    private readonly socket: Socket,
    readonly port: number,
    readonly media: string,
  ) {
    socket.on('message', (data, { port: from, address }) => {
      if (this.silent) return;
      const text = data.toString('latin1');
      const cookie = text.slice(0, text.indexOf(' '));
      let answer = this.seen.get(cookie);
      if (answer === undefined) {
        const command = text.slice(cookie.length + 1);
        this.commands.push(command);
        answer =
          this.refuses ??
          (command.startsWith('Q ') ? this.packets : undefined) ??
          (/^[UL]/.test(command) ? `${this.next} ${this.media}` : (VERSIONS[command.slice(0, 2).trim()] ?? '0'));
        if (/^[UL]/.test(command)) this.next += 2;
        this.seen.set(cookie, answer);
      }
      socket.send(Buffer.from(`${cookie} ${answer}\n`, 'latin1'), from, address);
    });
  }

  static async open(media: string): Promise<FakeRtpproxy> {
    const port = await freePort();
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    return new FakeRtpproxy(socket, port, media);
  }

  close(): void {
    this.socket.close();
  }
}
