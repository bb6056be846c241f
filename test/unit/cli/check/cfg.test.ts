import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { checkCfg } from '../../../../src/cli/check/cfg.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-check-cfg-'));
after(() => rmSync(folder, { recursive: true }));

const HEAD = `#!KAMAILIO
listen=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "sl.so"
`;

function run(text: string, more: { json?: boolean; all?: boolean } = {}) {
  const cfg = join(folder, 'kamailio.cfg');
  writeFileSync(cfg, text);
  let out = '';
  const io = { out: (each: string) => (out += each), err: () => undefined, stdin: Readable.from([]) };
  const status = checkCfg({ cfg, ...more }, { ...io, out: (each) => void io.out(each) });
  return { status, out, lines: out.trimEnd().split('\n') };
}

test('a file with supported statements only is supported whole', () => {
  const { status, lines } = run(`${HEAD}request_route { if (!t_relay()) { sl_reply_error(); } exit; }`);
  assert.equal(status, 0);
  assert.equal(lines.at(-1), 'verdict: runs whole');
});

test('parameters without effect are listed with their lines, and do not fail the check', () => {
  const { status, out } = run(`${HEAD}children=4\nrequest_route { t_relay(); }`);
  assert.equal(status, 0);
  assert.match(out, /kamailio\.cfg:5:1: no effect: parameter "children" has no effect here/);
});

test('an unknown function is named with its line: the file runs without it', () => {
  const { status, out } = run(`${HEAD}request_route {\n  nosuch("a");\n}`);
  assert.equal(status, 1);
  assert.match(out, /kamailio\.cfg:6:3: unknown: unknown function nosuch\(\)/);
  assert.match(out, /verdict: runs without, .* unknown function nosuch\(\) \(line 6\)/);
});

test('all mistakes are listed, and the check says that the file cannot run', () => {
  const { status, out } = run(`${HEAD}request_route {\n  t_relay()\n  route(NONE);\n}`);
  assert.equal(status, 1);
  assert.match(out, /verdict: cannot run because: line 7: expected ";", not route/);
});

test('check --cfg --json answers with JSON', () => {
  const { out } = run(`${HEAD}request_route { t_relay(); }`, { json: true });
  const { verdict, dialect, things } = JSON.parse(out);
  assert.deepEqual([verdict, dialect], ['runs whole', 'kamailio-5.6']);
  assert.ok(
    things.some(
      (each: { name: string; standing: string }) => each.name === 't_relay()' && each.standing === 'supported',
    ),
  );
});

test('a fault that shows only in the settings as a whole is reported at the line of its parameter', () => {
  const { status, out } = run(`#!OPENSIPS
socket=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "partition", "red: table_name = red")
modparam("dispatcher", "ds_define_blacklist", "list= one")
route { t_relay(); }`);
  assert.equal(status, 1);
  assert.match(out, /kamailio\.cfg:5:1: wrong: partition "red" has no db_url/);
  assert.match(out, /kamailio\.cfg:6:1: wrong: bad blacklist "list= one"/);
});

test('partitions without a database take the default one, quotes around values are left out, and sockets may share a tag', () => {
  const { out } = run(
    `#!OPENSIPS
socket=udp:127.0.0.1:5060 tag out
socket=udp:127.0.0.1:5062 tag out
db_default_url="sqlite:///tmp/one"
loadmodule "tm.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "partition", "red: table_name = red; attrs_avp = '$avp(red)';")
route { if ($socket_in(tag) == "out") t_relay(); }`,
  );
  assert.match(out, /verdict: runs whole/);
});

test('a file of 3.4 that adds branches by append_branch() is read as one, with numbers for tests of NAT', () => {
  const file = (branch: string) => `stderror_enabled=no
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "tm.so"
loadmodule "nathelper.so"
route { if (nat_uac_test(19)) force_rport(); t_on_failure("f"); route(relay); }
route[relay] { t_relay(); }
failure_route[f] { ${branch}; t_relay(); }`;
  assert.match(run(file('append_branch()')).out, /opensips-3.*\nverdict: runs whole/);
  assert.match(run(file('append_msg_branch("sip:a@b")')).out, /nat_uac_test\(\): tests must be a string/);
});

test('the report says whether several workers can run the file, and if not, why', () => {
  const able = run(`${HEAD}request_route { t_relay(); }`);
  assert.ok(able.lines.includes('several workers: supported, over UDP'));
  const { status, lines } = run(
    `${HEAD}loadmodule "cfgutils.so"\nloadmodule "pv.so"\nmodparam("pv", "shvset", "a=i:1")\nrequest_route {\n  rand_event();\n  $shv(a) = $stat(x);\n}`,
  );
  assert.equal(status, 0, 'one process can');
  assert.ok(
    lines.includes(
      'several workers: not supported: $stat works in one process only (line 10); rand_event() works in one process only (line 9)',
    ),
    lines.join('\n'),
  );
});

const BY_LOAD = `${HEAD}loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "/etc/kamailio/dispatcher.list")
request_route {
  if (!ds_select_dst("1", "ALG")) exit;
  t_relay();
}
`;

test('call load whose calls the script never ends is named: their count stays until ds_hash_expire', () => {
  const { lines, status } = run(BY_LOAD.replace('ALG', '10'));
  const said = lines.find((each) => each.startsWith('call load'));
  assert.match(said ?? '', /algorithm 10 \(line 8\) without ds_load_update\(\) or ds_load_unset\(\)/);
  assert.equal(status, 0);
  const routes = BY_LOAD.replace('ds_select_dst("1", "ALG")', 'ds_select_routes("1=4;2=10", "2")');
  assert.match(run(routes).out, /call load: algorithm 10 \(line 8\)/);
});

test('the JSON form has the remarks about workers and call load, with their positions', () => {
  interface Report {
    workers?: { runs: boolean; faults: { at: { line: number }; message: string }[] };
    callLoad?: { at: { line: number }; message: string };
  }
  const report = (text: string) => JSON.parse(run(text, { json: true }).out) as Report;
  const able = report(`${HEAD}request_route { t_relay(); }`);
  assert.deepEqual([able.workers, able.callLoad], [{ runs: true, faults: [] }, undefined]);
  const unable = report(`${HEAD}loadmodule "cfgutils.so"\nrequest_route {\n  rand_event();\n}`);
  assert.equal(unable.workers?.runs, false);
  assert.deepEqual(
    unable.workers?.faults.map(({ at, message }) => [at.line, message]),
    [[7, 'rand_event() works in one process only']],
  );
  const endless = report(BY_LOAD.replace('ALG', '10'));
  assert.equal(endless.callLoad?.at.line, 8);
  assert.match(endless.callLoad?.message ?? '', /^algorithm 10 \(line 8\) without ds_load_update\(\)/);
  // No result where the file cannot be parsed.
  assert.equal(report(`${HEAD}request_route { t_relay( }`).workers, undefined);
});

test('call load that the script ends, and other algorithms, are not mentioned', () => {
  const ends = `${BY_LOAD.replace('ALG', '10')}onreply_route { ds_load_update(); }`;
  for (const text of [ends, BY_LOAD.replace('ALG', '4')]) assert.doesNotMatch(run(text).out, /call load/);
});

test('a parameter of dispatcher that has no effect is listed, one that has is not', () => {
  const { out } = run(`${BY_LOAD.replace('ALG', '4')}modparam("dispatcher", "xavp_dst", "mine")
modparam("dispatcher", "ds_timer_mode", 1)`);
  assert.match(out, /no effect: parameter "ds_timer_mode" of dispatcher has no effect/);
  assert.doesNotMatch(out, /xavp_dst/);
});
