import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseMessage } from '../../src/sip/parse-message.js';
import { type DaemonInProcess, startDaemonHere } from '../support/daemon-in-process.js';
import { parsed, replyTo, requestText } from '../support/sip-recorder.js';
import { CASES, type Verdict } from './verdicts.js';

const DATA = fileURLToPath(new URL('./data/', import.meta.url));

/** The message in a file in the form it is sent. */
function read(file: string): string {
  const text = readFileSync(`${DATA}${file}`, 'latin1');
  return file.endsWith('.rfc5118') ? text.replace(/\n/g, '\r\n') : text;
}

/** Replies are sent to the port in Via, most often 5060: an address of this test where that port is free. */
const SENDER = '127.0.0.31';

describe('torture messages over UDP', () => {
  let gateway: Socket;
  let sender: Socket;
  /** Replies to requests whose Via names another port. */
  const others: Socket[] = [];
  let under: DaemonInProcess;
  const forwarded: string[] = [];
  const answers: string[] = [];

  async function bind(address: string, port: number, onMessage: (text: string) => void): Promise<Socket> {
    const socket = createSocket('udp4');
    socket.on('message', (data) => onMessage(data.toString('latin1')));
    socket.bind(port, address);
    await once(socket, 'listening');
    return socket;
  }

  before(async () => {
    gateway = await bind('127.0.0.1', 0, (text) => {
      if (!text.startsWith('ACK')) forwarded.push(text);
      const status = text.includes('torture-marker') ? 200 : 486;
      if (!text.startsWith('ACK')) gateway.send(Buffer.from(replyTo(text, status), 'latin1'), under.port, '127.0.0.1');
    });
    sender = await bind(SENDER, 5060, (text) => answers.push(text));
    for (const port of [5050, 6050, 19823]) others.push(await bind(SENDER, port, (text) => answers.push(text)));
    under = await startDaemonHere([[1, `sip:127.0.0.1:${gateway.address().port}`]], {
      // Transactions end at once: many messages have the same branch.
      tm: { t1: 1, t2: 2, t4: 2, fr_timeout: 2 },
      routing: [{ match: {}, select: { set: 1, alg: 0 }, relay: 'stateful' }],
    });
  });

  after(async () => {
    await under.stop();
    for (const socket of [gateway, sender, ...others]) socket.close();
  });

  async function until(what: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !what(); i++) await sleep(10);
    assert.ok(what(), 'not within 5 s');
  }

  /** Sends a message and then one that is certainly answered: whatever has not happened by then will not happen. */
  async function verdictOf(text: string): Promise<Verdict> {
    forwarded.length = 0;
    answers.length = 0;
    const marker = requestText({
      method: 'OPTIONS',
      via: `SIP/2.0/UDP ${SENDER};branch=z9hG4bKtorture-marker`,
      callId: 'torture-marker',
    });
    for (const each of [text, marker]) sender.send(Buffer.from(each, 'latin1'), under.port, '127.0.0.1');
    await until(() => answers.some((each) => each.includes('torture-marker') && each.startsWith('SIP/2.0 200')));
    await until(() => under.daemon.layer.serverCount === 0);
    const passed = forwarded.filter((each) => !each.includes('torture-marker'));
    const codes = answers.filter((each) => !each.includes('torture-marker')).map((each) => parsed(each).status);
    if (passed.length > 0) {
      assert.ok(codes.includes(486), `the gateway's answer came back: ${codes}`);
      return 'forwarded';
    }
    return codes.find((code) => code >= 200) ?? 'dropped';
  }

  for (const { file, verdict, reason } of CASES) {
    test(`${file}: ${verdict} (${reason})`, async () => {
      const text = read(file);
      assert.equal(await verdictOf(text), verdict);
      assert.deepEqual(under.errors, []);
      if (verdict !== 'forwarded') return;
      // Except for Via, Max-Forwards and bytes beyond Content-Length the message is unchanged.
      const message = parsed(text);
      const out = parsed(forwarded.find((each) => !each.includes('torture-marker')) ?? '');
      assert.deepEqual([out.defect, out.method, out.requestUri], [undefined, message.method, message.requestUri]);
      assert.equal(out.body, message.body);
      const rest = (each: typeof out) =>
        [...each.fields()]
          .map((field) => each.text.slice(field.line, field.end))
          .filter((line) => !/^(?:via|v|max-forwards)[ \t]*:/i.test(line));
      assert.deepEqual(rest(out), rest(message));
      assert.equal(out.headerCount('via'), message.headerCount('via') + 1);
    });
  }

  test('every torture message has an expected verdict', () => {
    const files = readdirSync(DATA).filter((name) => !name.endsWith('.md'));
    assert.deepEqual(files.sort(), CASES.map((each) => each.file).sort());
  });
});

test('the valid replies of RFC 4475 are accepted, the malformed ones dropped', () => {
  for (const [file, status, defect] of [
    ['unreason', 200, undefined],
    ['noreason', 100, undefined],
    ['bcast', 200, undefined],
    ['scalarlg', 503, 'malformed CSeq header'],
    ['bigcode', undefined, undefined],
  ] as const) {
    const message = parseMessage(read(`${file}.dat`));
    assert.deepEqual([message?.status, message?.defect], [status, defect], file);
  }
});
