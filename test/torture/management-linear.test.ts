import { describe, test } from 'node:test';
import { unbounded } from '../../src/access/caller.js';
import { nullLogger } from '../../src/core/logger.js';
import { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import type { MiHandler } from '../../src/management/mi/handler.js';
import { readPacket } from '../../src/management/rpc/binrpc-decode.js';
import { PACKET, packetHeader } from '../../src/management/rpc/binrpc-encode.js';
import { JsonStream } from '../../src/management/rpc/json-stream.js';
import { RpcService } from '../../src/management/rpc/service.js';
import { MessageCutter } from '../../src/weight-feed/event-socket-framing.js';
import { readHeartbeat } from '../../src/weight-feed/heartbeat.js';
import { parseWeightMessage } from '../../src/weight-feed/weight-message.js';
import { assertLinear, FILLERS, filled, type GrowthCase, STREAM_LENGTHS } from '../support/growth.js';
import { makeMiFixture } from '../support/mi-fixture.js';

/** Text that a client may repeat in the forms of the management interface. */
const UNITS: readonly string[] = [
  ...FILLERS,
  ' x',
  'a\n',
  ' a\n',
  '\n ',
  '\r\n',
  ':a:',
  ':a:\n',
  ':a:b\n',
  ':a:b:c:d\n',
  ':a:{',
  ':a:{"',
  '\n:a:{',
  '\n:a:{"',
  '\n:a:',
  ':a:{}',
  ':a:[]\n',
  ':: {',
  '\n{',
  '\n {',
  '\n{ "',
  '{"a":',
  '{}',
  '[]',
  '[1],',
  '"a":1,',
  'a::',
  'a::"',
  '" ',
  ' "',
  '\\u0000',
  '\x01',
];
const HERE = '\x02';

/** Each template with each unit repeated at HERE. */
function* cases(templates: readonly string[], units: readonly string[] = UNITS): Generator<GrowthCase> {
  for (const template of templates) {
    for (const unit of units) {
      yield {
        name: `${JSON.stringify(template)} with ${JSON.stringify(unit)}`,
        make: (length) => template.replace(HERE, () => filled(unit, length).slice(0, length - template.length)),
      };
    }
  }
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"ds_list","params":{"partition":"p2"}}';

/** The template with HERE at each of its token boundaries. */
function seams(text: string): string[] {
  const at = [...text.matchAll(/[\w.]+|[^\w.]/g)].map((match) => match.index + match[0].length);
  return [0, ...at].map((index) => text.slice(0, index) + HERE + text.slice(index));
}

function runTimers(handler: MiHandler): (input: string, endpoint: 'datagram' | 'http' | 'nats') => void {
  return (input, endpoint) => void handler.answer(Buffer.from(input, 'latin1'), unbounded(endpoint));
}

describe('the work for one request grows no faster than its length', () => {
  test('a FIFO with both forms, torn and incomplete', () => {
    const templates = [HERE, `:ds_list:r\n${HERE}`, `:ds_list:${HERE}`, `:${HERE}`, `:r:${HERE}`, `:r:{"a":"${HERE}`];
    const run = (input: string): void => {
      const framing = new FifoFraming();
      const bytes = Buffer.from(input, 'latin1');
      framing.push(bytes.subarray(0, bytes.length >> 1));
      framing.push(bytes.subarray(bytes.length >> 1));
      framing.expire();
    };
    assertLinear('FIFO framing', cases([...templates, ...templates.map((each) => `${each}\n\n`)]), run);
  });

  test('a request that is too long is not read again from each of its lines', () => {
    const units = ['::a\n', ':a:b\n', ' :r:{\n', ' :r:{"a":[\n', '{"a\n', '{"x', '{""\n', '{"', 'x\n', ':\n', '\n'];
    const heads = ['', ':ds_list:r\n', ':r:{"a":"', ':r:{"a":[', '{"a":"', '{"a":['];
    const made = heads.flatMap((head) =>
      units.map((unit) => ({
        name: JSON.stringify(head + unit),
        make: (length: number) => head + filled(unit, length),
      })),
    );
    // With a new scan from each line, 256 KB took 40 seconds.
    const limits = { lengths: STREAM_LENGTHS, maxMs: 150, noiseMs: 40 };
    for (const [what, framing] of [
      ['FIFO', () => new FifoFraming()],
      ['JSON FIFO', () => new JsonStream()],
    ] as const) {
      assertLinear(
        what,
        made,
        (input) => {
          const framed = framing();
          const bytes = Buffer.from(input, 'latin1');
          for (let at = 0; at < bytes.length; at += 65_536) framed.push(bytes.subarray(at, at + 65_536));
          framed.expire();
        },
        limits,
      );
    }
  });

  test("the work for a request on Kamailio's JSON FIFO is linear in its length", () => {
    const run = (input: string): void => {
      const stream = new JsonStream();
      stream.push(Buffer.from(input, 'latin1'));
      stream.expire();
    };
    assertLinear('JSON stream', cases([HERE, `{${HERE}`, `{"a":"${HERE}`, `x${HERE}`, `{}${HERE}`]), run);
  });

  test('the work for requests written to a FIFO byte by byte is linear', () => {
    const pushed =
      (make: () => { push(chunk: Uint8Array): readonly unknown[]; expire(): readonly unknown[] }) =>
      (input: string) => {
        const framing = make();
        const bytes = Buffer.from(input, 'latin1');
        for (let i = 0; i < bytes.length; i++) framing.push(bytes.subarray(i, i + 1));
        framing.expire();
      };
    const each = (heads: readonly string[]): GrowthCase[] =>
      heads.flatMap((head) =>
        ['x', '\n', 'x\n', ':', '\n:', '}', '"', '\\', '\xe9'].map((unit) => ({
          name: JSON.stringify(head + unit),
          make: (length: number) => head + unit.repeat(Math.ceil(length / unit.length)),
        })),
      );
    // Half a microsecond per byte; with a new scan for each byte it took a quarter of a second.
    const limits = { maxMs: 150, factor: 2.5, noiseMs: 5 };
    assertLinear(
      'FIFO',
      each([':r:{"a":"', ':ds_list:r\n', ':']),
      pushed(() => new FifoFraming()),
      limits,
    );
    assertLinear(
      'JSON FIFO',
      each(['{"a":"', '']),
      pushed(() => new JsonStream()),
      limits,
    );
  });

  test('the work for a datagram in the line text form is linear in its length', () => {
    const run = runTimers(makeMiFixture().handler);
    const templates = [
      HERE,
      `:${HERE}`,
      `:ds_list:${HERE}`,
      `:ds_list:\n${HERE}`,
      `:ds_set_state:\na\n5\n${HERE}`,
      `:ds_set_state:\na\n${HERE}\nsip:a`,
      `:ds_set_state:\n${HERE}x\n5\nsip:a`,
      `:ds_set_state:\nstate::"${HERE}"\n`,
      `:log_level:\n${HERE}x`,
      `:get_statistics:\n${HERE}`,
      `:event_subscribe:\nE_DISPATCHER_STATUS\nudp:${HERE}`,
      `:event_subscribe:\nE_DISPATCHER_STATUS\nnats:${HERE}`,
    ];
    assertLinear('line form', cases(templates), (input) => run(input, 'datagram'));
  });

  test('the work for a JSON-RPC request is linear in its length', () => {
    const run = runTimers(makeMiFixture().handler);
    const templates = [
      ...seams(CALL),
      `[${HERE}]`,
      `[${CALL},${HERE}]`,
      `{"jsonrpc":"2.0","id":1,"method":"ds_set_state","params":["a","5","${HERE}"]}`,
      `{"jsonrpc":"2.0","id":1,"method":"ds_set_state","params":["a","${HERE}","x"]}`,
      `{"jsonrpc":"2.0","id":1,"method":"get_statistics","params":[["${HERE}"]]}`,
      `{"jsonrpc":"2.0","id":1,"method":"get_statistics","params":[[${HERE}1]]}`,
      `{"jsonrpc":"2.0","id":1,"method":"ds_push_script_attrs","params":["a","${HERE}",5060]}`,
      `{"jsonrpc":"2.0","id":1,"method":"raise_event","params":["E_DISPATCHER_STATUS","${HERE}"]}`,
      `{"jsonrpc":"2.0","id":1,"method":"ds_add","params":["acme",5,"sip:${HERE}"]}`,
    ];
    assertLinear('JSON-RPC', cases(templates), (input) => run(input, 'http'));
  });

  test("Kamailio's RPC as JSON and as BINRPC", () => {
    const service = new RpcService([], { served() {}, refuse() {} }, nullLogger);
    const call = { partition: undefined, caller: unbounded('ctl') };
    assertLinear('JSON', cases(seams('{"jsonrpc":"2.0","id":1,"method":"x","params":["a",1]}')), (input) => {
      void service.answerJson(input, call);
    });
    const records = [
      '\x00',
      '\x03',
      '\x04',
      '\x04\x84',
      '\x03\x05\x00',
      '\x83',
      '\x01',
      '\x10\x01',
      '\x90',
      '\xf1\xff',
    ];
    assertLinear('BINRPC', cases([HERE, `\x21x\x00${HERE}`], [...FILLERS, ...records]), (input) => {
      const body = Buffer.from(input, 'latin1');
      const packet = readPacket(Buffer.concat([packetHeader(PACKET.request, 1, body.length), body]));
      if (packet.kind !== 'more') void service.answerPacket(packet, call);
    });
  });

  test("FreeSWITCH's event socket and weights over NATS", () => {
    const run = (input: string): void => {
      const cutter = new MessageCutter();
      try {
        for (const message of cutter.add(Buffer.from(input, 'latin1'))) readHeartbeat(message);
      } catch {
        // The peer is not an event socket.
      }
    };
    const head = 'Content-Type: text/event-plain\nContent-Length: 60000\n\n';
    const templates = [HERE, `Content-Type: ${HERE}\n\n`, `${head}${HERE}`, `${head}Idle-CPU: ${HERE}\n\n`];
    assertLinear('event socket', cases(templates), run);
    const weights = '{"partition":"acme","set":5,"destination":"sip:a","weight":5}';
    assertLinear('weights', cases(seams(weights)), (input) => void parseWeightMessage(input));
  });
});
