import { createSocket, type Socket } from 'node:dgram';
import { freePort } from './ports.js';

type Value = string | number | Value[] | { [key: string]: Value };
export type NgCommand = { [key: string]: Value };

/** Reads one bencoded value, independently of the product. */
function read(text: string, at: number): [Value, number] {
  const c = text[at];
  if (c === 'i') {
    const end = text.indexOf('e', at);
    return [Number(text.slice(at + 1, end)), end + 1];
  }
  if (c === 'l' || c === 'd') {
    const items: Value[] = [];
    let next = at + 1;
    while (text[next] !== 'e') {
      const [item, after] = read(text, next);
      items.push(item);
      next = after;
    }
    if (c === 'l') return [items, next + 1];
    const members: NgCommand = {};
    for (let i = 0; i < items.length; i += 2) members[String(items[i])] = items[i + 1] as Value;
    return [members, next + 1];
  }
  const colon = text.indexOf(':', at);
  const length = Number(text.slice(at, colon));
  return [text.slice(colon + 1, colon + 1 + length), colon + 1 + length];
}

/** An rtpengine over UDP that writes its own address into the SDP and keeps the commands. */
export class FakeRtpengine {
  /** Without pings. */
  readonly commands: NgCommand[] = [];
  /** Number of received datagrams without pings, retransmissions included. */
  datagrams = 0;
  /** Number of received pings, retransmissions included. */
  pings = 0;
  /** Does not answer, as if it were down. */
  silent = false;
  /** Its result instead of "ok". */
  refuses: string | undefined;
  /** Number of datagrams it drops before it answers. */
  loses = 0;
  private readonly answers = new Map<string, string>();

  private constructor(
    private readonly socket: Socket,
    readonly port: number,
    /** Address it writes into the SDP. */
    readonly media: string,
  ) {
    socket.on('message', (data, { port: from, address }) => {
      const text = data.toString('latin1');
      const space = text.indexOf(' ');
      const cookie = text.slice(0, space);
      const isPing = text.includes('7:command4:ping');
      if (isPing) this.pings++;
      else this.datagrams++;
      if (this.silent) return;
      if (this.loses > 0 && !isPing) {
        this.loses--;
        return;
      }
      let answer = this.answers.get(cookie);
      if (answer === undefined) {
        answer = this.answer(read(text, space + 1)[0] as NgCommand);
        this.answers.set(cookie, answer);
      }
      this.socket.send(Buffer.from(`${cookie} ${answer}`, 'latin1'), from, address);
    });
  }

  static async open(media: string): Promise<FakeRtpengine> {
    const port = await freePort();
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    return new FakeRtpengine(socket, port, media);
  }

  /** The names of the commands, in order. */
  get names(): string[] {
    return this.commands.map(({ command }) => String(command));
  }

  close(): void {
    this.socket.close();
  }

  private answer(command: NgCommand): string {
    if (command['command'] === 'ping') return 'd6:result4:ponge';
    this.commands.push(command);
    if (this.refuses !== undefined) return `d6:result5:error12:error-reason${this.refuses.length}:${this.refuses}e`;
    const { sdp } = command;
    if (command['command'] === 'query')
      return 'd6:result2:ok6:totalsd4:RTCPd5:bytesi336e6:errorsi0e7:packetsi3ee3:RTPd5:bytesi54846e6:errorsi0e7:packetsi1447eeee';
    if (typeof sdp !== 'string') return 'd6:result2:oke';
    const made = sdp.replace(/c=IN IP4 \S+/g, `c=IN IP4 ${this.media}`);
    return `d6:result2:ok3:sdp${made.length}:${made}e`;
  }
}
