import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { compilePosix } from '../../src/core/posix-regex.js';
import { assertLinear, type GrowthCase } from '../support/growth.js';
import { seeded } from '../support/motifs.js';
import { INVITE, linesOf, startScript } from '../support/script-run.js';

let serial = 0;

function invite(subject: string, body: string): string {
  return INVITE.replaceAll('a@a.example', `c${serial++}@a`)
    .replace('z9hG4bK1', `z9hG4bK${serial}`)
    .replace('Content-Length: 0\r\n\r\n', '')
    .concat(
      `Subject: ${subject}\r\nContent-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n`,
      `v=0\r\n${body}`.slice(0, body.length),
    );
}

const half = (unit: string, length: number): string => unit.repeat(Math.floor(length / 2 / unit.length));

/** Two lists in one message; a function could compare all pairs of their entries. */
const LISTS: readonly GrowthCase[] = [
  ...[' 0', ' 96'].flatMap((payload) =>
    ['a=rtpmap:1 X/8000\r\n', 'a=rtpmap:96 Y/8000\r\n', 'a=fmtp:96 z\r\n', 'a=x\r\n'].map((line) => ({
      name: `payloads${payload}, lines ${JSON.stringify(line)}`,
      make: (length: number) => invite('x', `m=audio 1 RTP/AVP${half(payload, length)}\r\n${half(line, length)}`),
    })),
  ),
  ...['m=audio 1 RTP/AVP 0 1 2\r\n', 'a=b\r\n', '\n'].map((line) => ({
    name: `a subject, lines ${JSON.stringify(line)}`,
    make: (length: number) => invite(half('PCMU,x', length), half(line, length)),
  })),
];

const SUBJECT = '$hdr(Subject)';
const STATEMENTS = {
  opensips: [
    ...['codec_delete', 'codec_move_up', 'codec_move_down', 'codec_exists'].flatMap((name) => [
      `${name}("PCMU");`,
      `${name}(${SUBJECT});`,
    ]),
    ...['codec_delete_re', 'codec_delete_except_re', 'codec_move_up_re', 'codec_exists_re'].map((n) => `${n}("X|Y");`),
    'stream_delete("audio");',
    `stream_exists(${SUBJECT});`,
  ],
  kamailio: [
    ...['sdp_remove_codecs_by_name', 'sdp_keep_codecs_by_name', 'sdp_with_codecs_by_name', 'sdp_keep_codecs_by_id'].map(
      (name) => `${name}("${SUBJECT}");`,
    ),
    `sdp_get_line_startswith("$var(y)", "${SUBJECT}");`,
    `sdp_remove_line_by_prefix("a=", "${SUBJECT}");`,
    `sdp_remove_media("${SUBJECT}");`,
    `replace_body_all("\\r\\n", "${SUBJECT}");`,
  ],
} as const;

for (const dialect of ['opensips', 'kamailio'] as const) {
  test(`functions on two lists of one message take time in proportion to both: ${dialect}`, async () => {
    const modules = dialect === 'kamailio' ? 'sdpops textopsx' : '';
    for (const statement of STATEMENTS[dialect]) {
      const runner = startScript({ dialect, modules, script: `${statement} exit;` });
      // Quadratic code took half a second.
      assertLinear(statement, LISTS, (text) => runner.receive(text), { maxMs: 60, noiseMs: 12 });
      await runner.stop();
    }
  });
}

for (const [dialect, modules, names] of [
  ['opensips', '', ['hdr(X)', 'hdr_name', 'ct', 'hdr(Contact)']],
  ['kamailio', 'textopsx', ['hdr(X)', 'hfl(X)', 'hdr(Contact)']],
] as const) {
  test(`all values of a list that a message holds are read in one pass: ${dialect}`, async () => {
    const cases = ['X: y\r\n', 'X:\r\n', 'Contact: <sip:a@b>\r\n', 'Privacy: x\r\n'].map((line) => ({
      name: JSON.stringify(line),
      make: (length: number) => invite('x', '').replace('Subject: ', `${half(line, 2 * length)}Subject: `),
    }));
    const statements = names.map((name) => `$var(x) = $(${name}[*]); $var(x) = $(${name}[-1]);`);
    for (const statement of [...statements, 'is_privacy("id");']) {
      const script = `${statement} exit;`;
      const runner = startScript({ dialect, modules, script });
      // The maximum number in a message; read one by one they took 14 ms.
      assertLinear(statement, cases, (text) => runner.receive(text), {
        lengths: [1024, 2048, 4096, 16_384],
        maxMs: 8,
      });
      await runner.stop();
    }
  });
}

test('headers after one with thousands of folded lines are found without reading it each time', async () => {
  const cases = ['\r\n ', '\r\n\t', ' \r\n a'].map((fold) => ({
    name: JSON.stringify(fold),
    make: (length: number) => invite('x', '').replace('Subject: ', `X: a${half(fold, 2 * length)}b\r\nSubject: `),
  }));
  const runner = startScript({ dialect: 'opensips', script: `${'if ($hdr(Y) == "z") exit; '.repeat(100)} exit;` });
  // Read each time, they took 40 ms.
  assertLinear('$hdr(Y)', cases, (text) => runner.receive(text), { noiseMs: 3 });
  await runner.stop();
});

test('patterns, lists and expressions that a peer writes are read in time in proportion to their length', async () => {
  const cases = ['a', '?', '*a', '[a]', '\\a', '[', ';', ',', '(', '1+', '"'].map((unit) => ({
    name: JSON.stringify(unit),
    make: (length: number) => invite(half(unit, 2 * length), ''),
  }));
  for (const statement of [
    `remove_hf_glob(${SUBJECT});`,
    `cache_remove_chunk(${SUBJECT});`,
    `math_eval(${SUBJECT}, $var(x));`,
    `math_rpn(${SUBJECT}, $var(x));`,
    `lb_start(1, ${SUBJECT});`,
    `route_to_gw(${SUBJECT});`,
  ]) {
    const head = 'modparam("cachedb_local", "cachedb_url", "local://")';
    const modules = 'cachedb_local mathops dialog load_balancer drouting';
    const runner = startScript({ dialect: 'opensips', modules, head, script: `${statement} exit;` });
    assertLinear(statement, cases, (text) => runner.receive(text));
    await runner.stop();
  }
});

test('a stream that a peer names is looked for in time in proportion to the body', async () => {
  const cases = ['m=\r\n', 'm=a 1 RTP/AVP 0\r\n'].map((line) => ({
    name: JSON.stringify(line),
    make: (length: number) => invite('x'.repeat(length / 2), half(line, length)),
  }));
  for (const statement of [`$var(x) = $(rb{sdp.stream,${SUBJECT}});`, `$var(x) = $sdp.stream(${SUBJECT});`]) {
    const runner = startScript({ dialect: 'opensips', script: `${statement} exit;` });
    assertLinear(statement, cases, (text) => runner.receive(text), { maxMs: 12, noiseMs: 4 });
    await runner.stop();
  }
});

test('the parameters of a request-URI are read in time in proportion to it', async () => {
  const cases = [';lr', ';a=b', ';'].map((unit) => ({
    name: JSON.stringify(unit),
    make: (length: number) =>
      invite('x', '').replace('sip:bob@sw.example', `sip:bob@sw.example${half(unit, 2 * length)}`),
  }));
  for (const statement of ['ruri_del_param("x");', 'ruri_del_param("lr");', 'ruri_has_param("x");']) {
    const runner = startScript({ dialect: 'opensips', script: `${statement} exit;` });
    assertLinear(statement, cases, (text) => runner.receive(text), { noiseMs: 3 });
    await runner.stop();
  }
});

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

test('text that a script adds to a message many times is bounded', () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'textopsx',
    script: `replace_body_all("x", "${SUBJECT}"); replace_body_all("y", "${SUBJECT}"); $du = "sip:127.0.0.1:5071"; t_relay();`,
  });
  stops.push(() => runner.stop());
  runner.receive(invite('s'.repeat(30_000), 'xy'.repeat(15_000)));
  assert.ok(runner.sent.length > 0);
  assert.ok(Math.max(...runner.sent.map(({ text }) => text.length)) < 1_200_000);
});

test('codecs are chosen by the first rtpmap line of their type, or by the static name', async () => {
  const sdp =
    'm=audio 4000 RTP/AVP 0 96 97\\r\\na=rtpmap:96 opus/48000\\r\\na=rtpmap:96 G722/8000\\r\\na=fmtp:96 x=1\\r\\n';
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'sdpops textopsx',
    script: `
      set_body("v=0\\r\\n${sdp}", "application/sdp"); msg_apply_changes();
      $var(r) = sdp_with_codecs_by_name("pcmu,OPUS"); xlog("$var(r)\\n");
      $var(r) = sdp_with_codecs_by_name("G722"); xlog("$var(r)\\n");
      $var(r) = sdp_with_codecs_by_id("97,5"); xlog("$var(r)\\n");
      sdp_remove_codecs_by_name("opus"); msg_apply_changes();
      xlog("$(rb{line.at,1}) $(rb{line.count})\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1', '-1', '2', 'm=audio 4000 RTP/AVP 0 97 2']);
});

test('a regular expression that finds nothing in 64 KB takes no more than 5 ms', () => {
  const cases = ['a', 'a ', 'a=b\r\n', '0', 'sip:1@a;x=y,', ' \r\n\t', '\x80'].map((unit) => ({
    name: JSON.stringify(unit),
    make: (length: number) => unit.repeat(Math.ceil(length / unit.length)),
  }));
  for (const source of [
    'friendly-scanner|sipvicious|sipcli',
    '^[0-9]{3,12}#',
    '[0-9]{3,12}#',
    '^(.*)#(.*)$',
    '(a+)(a+)#',
    '([^;]*;)*#',
    '\\<x{2,50}y\\>',
  ]) {
    const regex = compilePosix(source, { ignoreCase: true });
    assertLinear(source, cases, (text) => void regex.match(text), { maxMs: 5 });
  }
});

test('an expression whose sets of states are many from the start of a text and few from its end is read from the end', () => {
  const random = seeded(7);
  const letters = (length: number) =>
    Array.from({ length }, () => (random() < 0.005 ? 'c' : random() < 0.5 ? 'a' : 'b')).join('');
  for (const source of ['a[ab]{200}$', 'a.{90}b.{90}$', 'a[ab]{900}$']) {
    const regex = compilePosix(source, { ignoreCase: true });
    // With a search from the start it took 200 to 700 ms.
    const limits = { maxMs: 40, noiseMs: 12 };
    assertLinear(source, [{ name: 'letters', make: letters }], (text) => void regex.match(text), limits);
    assertLinear(source, [{ name: 'letters', make: letters }], (text) => void regex.test(text), limits);
    for (let i = 0; i < 200; i++) {
      const text = letters(300);
      assert.equal(regex.test(text), new RegExp(source, 's').test(text), text);
    }
  }
});

/** A long text, and a list of many entries or another long text for comparison. */
const COMPARED: readonly GrowthCase[] = [
  ...['option', 'o'].map((entry) => ({
    name: `a subject, and options ${entry}1, ${entry}2 ...`,
    make: (length: number) => {
      const options = Array.from({ length: length / 18 }, (_, i) => `${entry}${i}`).join(',');
      return invite(half('a', length), '').replace('Subject: ', `Supported: ${options}\r\nSubject: `);
    },
  })),
  {
    name: 'a...aba...a in a...a',
    make: (length) =>
      invite('a'.repeat(length / 2), '').replace(
        'Subject: ',
        `Needle: ${'a'.repeat(length / 4)}b${'a'.repeat(length / 4)}\r\nSubject: `,
      ),
  },
  { name: 'brackets that are not closed', make: (length) => invite(half('{"a":[', 2 * length), '') },
];

for (const [dialect, modules, statements] of [
  [
    'opensips',
    '',
    [
      `list_hdr_has_option("Supported", ${SUBJECT});`,
      `list_hdr_remove_option("Supported", ${SUBJECT});`,
      `$var(x) = $(hdr(Subject){s.index,$hdr(Needle)});`,
      `$var(x) = $(hdr(Subject){s.rindex,$hdr(Needle)});`,
    ],
  ],
  [
    'kamailio',
    'textopsx',
    [
      `hf_value_exists("Supported", "${SUBJECT}");`,
      `include_hf_value("Supported", "${SUBJECT}");`,
      `fnmatch("${SUBJECT}", "${SUBJECT}");`,
      `str_find("${SUBJECT}", "$hdr(Needle)");`,
      `replace_str("$hdr(Needle)", "b", "g");`,
      `in_list("a", "${SUBJECT}", ",");`,
      `$var(x) = $(hdr(Subject){s.replace,$hdr(Needle),b});`,
    ],
  ],
] as const) {
  test(`a text of a peer that is looked for in another text of it takes time in proportion to both: ${dialect}`, async () => {
    for (const statement of statements) {
      const runner = startScript({ dialect, modules, script: `${statement} exit;` });
      assertLinear(statement, COMPARED, (text) => runner.receive(text), { maxMs: 20, noiseMs: 6 });
      await runner.stop();
    }
  });
}
