import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

/** What the check says about a file of Kamailio besides its verdict. */
function said(head: string, routes: string): readonly string[] {
  return saidOf('kamailio', `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n${head}\nrequest_route { exit; }\n${routes}\n`);
}

function saidOf(dialect: 'kamailio' | 'opensips', text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sw-not-run-'));
  try {
    const file = join(folder, 'proxy.cfg');
    writeFileSync(file, text);
    const { things, verdict } = inventory(readCfg(file, { dialect }));
    return [verdict, ...things.filter(({ message }) => message !== '').map(({ message }) => message)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const RECEIVED = 'event_route[core:msg-received] { exit; }';

test('a route that 5.6.3 never runs is reported', () => {
  const name = 'event_route[core:msg-received]';
  assert.deepEqual(said('', RECEIVED), ['runs whole', `${name} is never run without received_route_mode`]);
  assert.deepEqual(said('received_route_mode=0', RECEIVED).at(0), 'runs whole');
  assert.ok(said('received_route_mode=1', RECEIVED).includes(`${name} is not run`));
  assert.equal(said('received_route_mode=1', RECEIVED).at(0), 'runs without');
});

test('the check reports that contacts that are only in the database are not pinged', () => {
  const head = (mode: number, interval: number) =>
    `loadmodule "usrloc.so"\nloadmodule "nathelper.so"\nmodparam("usrloc", "db_mode", ${mode})
    modparam("usrloc", "db_url", "sqlite:///tmp/x.db")\nmodparam("nathelper", "natping_interval", ${interval})`;
  const message = 'contacts that are only in the database (db_mode 3 of usrloc) are not pinged';
  assert.ok(said(head(3, 30), '').includes(message));
  assert.ok(!said(head(3, 0), '').includes(message));
  assert.ok(!said(head(1, 30), '').includes(message));
});

test('add_path() writes no flow token of outbound, which the check says', () => {
  const modules = 'loadmodule "rr.so"\nloadmodule "path.so"\n';
  const verdict = (head: string, call: string) => said(head, `route[EDGE] { ${call}; }`);
  const outbound = `${modules}loadmodule "outbound.so"`;
  const [runs, ...messages] = verdict(outbound, 'add_path()');
  assert.equal(runs, 'runs without');
  assert.ok(messages.some((each) => each.startsWith('add_path() writes no flow token of outbound: ')));
  assert.equal(verdict(outbound, 'add_path_received()').at(0), 'runs whole');
  assert.deepEqual(verdict(modules, 'add_path()'), ['runs whole']);
});

test('a parameter of Kamailio that is not carried out is reported, unless its value changes nothing', () => {
  const tm = (value: string) => said(`loadmodule "tm.so"\nmodparam("tm", ${value})`, '');
  assert.deepEqual(tm('"blst_503", 0'), ['runs whole']);
  assert.deepEqual(tm('"blst_503", 1'), [
    'runs without',
    'parameter "blst_503" of tm is not carried out: no host goes on a list because it answered 503',
  ]);
  // One that changes nothing that is sent leaves the verdict alone.
  assert.deepEqual(tm('"wt_timer", 1000'), ['runs whole', 'parameter "wt_timer" of tm has no effect here']);
  assert.deepEqual(tm('"fr_timer", 1000'), ['runs whole']);
  assert.deepEqual(tm('"event_callback", "ksr_event"'), [
    'runs without',
    'parameter "event_callback" of tm names a function of a script that is not run',
  ]);
  assert.deepEqual(said('loadmodule "dialog.so"\nmodparam("dialog", "db_mode", 1)', ''), [
    'runs without',
    'parameter "db_mode" of dialog is not carried out: dialogs are in memory: they stay over a reload, not over a restart',
  ]);
});

test('the functions of a module that is not implemented are named, without those that another module has', () => {
  const [verdict, ...rest] = said('loadmodule "nat_traversal.so"\nloadmodule "enum.so"', '');
  assert.equal(verdict, 'runs whole');
  const traversal = rest.find((each) => each.includes('module nat_traversal'));
  assert.match(traversal ?? '', /^module nat_traversal is not supported, its functions are refused: client_nat_test, /);
  assert.doesNotMatch(traversal ?? '', /force_rport/);
  assert.match(rest.find((each) => each.includes('module enum')) ?? '', /its functions are refused: .*enum_query/);
});

test('the check names algorithms of pipes that limit nothing here', () => {
  const opensips = (algorithm: string): readonly string[] =>
    saidOf(
      'opensips',
      `socket=udp:127.0.0.1:5060\nloadmodule "ratelimit.so"\nmodparam("ratelimit", "default_algorithm", "${algorithm}")\nroute { if (!rl_check("a", 10, "${algorithm}")) exit; rl_check("b", 10); }\n`,
    );
  assert.deepEqual(opensips('RED'), ['runs whole']);
  assert.deepEqual(opensips('FEEDBACK'), [
    'runs without',
    'ratelimit: default_algorithm: FEEDBACK does not limit here',
    'rl_check(): FEEDBACK does not limit here',
  ]);
  const module = 'loadmodule "sl.so"\nloadmodule "ratelimit.so"\n';
  assert.deepEqual(said(`${module}modparam("ratelimit", "pipe", "0:TAILDROP:5")`, ''), ['runs whole']);
  assert.deepEqual(said(`${module}modparam("ratelimit", "pipe", "0:NETWORK:5")`, ''), [
    'runs without',
    'ratelimit: pipe: NETWORK does not limit here',
  ]);
});
