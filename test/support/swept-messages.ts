import { AssertionError } from 'node:assert/strict';
import type { DialectName } from '../../src/cfg/function-table.js';
import { type FunctionCall, type SweptFile, type SweptRoute, startSweep } from './function-calls.js';
import { assertLinear, FILLERS, flat, type GrowthCase } from './growth.js';

/** Milliseconds from which on a call is measured again, and compared with shorter messages. */
const SUSPECT_MS = 5;
/** Maximum number of reported faults of one sweep. */
const MAX_FAULTS = 12;
/** Messages that one runner keeps in its transactions. */
const MAX_MESSAGES = 2000;

/** Texts that are repeated to make a message long. */
const UNITS = [
  ...FILLERS,
  'a=b;',
  'sip:a@b,',
  '<sip:a@b>,',
  '"a" <sip:b>;q=1,',
  'z9hG4bK',
  'UDP',
  '1+',
  '{"a":',
  '[1,',
  'x,',
  '--b\r\n',
  'dt=',
  'm=audio 1 RTP/AVP 0\r\n',
  'a=rtpmap:0 x\r\n',
  'a=x\r\n',
  'v=0\r\n',
];
const SDP =
  'v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 5 RTP/AVP 0 8\r\na=rtpmap:0 x/8\r\n';
const PARTS = (text: string): string =>
  `--b\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--b--\r\n`;

/** Changes the lines of a message, and its body, by a long text. */
type Change = (lines: string[], text: string, body: string) => string;

/** A long text without line breaks that would end a header field. */
const folded = (text: string): string => text.replace(/\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n/g, 'x');
const put =
  (name: string, value: (text: string) => string): Change =>
  (lines, text, body) => {
    const at = lines.findIndex((line) => line.startsWith(`${name}:`));
    lines.splice(at, 1, `${name}: ${value(folded(text))}`);
    return body;
  };
const CHANGES: readonly Change[] = [
  // Twice, so that it is chosen more often.
  put('Subject', (text) => text),
  put('Subject', (text) => text),
  put('From', (text) => `"A" <sip:alice@a.example>;x=${text};tag=ft`),
  put('To', (text) => `"${text.replaceAll('"', '')}" <sip:bob@b.example>`),
  put('Contact', (text) => `<sip:a@b>,${text}`),
  put('Authorization', (text) => `Digest username="alice", ${text}, realm="acme"`),
  put('Supported', (text) => text),
  (_lines, text, body) => body + text,
  (lines, text, body) => {
    put('Subject', (all) => all.slice(0, text.length / 2))(lines, text, body);
    return body + text.slice(0, text.length / 2);
  },
  (lines, text) => {
    put('Content-Type', () => 'multipart/mixed;boundary=b')(lines, '', '');
    return PARTS(text);
  },
  (lines, text, body) => {
    lines.push(...Array.from({ length: 480 }, (_, i) => `X${i % 3}: ${folded(text.slice(0, 100))}`));
    return body;
  },
  (lines, text, body) => {
    lines.push(`Via: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKold;x=${folded(text)}`);
    return body;
  },
];

let serial = 0;

/** Header lines of a new call; `call` is the number of the call of a function. */
function linesFor(call: string, number: number): string[] {
  return [
    `X-F: ${call}`,
    'Max-Forwards: 70',
    'From: "A B" <sip:alice@a.example;x=y>;tag=ft',
    'To: "B" <sip:bob@b.example>',
    `Call-ID: c${number}@x`,
    'CSeq: 1 INVITE',
    'Contact: "C" <sip:a@127.0.0.1:9>;q=0.5;expires=3',
    'Subject: hello',
    'Authorization: Digest username="alice", realm="acme", nonce="a", uri="sip:x", response="1"',
    'Supported: a,b',
    'Diversion: <sip:d@e>;reason=x',
    'Content-Type: application/sdp',
  ];
}

function written(start: string, lines: readonly string[], body: string): string {
  return `${start}\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Sends messages to a file of `startSweep`; each is of a new call of a new source. */
export class SweptSender {
  private file: SweptFile;
  private count = 0;

  /** `calls`: what the messages can run; default: the calls of every function. */
  constructor(
    private readonly dialect: DialectName,
    private readonly kind: SweptRoute,
    calls?: readonly FunctionCall[],
  ) {
    this.file = startSweep(dialect, kind, calls);
  }

  /** What can be loaded. */
  get calls(): readonly FunctionCall[] {
    return this.file.calls;
  }

  /** What could not be loaded, with the reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.file.refused;
  }

  /**
   * Runs every call once with a long message and measures those that take above `SUSPECT_MS` (assertLinear). `pick`
   * chooses what is changed in the message and the text that is repeated. Returns what is too slow, with the figures.
   */
  async sweep(pick: <T>(list: readonly T[]) => T): Promise<string[]> {
    const slow: string[] = [];
    const change = pick(CHANGES);
    const unit = pick(UNITS);
    for (const [i, { statement }] of this.calls.entries()) {
      await this.renew();
      const each: GrowthCase = {
        name: `change ${CHANGES.indexOf(change)}, ${JSON.stringify(unit)}`,
        make: (length) => this.message(i, change, unit.repeat(Math.max(1, Math.floor((length - 2000) / unit.length)))),
      };
      const text = flat(each.make(62_000));
      const began = performance.now();
      this.send(text);
      if (performance.now() - began < SUSPECT_MS) continue;
      try {
        assertLinear(statement, [each], (message) => this.send(message), {
          lengths: [8192, 16_384, 32_768, 62_000],
          noiseMs: 3,
        });
      } catch (error) {
        if (!(error instanceof AssertionError)) throw error;
        slow.push(`${statement} ${String(error.actual)}`);
        if (slow.length >= MAX_FAULTS) break;
      }
    }
    return slow;
  }

  /** A message that makes the file call a function; a reply in reply routes. */
  private message(call: number, change: Change, text: string): string {
    const lines = linesFor(String(call), serial++);
    const body = change(lines, text, SDP);
    if (this.kind === 'onreply') return written('SIP/2.0 183 Progress', lines, body);
    const via = `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKm${serial};rport`;
    return written('INVITE sip:bob@192.0.2.7 SIP/2.0', [via, ...lines], body);
  }

  /** Hands a message to the file, so that the function runs. */
  private send(text: string): void {
    const { runner } = this.file;
    this.count++;
    const source = `127.${(serial >> 16) & 255}.${(serial >> 8) & 255}.${serial & 255}`;
    runner.sent.length = 0;
    if (this.kind === 'request' || this.kind === 'branch') {
      runner.receive(text, 5070, source);
      return;
    }
    const via = `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKn${serial++}`;
    const small = (): string => {
      const number = /^Call-ID: c(\d+)@x\r?$/m.exec(text)?.[1] ?? '0';
      const call = /^X-F: (\w+)\r?$/m.exec(text)?.[1] ?? '';
      return written('INVITE sip:bob@192.0.2.7 SIP/2.0', [via, ...linesFor(call, Number(number))], '');
    };
    runner.receive(this.kind === 'failure' ? text : small(), 5070, source);
    const sent = runner.sent.find((each) => each.text.startsWith('INVITE'))?.text;
    if (sent === undefined) throw new Error('the request was not relayed');
    const vias = sent.slice(0, sent.indexOf('\r\n\r\n')).match(/^Via: .*$/gm) ?? [];
    const start = text.indexOf('\r\n') + 2;
    const reply =
      this.kind === 'onreply'
        ? `SIP/2.0 183 Progress\r\n${vias.join('\r\n')}\r\n${text.slice(start)}`
        : sent.replace(/^.*\r\n/, 'SIP/2.0 486 Busy Here\r\n');
    runner.receive(reply, 5071);
  }

  /** Begins again before its transactions fill the memory. */
  private async renew(): Promise<void> {
    if (this.count < MAX_MESSAGES) return;
    await this.stop();
    this.file = startSweep(this.dialect, this.kind, this.file.calls);
    this.count = 0;
  }

  stop(): Promise<void> {
    return this.file.runner.stop();
  }
}
