import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { unbounded } from '../../src/access/caller.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { FifoFraming } from '../../src/management/mi/fifo-framing.js';
import { readPacket } from '../../src/management/rpc/binrpc-decode.js';
import { PACKET, packetHeader } from '../../src/management/rpc/binrpc-encode.js';
import { JsonStream } from '../../src/management/rpc/json-stream.js';
import { RpcService } from '../../src/management/rpc/service.js';
import { MessageCutter } from '../../src/weight-feed/event-socket-framing.js';
import { readHeartbeat } from '../../src/weight-feed/heartbeat.js';
import { parseWeightMessage } from '../../src/weight-feed/weight-message.js';
import { assertLinear, type GrowthLimits } from '../support/growth.js';
import { makeMiFixture } from '../support/mi-fixture.js';
import { motifCases } from '../support/motifs.js';
import { startScript } from '../support/script-run.js';

/** Another seed generates other inputs: MOTIF_SEED=$RANDOM MOTIF_CASES=5000. */
const SEED = Number(process.env.MOTIF_SEED ?? 1);
const CASES = Number(process.env.MOTIF_CASES ?? 400);

let serial = 0;
/** Each message belongs to a new call: a known one costs less. */
const fresh = (text: string): string => text.replaceAll('serial', `s${serial++}`);

const HEAD = [
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKserial;rport',
  'Max-Forwards: 70',
  'From: "A B" <sip:alice@a.example;x=y>;tag=serial',
  'To: "B" <sip:bob@b.example>',
  'Call-ID: serial@x',
];
const ROUTED = [
  'Route: <sip:127.0.0.1:5060;lr;dt=abcdefghijklmnopqrstuvwxyz01>,<sip:192.0.2.9;lr>',
  'Record-Route: <sip:192.0.2.1;lr>',
  'Via: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKolder',
];
const MORE = [
  'Contact: "C" <sip:a@127.0.0.1:9>;q=0.5;expires=3',
  'Subject: hello world',
  'Authorization: Digest username="alice", realm="acme", nonce="a", uri="sip:x", response="1"',
  'Require: 100rel',
  'Supported: a,b',
  'P-Asserted-Identity: "X" <sip:x@y>',
  'Diversion: <sip:d@e>;reason=x',
];
const SDP =
  'v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 5 RTP/AVP 0 8\r\na=rtpmap:0 x/8\r\n';
const PARTS = `--b\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n`;

function request(method: string, uri: string, headers: readonly string[], type = '', body = ''): string {
  const lines = [`${method} ${uri} SIP/2.0`, ...HEAD, `CSeq: 1 ${method}`, ...headers];
  if (type !== '') lines.push(`Content-Type: ${type}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

const MESSAGES: readonly string[] = [
  request('INVITE', 'sip:bob@192.0.2.7', MORE, 'application/sdp', SDP),
  request('INVITE', 'sip:bob@192.0.2.7;user=phone', ROUTED, 'multipart/mixed;boundary=b', PARTS),
  request('OPTIONS', 'sip:127.0.0.1', [...ROUTED, ...MORE]),
  request('REGISTER', 'sip:b.example', [...MORE, 'Path: <sip:192.0.2.3;lr>', 'Expires: 3600']),
  request('BYE', 'tel:+123;phone-context=a', ROUTED).replace('b.example>', 'b.example>;tag=zz'),
  request('MESSAGE', 'sip:bob@192.0.2.7', MORE, 'text/plain', 'hello'),
  request('ACK', 'sip:bob@192.0.2.7', ROUTED),
  request('CANCEL', 'sip:bob@192.0.2.7', []),
  `SIP/2.0 180 Ringing\r\n${HEAD.join('\r\n')}\r\nCSeq: 1 INVITE\r\n\r\n`,
];

/** A daemon without open sockets: tests hand it messages, and sent messages are dropped. */
function closedDaemon(routing: readonly object[]): Daemon {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-motifs-'));
  const { settings } = readSettings({ listen: ['udp:127.0.0.1:5060'], partitions: [], routing }, { cwd: folder });
  rmSync(folder, { recursive: true });
  return new Daemon({ settings, log: nullLogger, drainMs: 0, unsent: () => {} });
}

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

function sweep(
  what: string,
  templates: readonly string[],
  run: (text: string) => void,
  limits: GrowthLimits & { readonly cases?: number } = {},
): void {
  const count = Math.ceil(CASES * (limits.cases ?? 1));
  assertLinear(what, motifCases(templates, count, SEED, fresh), run, limits);
}

describe('short motifs repeated anywhere cost time in proportion to their length', () => {
  test('in SIP messages that rules route', () => {
    const daemon = closedDaemon([
      { match: { $rm: 'OPTIONS', '$hdr(Subject)': '/(a|b)*c/' }, relay: 'reply', reject: { code: 480, reason: 'x' } },
      { match: { $rm: 'MESSAGE', $fU: '/^al/' }, relay: 'stateless' },
      { match: { $rU: 'bob' }, relay: 'stateful', record_route: true },
      { match: {}, relay: 'stateful' },
    ]);
    stops.push(() => daemon.stop());
    const socket = daemon.sockets.all[0];
    if (socket === undefined) throw new Error('no socket');
    const source = { socket, address: '127.0.0.1', port: 5070, flow: undefined };
    sweep('rules', MESSAGES, (text) => daemon.layer.receive(text, source));
  });

  /** Statements about a message; each scans all of it, some several times. */
  const asked = {
    opensips: {
      modules: 'textops nathelper path uri mathops options dialog diversion',
      statements: [
        'codec_delete("PCMU"); codec_delete_except_re("x|y"); codec_move_up("x"); if (codec_exists("y")) $var(a) = 1;',
        'if (nat_uac_test("diff-ip-src-via")) { fix_nated_contact(); fix_nated_sdp("rewrite-media-ip"); }',
        'if (has_body_part("text/plain")) remove_body_part("text/plain"); $var(a) = $(rb{sdp.line,a});',
        '$var(a) = $(ct.fields(uri)[*]); $var(b) = $(hdr(Subject){s.trim}{param.value,a}); $var(c) = $hdrcnt(X);',
        'if (is_present_hf("X")) remove_hf_re("^X"); list_hdr_remove_option("Supported", "a"); append_hf("Y: $fu\\r\\n");',
        '$du = "sip:192.0.2.7"; record_route(); add_path("a"); ruri_del_param("user"); $var(a) = $(ru{uri.param,a});',
        '$var(a) = $(hdr(Contact){nameaddr.uri}{uri.user}{s.escape.user}); if ($hdr(Subject) =~ "^(.*)@(.*)$") exit;',
      ],
    },
    kamailio: {
      modules: 'nathelper path sanity sdpops textopsx corex ipops',
      statements: [
        'sanity_check("17895", "7"); if (!is_uri("$fu")) $var(a) = 1;',
        'sdp_remove_codecs_by_name("PCMU,x"); sdp_keep_codecs_by_id("0,8"); sdp_with_codecs_by_name("a,b");',
        'if (sdp_get_line_startswith("$var(a)", "$hdr(Subject)")) $var(b) = 1; sdp_remove_line_by_prefix("a=", "audio");',
        'replace_all("a", "bb"); subst_body("/a+b/c/g"); replace_body_all("x", "$hdr(Subject)"); msg_apply_changes();',
        'fix_nated_contact(); fix_nated_sdp("15"); handle_ruri_alias(); add_contact_alias();',
        '$var(a) = $(hdr(Subject){s.select,1,a}); $var(b) = $(hdr(X)[*]); $var(c) = $(ct{tobody.params});',
        'remove_hf_re("^X"); if (search("a+b")) $var(a) = 1; record_route(); append_hf_value("Y", "$fu");',
      ],
    },
  } as const;
  for (const dialect of ['opensips', 'kamailio'] as const) {
    const { modules, statements } = asked[dialect];
    for (const statement of statements) {
      test(`in SIP messages, a script of ${dialect}: ${statement}`, () => {
        const runner = startScript({ dialect, modules, script: `${statement} exit;` });
        stops.push(() => runner.stop());
        // Ten operations on each message, one character at a time.
        sweep(statement, MESSAGES.slice(0, 6), (text) => runner.receive(text), { cases: 0.1, maxMs: 40, noiseMs: 8 });
      });
    }
  }

  const call = (method: string, params: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const CALLS = [
    call('ds_list', { partition: 'p2' }),
    call('ds_set_state', ['a', '5', 'sip:127.0.0.11:5060']),
    `[${call('get_statistics', [['all']])},${call('version', {})}]`,
    call('event_subscribe', ['E_DISPATCHER_STATUS', 'udp:127.0.0.1:9', 5]),
    call('ds_push_script_attrs', ['a', '127.0.0.1', 5060]),
    call('ds_add', ['p2', 5, 'sip:gw:pw@127.0.0.1', '', 0, 5, 1, 'a=b;c', 'd']),
    call('raise_event', ['E_DISPATCHER_STATUS', 'a']),
    call('log_level', { level: 'debug', call_id: 'x' }),
    call('list_blacklists', ['x']),
  ];

  for (const endpoint of ['http', 'nats', 'datagram'] as const) {
    test(`in management requests over ${endpoint}`, () => {
      const { handler } = makeMiFixture();
      const lines = [':ds_list:\n', ':ds_set_state:\na\n5\nsip:a\n', ':ds_set_state:\nstate::a\ngroup::"1"\n'];
      sweep(endpoint, endpoint === 'datagram' ? [...lines, ...CALLS] : CALLS, (text) => {
        void handler.answer(Buffer.from(text, 'latin1'), unbounded(endpoint));
      });
    });
  }

  test('in data written to the FIFOs', () => {
    const templates = [':ds_list:r\n\n', ':ds_set_state:r\na\n5\nsip:a\n\n', `:r:${CALLS[1]}\n`, CALLS[0] as string];
    sweep('FIFO', templates, (text) => {
      const bytes = Buffer.from(text, 'latin1');
      const framing = new FifoFraming();
      const stream = new JsonStream();
      for (let at = 0; at < bytes.length; at += 4096) {
        framing.push(bytes.subarray(at, at + 4096));
        stream.push(bytes.subarray(at, at + 4096));
      }
      framing.expire();
      stream.expire();
    });
  });

  test("in requests of Kamailio's RPC", () => {
    const service = new RpcService([], { served() {}, refuse() {} }, nullLogger);
    const by = { partition: undefined, caller: unbounded('ctl') };
    sweep('JSON', CALLS, (text) => void service.answerJson(text, by));
    sweep('BINRPC', ['\x21x\0', '\x41\x03abc', '\x03\x04\x21a\0\x83', '\x04\x15a\0\x11\x01\x84'], (text) => {
      const body = Buffer.from(text, 'latin1');
      const packet = readPacket(Buffer.concat([packetHeader(PACKET.request, 1, body.length), body]));
      if (packet.kind !== 'more') void service.answerPacket(packet, by);
    });
  });

  test('in weights by event socket and NATS', () => {
    const head = 'Content-Type: text/event-plain\nContent-Length: 50000\n\nEvent-Name: HEARTBEAT\nIdle-CPU: 50.0\n\n';
    sweep('event socket', [head, 'Content-Length: 5\n\n'], (text) => {
      try {
        for (const message of new MessageCutter().add(Buffer.from(text, 'latin1'))) readHeartbeat(message);
      } catch {
        // The peer is not an event socket.
      }
    });
    const weight = '{"partition":"acme","set":5,"destination":"sip:a:b@c","weight":5}';
    sweep('weights', [weight], (text) => void parseWeightMessage(text));
  });
});
