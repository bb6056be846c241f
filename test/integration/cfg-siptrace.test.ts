import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { decodeHep } from '../support/hep-decoder.js';
import { answerTo } from '../support/script-run.js';
import { until } from '../support/until.js';

interface Case {
  readonly title: string;
  /** Default: kamailio. */
  readonly dialect?: 'opensips';
  readonly parameters?: string;
  /** At the beginning of the request route. */
  readonly route: string;
  readonly more?: string;
  /** "from>to title" of each packet by step: OPTIONS, INVITE with its reply, ACK, BYE. */
  readonly packets: readonly (readonly string[])[];
}

const ALL_OF_INVITE = ['caller>us INVITE', 'us>caller 100', 'us>gw INVITE', 'gw>us 200', 'us>caller 200'];

// The packets that Kamailio 5.6.3 sent for the same files and messages.
const CASES: readonly Case[] = [
  {
    title: 'every message with trace_mode 1',
    parameters: 'modparam("siptrace", "trace_mode", 1)',
    route: '',
    packets: [
      ['caller>us OPTIONS', 'us>caller 200'],
      ALL_OF_INVITE,
      ['caller>us ACK', 'us>gw ACK'],
      ['caller>us BYE', 'us>caller 481'],
    ],
  },
  {
    title: 'the message at hand by sip_trace()',
    route: 'sip_trace(); if (is_method("INVITE")) t_on_reply("R");',
    more: 'onreply_route[R] { sip_trace(); }',
    packets: [['caller>us OPTIONS'], ['caller>us INVITE', 'gw>us 200'], ['caller>us ACK'], ['caller>us BYE']],
  },
  {
    title: 'the transaction by sip_trace() with the flag of trace_flag',
    parameters: 'modparam("siptrace", "trace_flag", 22)',
    route: 'setflag(22); sip_trace();',
    packets: [
      ['caller>us OPTIONS', 'us>caller 200'],
      ALL_OF_INVITE,
      ['caller>us ACK'],
      ['caller>us BYE', 'us>caller 481'],
    ],
  },
  {
    title: 'the transaction by a mode, to a server that is named',
    route: 'if (is_method("INVITE")) sip_trace("sip:127.0.0.1:HOMER", "corr-$ci", "t");',
    packets: [[], ALL_OF_INVITE, [], []],
  },
  {
    title: 'nothing by the flag alone',
    parameters: 'modparam("siptrace", "trace_flag", 22)',
    route: 'setflag(22);',
    packets: [[], [], [], []],
  },
  {
    title: 'lines of a log by hlog()',
    route: 'if (is_method("BYE")) { hlog("hello $ci"); hlog("corr", "two"); }',
    packets: [[], [], [], ['log hello c1 c1', 'log two corr']],
  },
];

// As the documents of OpenSIPS' tracer and proto_hep say.
const OF_OPENSIPS: readonly Case[] = [
  {
    title: 'the message at hand by trace() with scope m',
    dialect: 'opensips',
    route: '$var(id) = "tid"; trace($var(id), "m", "sip|xlog", "user");',
    packets: [['caller>us OPTIONS'], ['caller>us INVITE'], ['caller>us ACK'], ['caller>us BYE']],
  },
  {
    title: 'the transaction by trace() without scope',
    dialect: 'opensips',
    route: 'if (!is_method("ACK")) trace("tid");',
    packets: [['caller>us OPTIONS', 'us>caller 200'], ALL_OF_INVITE, [], ['caller>us BYE', 'us>caller 481']],
  },
  {
    title: 'the dialog by trace() with scope d',
    dialect: 'opensips',
    route: 'if (is_method("INVITE")) trace("tid", "d");',
    packets: [[], ALL_OF_INVITE, ['caller>us ACK', 'us>gw ACK'], ['caller>us BYE', 'us>caller 481']],
  },
  {
    title: 'nothing of an unknown trace id, or where the types leave out SIP',
    dialect: 'opensips',
    route: 'trace("other"); trace("tid", "t", "xlog|rest");',
    packets: [[], [], [], []],
  },
  {
    title: 'nothing of a trace id that names another server',
    dialect: 'opensips',
    parameters: 'modparam("tracer", "trace_id", "[elsewhere]uri=hep:127.0.0.1:9;transport=udp")',
    route: 'trace("elsewhere");',
    packets: [[], [], [], []],
  },
  {
    title: 'nothing with trace_on 0',
    dialect: 'opensips',
    parameters: 'modparam("tracer", "trace_on", 0)',
    route: 'trace("tid");',
    packets: [[], [], [], []],
  },
];

/** The beginning of a file up to its request route. */
function headOf(dialect: 'opensips' | 'kamailio', homer: number): string {
  const load = (names: string) =>
    names
      .split(' ')
      .map((name) => `loadmodule "${name}.so"`)
      .join('\n');
  return dialect === 'opensips'
    ? `#!OPENSIPS
socket=LISTEN
${load('proto_udp tm sl rr sipmsgops proto_hep tracer')}
modparam("proto_hep", "hep_id", "[hid] 127.0.0.1:${homer}; transport=udp; version=3")
modparam("proto_hep", "hep_capture_id", 241)
modparam("tracer", "trace_id", "[tid]uri=hep:hid")`
    : `#!KAMAILIO
listen=LISTEN
${load('kex tm sl rr pv xlog textops siputils siptrace')}
modparam("siptrace", "duplicate_uri", "sip:127.0.0.1:${homer}")
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", 3)
modparam("siptrace", "hep_capture_id", 241)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)`;
}

for (const { title, dialect = 'kamailio', parameters = '', route, more = '', packets } of [...CASES, ...OF_OPENSIPS]) {
  test(`the capture server gets ${title}`, async (t) => {
    const [homer, gateway, caller] = await Promise.all([DatagramPeer.open(), DatagramPeer.open(), DatagramPeer.open()]);
    for (const each of [homer, gateway, caller]) t.after(() => each.close());
    const reply = (status: number, reason: string): string =>
      `sl_send_reply(${dialect === 'opensips' ? status : `"${status}"`}, "${reason}");`;
    const daemon = await startCfgDaemon({
      text: `${headOf(dialect, homer.port)}
${parameters}
${dialect === 'opensips' ? '' : 'request_'}route {
  ${route.replace('HOMER', String(homer.port))}
  if (is_method("OPTIONS")) { ${reply(200, 'OK')} exit; }
  if (is_method("BYE")) { ${reply(481, 'x')} exit; }
  $du = "sip:127.0.0.1:${gateway.port}";
  t_relay();
}
${more}
`,
    });
    t.after(() => daemon.stop());
    const names = new Map([
      [daemon.port, 'us'],
      [gateway.port, 'gw'],
      [caller.port, 'caller'],
    ]);
    const seen: string[] = [];
    homer.onMessage = (text) => {
      const { sourcePort, targetPort, kind, payload, captureId, correlation } = decodeHep(Buffer.from(text, 'latin1'));
      assert.equal(captureId, 241);
      if (kind === 100) seen.push(`log ${payload} ${correlation}`);
      else {
        const [, status, method] = /^(?:SIP\/2\.0 (\d+)|([A-Z]+))/.exec(payload) ?? [];
        seen.push(`${names.get(sourcePort)}>${names.get(targetPort)} ${status ?? method}`);
      }
    };
    gateway.onMessage = (text) => {
      if (text.startsWith('INVITE'))
        void gateway.send(answerTo(text, '200 OK', { tag: 'tt' }), daemon.port, '127.0.0.1');
    };
    const send = (method: string, number: number, tag: string): void => {
      const lines = [
        `${method} sip:b@b.example SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${caller.port};branch=z9hG4bK${method}`,
        'Max-Forwards: 70',
        'From: <sip:a@a.example>;tag=ft',
        `To: <sip:b@b.example>${tag}`,
        'Call-ID: c1',
        `CSeq: ${number} ${method}`,
        'Content-Length: 0',
      ];
      void caller.send(`${lines.join('\r\n')}\r\n\r\n`, daemon.port, '127.0.0.1');
    };
    const phases: [string, number, string, () => boolean][] = [
      ['OPTIONS', 1, '', () => caller.received.some(({ text }) => /^SIP\/2\.0 200 [\s\S]*CSeq: 1 OPTIONS/.test(text))],
      ['INVITE', 2, '', () => caller.received.some(({ text }) => /^SIP\/2\.0 200 [\s\S]*CSeq: 2 INVITE/.test(text))],
      ['ACK', 2, ';tag=tt', () => gateway.received.some(({ text }) => text.startsWith('ACK'))],
      ['BYE', 3, ';tag=tt', () => caller.received.some(({ text }) => text.startsWith('SIP/2.0 481'))],
    ];
    for (const [i, [method, number, tag, done]] of phases.entries()) {
      seen.length = 0;
      send(method, number, tag);
      await until(`the end of ${method}`, done);
      const expected = packets[i] ?? [];
      await until(`the packets of ${method}`, () => seen.length >= expected.length, { show: () => seen });
      assert.deepEqual([...seen].sort(), [...expected].sort(), method);
    }
  });
}
