import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { linesOf, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';
import { until } from '../../support/until.js';

const SCRIPT = `request_route {
  if (is_method("REGISTER")) {
    if ($si == "127.0.0.1" && $sp == 5099) { force_rport(); fix_nated_register(); setbflag(6); }
    if ($hdr(X-Max) != $null) $xavp(reg=>max_contacts) = 1;
    $var(r) = save("location");
    xlog("save $var(r)\\n");
    exit;
  }
  if (is_method("PUBLISH")) {
    $var(r) = unregister("location", "$tu");
    xlog("unregister $var(r)\\n");
    exit;
  }
  if (is_method("NOTIFY")) {
    $var(r) = reg_fetch_contacts("location", "$tu", "callee");
    xlog("fetch $var(r) $ulc(callee=>aor) $ulc(callee=>count) $(ulc(callee=>addr)[1]) q $ulc(callee=>q) <$ulc(callee=>received)>\\n");
    reg_free_contacts("callee");
    xlog("freed $ulc(callee=>aor)\\n");
    exit;
  }
  $var(r) = lookup("location");
  xlog("lookup $var(r) $ru du $du flags $bf branches $branch(count)\\n");
  if ($var(r) > 0) t_relay();
  $var(a) = registered("location", "$tu");
  xlog("registered $var(a)\\n");
}
event_route[usrloc:contact-expired] { xlog("expired $ulc(exp=>aor) $ulc(exp=>addr)\\n"); }
`;

const HEAD = `modparam("registrar", "received_avp", "$avp(rcv)")
modparam("nathelper", "received_avp", "$avp(rcv)")
modparam("registrar", "xavp_cfg", "reg")
`;

function start(parameters = ''): ScriptRunner {
  const modules = 'nathelper path usrloc registrar';
  return startScript({ dialect: 'kamailio', modules, head: HEAD + parameters, script: SCRIPT });
}

let numbers = 0;

interface Asked {
  readonly more?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly port?: number;
}

/** Hands in a request; returns its reply without body and Via. */
async function ask(runner: ScriptRunner, method: string, asked: Asked = {}): Promise<string[]> {
  const { more = '', to = 'sip:alice@sw.example', callId = 'c1', cseq = ++numbers, port = 5070 } = asked;
  const before = runner.sent.length;
  const uri = method === 'REGISTER' ? 'sip:sw.example' : to;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${++numbers}`,
    'Max-Forwards: 70',
    'From: <sip:alice@sw.example>;tag=ft',
    `To: <${to}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(more === '' ? [] : [more]),
    'Content-Length: 0',
  ];
  const said = runner.lines.length;
  runner.receive(`${lines.join('\r\n')}\r\n\r\n`, port);
  const done = () =>
    method === 'REGISTER'
      ? runner.sent.length > before && runner.lines.length > said
      : runner.lines.length > said + (method === 'PUBLISH' ? 0 : 1);
  for (let i = 0; i < 2000 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  const [first = '', ...fields] = runner.sent.at(-1)?.text.split('\r\n') ?? [];
  return [
    first,
    ...fields.filter((each) => /^(?:Contact|P-Registrar-Error|Min-Expires|Retry-After|Path|Unsupported):/.test(each)),
  ];
}

const register = (runner: ScriptRunner, more: string, asked: Asked = {}) => ask(runner, 'REGISTER', { more, ...asked });

test('an empty Expires is refused, and so is a contact that is too long', async () => {
  const runner = start('modparam("registrar", "contact_max_size", 10)\n');
  try {
    const contact = 'Contact: <sip:a@127.0.0.1:7001>';
    const refused = (error: string) => ['SIP/2.0 400 Bad Request', `P-Registrar-Error: ${error}`];
    assert.deepEqual(await register(runner, `${contact}\r\nExpires: `), refused('Expires parse error'));
    assert.deepEqual(await register(runner, contact), refused('Contact/received too long'));
  } finally {
    await runner.stop();
  }
});

test('contacts of a user with a semicolon are found by the request-URI', async () => {
  const runner = start();
  try {
    const to = 'sip:+1;phone-context=a@sw.example';
    await register(runner, 'Contact: <sip:a@127.0.0.1:7001>', { to });
    await ask(runner, 'MESSAGE', { to });
    const looked = runner.lines.find((line) => line.startsWith('lookup'));
    assert.match(looked ?? '', /^lookup 1 sip:a@127\.0\.0\.1:7001 /);
  } finally {
    await runner.stop();
  }
});

test('lookup() of a text that is not a URI returns -3; a URN and a user with a semicolon are URIs', async () => {
  const uris = ['bad', 'sip:no@h', 'urn:service:sos', 'sip:+1;phone-context=a@h', 'tel:+49-30;x=1'];
  const script = uris.map((uri) => `lookup("location", "${uri}"); xlog("$rc\\n");`).join(' ');
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'usrloc registrar',
    script: `${script} $ru = "sip:+1;phone-context=a@h"; lookup("location"); xlog("$rc\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['-3', '-1', '-1', '-1', '-1', '-1']);
});

test('contacts are listed as Kamailio 5.6.3 lists them: by q, of equal ones the first; times have their bounds', async () => {
  const runner = start('modparam("registrar", "max_expires", 3600)\nmodparam("registrar", "max_contacts", 3)\n');
  try {
    assert.deepEqual(await register(runner, 'Expires: 5'), ['SIP/2.0 200 OK']);
    const [one, two, three] = ['<sip:a@127.0.0.1:7001>', '<sip:a@127.0.0.1:7002>', '<sip:a@127.0.0.1:7003>'];
    assert.deepEqual(await register(runner, `Contact: ${one};expires=600`), [
      'SIP/2.0 200 OK',
      `Contact: ${one};expires=600`,
    ]);
    await register(runner, `Contact: ${two};q=0.5;expires=10`, { callId: 'c2' });
    const [status, listed = ''] = await register(runner, `Contact: ${three};q=0.75;expires=99999`, { callId: 'c3' });
    assert.equal(status, 'SIP/2.0 200 OK');
    // Seconds may have passed since the first two were registered.
    const left = listed.match(/expires=(\d+)/g)?.map((each) => Number(each.slice(8))) ?? [];
    const [last = 0, middle = 0, first = 0] = left;
    assert.equal(
      listed,
      `Contact: ${three};q=0.75;expires=${last}, ${two};q=0.5;expires=${middle}, ${one};expires=${first}`,
    );
    assert.ok(last === 3600 && middle > 50 && middle <= 60 && first > 590 && first <= 600, listed);
    const tooMany = await register(runner, 'Contact: <sip:a@127.0.0.1:7004>', { callId: 'c4' });
    assert.equal(tooMany[0], 'SIP/2.0 503 Service Unavailable');
    assert.match(tooMany[1] ?? '', /^Contact: <sip:a@127.0.0.1:7003>/);
    assert.equal(tooMany[2], 'P-Registrar-Error: Too many registered contacts');
    const old = await register(runner, `Contact: ${one};expires=300`, { cseq: 1 });
    assert.deepEqual([old[0], old[2]], ['SIP/2.0 400 Bad Request', 'P-Registrar-Error: Invalid CSeq number']);
    assert.match(
      (await register(runner, `Contact: ${one};expires=300`, { callId: 'c9' }))[1] ?? '',
      /7001>;expires=300$/,
    );
    await register(runner, `Contact: ${three};expires=0`, { callId: 'c3' });
    // The last value of a field comes first.
    const several = `Contact: ${one}, ${two}, ${three};q=0.1`;
    assert.deepEqual(await register(runner, several, { to: 'sip:Carol@elsewhere.example' }), [
      'SIP/2.0 200 OK',
      `Contact: ${three};q=0.1;expires=3600, ${two};expires=3600, ${one};expires=3600`,
    ]);
    assert.deepEqual(runner.lines, [
      'save 4',
      'save 1',
      'save 1',
      'save 1',
      'save -2',
      'save -1',
      'save 2',
      'save 3',
      'save 1',
    ]);
  } finally {
    await runner.stop();
  }
});

test('malformed contacts are refused with the texts of Kamailio 5.6.3', async () => {
  const runner = start('modparam("registrar", "min_expires_mode", 1)\nmodparam("registrar", "retry_after", 30)\n');
  try {
    const refused: readonly (readonly [line: string, status: string, error: string])[] = [
      ['Contact: *\r\nExpires: 10', '400 Bad Request', '* used in contact and expires is not zero'],
      ['Contact: *', '400 Bad Request', '* used in contact and expires is not zero'],
      ['Contact: <>', '400 Bad Request', 'Contact parse error'],
      ['Contact: foo', '400 Bad Request', 'Contact parse error'],
      ['Contact: <sip:a@127.0.0.1>;q=7', '400 Bad Request', 'Invalid q param in contact'],
      ['Contact: <sip:a@127.0.0.1>;expires=30', '423 Interval Too Brief', 'Interval too brief'],
    ];
    for (const [line, status, error] of refused) {
      const reply = await register(runner, line);
      assert.equal(reply[0], `SIP/2.0 ${status}`, line);
      assert.equal(reply[1], `P-Registrar-Error: ${error}`, line);
    }
    assert.equal((await register(runner, 'Contact: <sip:a@127.0.0.1>;expires=30'))[2], 'Min-Expires: 60');
    await register(runner, 'Contact: <sip:a@127.0.0.1>');
    const full = await register(runner, 'Contact: <sip:b@127.0.0.1>\r\nX-Max: 1', { callId: 'c2' });
    assert.deepEqual([full[0], full[3]], ['SIP/2.0 503 Service Unavailable', 'Retry-After: 30']);
    assert.deepEqual(await register(runner, 'Contact: *\r\nExpires: 0'), ['SIP/2.0 200 OK']);
  } finally {
    await runner.stop();
  }
});

test('a request goes to the contacts: along the Path, to where a REGISTER behind NAT came from, with its flags, the best q first', async () => {
  const runner = start(
    'modparam("registrar", "use_path", 1)\nmodparam("registrar", "path_mode", 1)\nmodparam("usrloc", "nat_bflag", 6)\n',
  );
  try {
    const reply = await register(runner, 'Contact: <sip:a@10.0.0.1:7001>;q=0.2', { port: 5099 });
    assert.deepEqual(reply[1], 'Contact: <sip:a@10.0.0.1:7001>;q=0.2;expires=3600;received="sip:127.0.0.1:5099"');
    await ask(runner, 'MESSAGE');
    assert.deepEqual(runner.lines.slice(-2), [
      'lookup 1 sip:a@10.0.0.1:7001 du sip:127.0.0.1:5099 flags 64 branches <null>',
      'registered 1',
    ]);
    const path = '<sip:127.0.0.1:6001;lr>, <sip:10.8.8.8;lr>';
    const along = `Contact: <sip:a@10.0.0.2:7002>;q=0.9\r\nPath: ${path}\r\nSupported: path`;
    assert.deepEqual((await register(runner, along, { callId: 'c2' })).at(-1), `Path: ${path}`);
    runner.sent.length = 0;
    await ask(runner, 'MESSAGE');
    assert.equal(runner.lines.at(-2), 'lookup 1 sip:a@10.0.0.2:7002 du sip:127.0.0.1:6001;lr flags 0 branches 1');
    const sent = runner.sent.filter(({ text }) => text.startsWith('MESSAGE'));
    assert.deepEqual(
      sent.map(({ port }) => port),
      [6001, 5099],
    );
    assert.match(
      sent[0]?.text ?? '',
      /^MESSAGE sip:a@10\.0\.0\.2:7002 SIP\/2\.0\r\n(?:.*\r\n)*?Route: <sip:127\.0\.0\.1:6001;lr>, <sip:10\.8\.8\.8;lr>\r\n/,
    );
    assert.doesNotMatch(sent[1]?.text ?? '', /^Route:/m);
    await ask(runner, 'NOTIFY');
    assert.deepEqual(runner.lines.slice(-2), ['fetch 1 alice 2 sip:a@10.0.0.1:7001 q 900 <>', 'freed <null>']);
    await ask(runner, 'MESSAGE', { to: 'sip:nobody@sw.example' });
    assert.equal(runner.lines.at(-2), 'lookup -1 sip:nobody@sw.example du <null> flags 0 branches <null>');
    await ask(runner, 'PUBLISH');
    await ask(runner, 'MESSAGE');
    assert.equal(runner.lines.at(-1), 'registered -1');
  } finally {
    await runner.stop();
  }
});

test('a received address and a user cannot end the quotes around them, wherever they come from', async () => {
  const parameters = ['path_mode', 'use_path', 'path_use_received', 'gruu_enabled'];
  const runner = start(parameters.map((name, i) => `modparam("registrar", "${name}", ${i === 0 ? 0 : 1})\n`).join(''));
  try {
    const address = `sip:192.0.2.9${'%22%0d%0aX: y'.replaceAll(' ', '%20')}${'9'.repeat(300)}`;
    const lines = [
      `Path: <sip:127.0.0.1:5090;lr;received=${address}>`,
      'Supported: path, gruu',
      'Contact: <sip:a@10.0.0.1:7001>;+sip.instance="<urn:uuid:1>"',
    ];
    const [first, contact = ''] = await register(runner, lines.join('\r\n'), { to: 'sip:a%22%3b%5cl@sw.example' });
    assert.equal(first, 'SIP/2.0 200 OK');
    const received = /;received="([^"]*)"/.exec(contact)?.[1] ?? '';
    assert.equal(received.length, 255);
    assert.match(received, /^sip:192\.0\.2\.9(?:X|%0d%0aX)/);
    assert.match(contact, /;pub-gruu="sip:a%22;%5Cl@sw\.example;gr=urn:uuid:1";/);
    for (const [user, shown] of [
      ['jos%c3%a9', 'jos%c3%a9'],
      ['jos\xe9', 'jos%E9'],
      ['half%25', 'half%25'],
    ] as const) {
      const [, own = ''] = await register(runner, lines.join('\r\n'), { to: `sip:${user}@sw.example` });
      assert.equal(/;pub-gruu="sip:([^"@]*)@/.exec(own)?.[1], shown);
    }
  } finally {
    await runner.stop();
  }
});

test('the default of path_mode refuses a Path whose sender does not know of it, and keeps the contact, as Kamailio 5.6.3 does', async () => {
  const runner = start('modparam("registrar", "use_path", 1)\n');
  try {
    const reply = await register(runner, 'Contact: <sip:a@127.0.0.1:7001>\r\nPath: <sip:10.9.9.9;lr>');
    assert.deepEqual(reply.sort(), [
      'Contact: <sip:a@127.0.0.1:7001>;expires=3600',
      'P-Registrar-Error: No support for found Path indicated',
      'Path: <sip:10.9.9.9;lr>',
      'SIP/2.0 420 Bad Extension',
      'Unsupported: path',
    ]);
    assert.deepEqual(runner.lines, ['save 1']);
  } finally {
    await runner.stop();
  }
});

/** The usrloc table as made by Kamailio. */
const LOCATION = `CREATE TABLE location (id INTEGER PRIMARY KEY, ruid TEXT UNIQUE, username TEXT, domain TEXT, contact TEXT, received TEXT, path TEXT, expires TIMESTAMP, q REAL,
  callid TEXT, cseq INTEGER, last_modified TIMESTAMP, flags INTEGER, cflags INTEGER, user_agent TEXT, socket TEXT, methods INTEGER, instance TEXT, reg_id INTEGER, server_id INTEGER,
  connection_id INTEGER, keepalive INTEGER, partition INTEGER)`;

for (const mode of [1, 2, 3]) {
  test(`contacts are there after a restart with db_mode ${mode}, and removed ones are not`, async () => {
    const file = join(tmpdir(), `switchyard-location-${process.pid}-${mode}.sqlite`);
    rmSync(file, { force: true });
    // A row written by Kamailio's db_sqlite: times are Julian days.
    const julian = Date.now() / 86_400_000 + 2_440_587.5 + 1;
    executeSqlite(
      file,
      `${LOCATION}; INSERT INTO location (ruid, username, contact, expires, q, callid, cseq, last_modified, flags, cflags, user_agent)
       VALUES ('uloc-1', 'dan', 'sip:dan@127.0.0.1:7009', ${julian}, -1, 'x', 1, ${julian}, 0, 0, 'n/a')`,
    );
    const parameters = `modparam("usrloc", "db_mode", ${mode})\nmodparam("usrloc", "db_url", "sqlite://${file}")\nmodparam("usrloc", "use_domain", 0)\n`;
    try {
      const first = start(parameters);
      await register(first, 'Contact: <sip:a@127.0.0.1:7001>;q=0.4;+sip.instance="<urn:uuid:1>";reg-id=2', {
        port: 5099,
      });
      await register(first, 'Contact: <sip:a@127.0.0.1:7002>', { callId: 'c2' });
      await register(first, 'Contact: <sip:a@127.0.0.1:7002>;expires=0', { callId: 'c2' });
      await first.stop();
      const second = start(parameters);
      const reply = await register(second, 'Expires: 1');
      assert.match(
        reply[1] ?? '',
        /^Contact: <sip:a@127\.0\.0\.1:7001>;q=0\.4;expires=3[56]\d\d;received="sip:127\.0\.0\.1:5099";\+sip\.instance="<urn:uuid:1>";reg-id=2$/,
      );
      const dan = await register(second, 'Expires: 1', { to: 'sip:dan@sw.example' });
      assert.match(dan[1] ?? '', /^Contact: <sip:dan@127\.0\.0\.1:7009>;expires=86\d\d\d$/);
      await second.stop();
      assert.ok(readFileSync(file).includes('sip:a@127.0.0.1:7001'));
    } finally {
      rmSync(file, { force: true });
    }
  });
}

test('"*" beside a contact, and a contact given twice, have the effect that they have in Kamailio 5.6.3, except for max_contacts', async () => {
  const runner = start('modparam("registrar", "max_contacts", 3)\n');
  const at = (port: number) => `<sip:a@127.0.0.1:${port}>`;
  /** The lines of the answer with lifetimes rounded up to a multiple of 90: seconds may pass before they are listed. */
  const answered = async (lines: string) =>
    (await register(runner, lines)).map((line) =>
      line.replace(/;expires=(\d+)/g, (_all, left: string) => `;expires=${Math.ceil(Number(left) / 90) * 90}`),
    );
  try {
    await register(runner, `Contact: ${at(1)}`);
    for (const [line, answer] of [
      [`Contact: ${at(2)}, *\r\nExpires: 0`, 'P-Registrar-Error: Contact parse error'],
      [`Contact: *\r\nContact: ${at(3)}\r\nExpires: 0`, 'P-Registrar-Error: * used in contact and more than 1 contact'],
      ['Expires: 0', `Contact: ${at(1)};expires=3600`],
    ] as const)
      assert.equal((await answered(line))[1], answer, line);
    assert.deepEqual(await register(runner, `Contact: *, ${at(2)}\r\nExpires: 0`), ['SIP/2.0 200 OK']);
    const twice = [
      [`${at(1)}, ${at(1)};q=0.5`, `${at(1)};expires=3600`],
      [`${at(1)}, ${at(1)};q=0.5;expires=90`, `${at(1)};q=0.5;expires=90`],
      [`${at(1)}, ${at(1)};expires=0`, `${at(1)};expires=3600`],
      [`${at(1)};expires=0, ${at(1)}`, `${at(1)};expires=3600`],
      [`${at(1)};expires=4294967296`, `${at(1)};expires=3600`],
    ] as const;
    for (const [asked, listed] of twice)
      assert.deepEqual(await answered(`Contact: ${asked}`), ['SIP/2.0 200 OK', `Contact: ${listed}`], asked);
    const gone = Array.from({ length: 5 }, () => `${at(1)};expires=0`);
    const refused = await register(runner, `Contact: ${[...gone, at(2), at(3), at(4), at(5)].join(', ')}`);
    assert.equal(refused.at(-1), 'P-Registrar-Error: Too many registered contacts');
  } finally {
    await runner.stop();
  }
});

test('rows written by others cannot add lines to messages, and do not end the reading of a table', async () => {
  const file = join(tmpdir(), `switchyard-location-${process.pid}-rows.sqlite`);
  rmSync(file, { force: true });
  const row = (ruid: string, user: string, more: readonly string[] = []) =>
    `('${ruid}', '${user}', ${more[0] ?? `'sip:${user}@127.0.0.1'`}, ${more[1] ?? 4e9}, ${more[2] ?? 'NULL'}, ${more[3] ?? '-1'})`;
  const line = "'sip:x@127.0.0.1>' || char(13) || char(10) || 'X-Evil: 1'";
  const rows = [
    row('a1', 'mallory', [line]),
    row('a2', 'path', ["'sip:path@127.0.0.1'", '4e9', "'<sip:1.2.3.4>' || char(13) || char(10) || 'X-Evil: 1'"]),
    row('a3', 'none', ["'nothing'"]),
    row('a4', 'odd', ["'sip:odd@127.0.0.1'", '9e999', 'NULL', "'much'"]),
    ...Array.from({ length: 1500 }, (_, i) => row(`b${1000 + i}`, i === 3 ? '' : `user${i}`)),
  ];
  executeSqlite(
    file,
    `${LOCATION}; INSERT INTO location (ruid, username, contact, expires, path, q) VALUES ${rows.join(',')}`,
  );
  const runner = start(`modparam("usrloc", "db_mode", 2)\nmodparam("usrloc", "db_url", "sqlite://${file}")\n`);
  try {
    const listed = async (user: string) =>
      (await register(runner, 'Expires: 1', { to: `sip:${user}@sw.example` })).slice(1);
    for (const user of ['mallory', 'path', 'none']) assert.deepEqual(await listed(user), [], user);
    assert.deepEqual(await listed('odd'), ['Contact: <sip:odd@127.0.0.1>;expires=0']);
    for (const user of ['user0', 'user1499'])
      assert.match((await listed(user))[0] ?? '', new RegExp(`^Contact: <sip:${user}@127.0.0.1>;expires=\\d+$`));
  } finally {
    await runner.stop();
    rmSync(file, { force: true });
  }
});

test('a contact keeps only its own texts in memory, not the message that had them', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const runner = start();
  const heap = () => {
    runner.sent.length = 0;
    collect();
    return process.memoryUsage().heapUsed;
  };
  try {
    await register(runner, 'Contact: <sip:first@127.0.0.1:7001>');
    const before = heap();
    for (let i = 0; i < 400; i++) {
      const more = `Contact: <sip:contact-of-some-length@127.0.0.1:7001>\r\nUser-Agent: agent of some length\r\nX: ${'x'.repeat(50_000)}`;
      await register(runner, more, {
        to: `sip:user-of-some-length-${i}@sw.example`,
        callId: `call-of-some-length-${i}`,
      });
    }
    await until('the texts are not kept', () => heap() - before < 6e6, { show: () => heap() - before });
  } finally {
    await runner.stop();
  }
});

for (const mode of [1, 3]) {
  test(`a database that hangs does not delay each request anew with db_mode ${mode}`, async () => {
    const open = new Set<Socket>();
    const server = createServer((socket) => open.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const url = `mysql://a:b@127.0.0.1:${port}/x`;
    const runner = start(`modparam("usrloc", "db_mode", ${mode})\nmodparam("usrloc", "db_url", "${url}")\n`);
    try {
      const began = Date.now();
      const ends: Promise<string[]>[] = [];
      for (let i = 0; i < 40; i++)
        ends.push(
          register(runner, 'Contact: <sip:a@127.0.0.1:7001>', { to: `sip:u${i % 4}@sw.example`, callId: `c${i}` }),
        );
      await Promise.all(ends);
      for (let i = 0; i < 4000 && runner.lines.length < 40; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(runner.lines.length, 40);
      assert.ok(runner.lines.every((each) => each === 'save -1'));
      assert.ok(Date.now() - began < 25_000, `${Date.now() - began} ms`);
    } finally {
      for (const each of open) each.destroy();
      server.close();
      await runner.stop();
    }
  });
}

test('unsupported parameters of registrar are refused at load', () => {
  const modules = 'usrloc registrar';
  const wrong: readonly (readonly [script: string, fault: RegExp])[] = [
    ['$var(a) = $ulc(x=>nothing);', /no attribute "nothing" of a contact/],
    ['save("location", "much");', /flags "much" are not a number/],
    ['save();', /save\(\) takes/],
  ];
  for (const [script, fault] of wrong)
    assert.throws(() => startScript({ dialect: 'kamailio', modules, script }), fault, script);
  const head = 'modparam("usrloc", "db_mode", 4)\n';
  assert.throws(
    () => startScript({ dialect: 'kamailio', modules, head, script: 'save("location");' }),
    /db_mode must be 0 to 3 here, not 4/,
  );
});
