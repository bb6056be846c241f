import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadCompleteCfg } from '../../../src/cfg-file/complete.js';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

/** Runs something in a folder with a kamailio.cfg of these lines. */
function inFolder<T>(lines: string, use: (file: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sw-mi-'));
  const file = join(folder, 'kamailio.cfg');
  try {
    writeFileSync(file, `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n${lines}\nrequest_route { exit; }\n`);
    return use(file, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Sockets of a file with their modes, and "?" where the daemon also starts without it. */
function sockets(lines: string, json = {}): string[] {
  return inFolder(lines, (file, folder) => {
    writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(json));
    const { mi } = loadCompleteCfg(file, { runtimeFolder: '/run/k' }).settings;
    const mode = (number: number): string => number.toString(8);
    return [
      ...(mi.ctl ?? []).map((each) => `${each.text} ${mode(each.unixMode)}${each.optional ? '?' : ''}`),
      ...(mi.jsonrpc ?? []).map(({ fifo, datagram, http, optional }) => {
        const where =
          fifo === undefined ? `${datagram?.socketName} ${datagram && mode(datagram.unixMode)}` : fifo.fifoName;
        return http === undefined ? `${where}${optional ? '?' : ''}` : `http ${http.root}`;
      }),
    ];
  });
}

// The sockets that Kamailio 5.6.3 opens for the same lines.
describe('the sockets that modules of Kamailio open', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['loadmodule "ctl.so"', ['unixs:/run/k/kamailio_ctl 600?']],
    ['loadmodule "ctl.so"\nmodparam("ctl", "mode", 0666)', ['unixs:/run/k/kamailio_ctl 666?']],
    ['loadmodule "ctl.so"\nmodparam("ctl", "binrpc", "unix:/tmp/c")', ['unix:/tmp/c 600']],
    ['loadmodule "ctl.so"\nmodparam("ctl", "fifo", "ctl.fifo")', []],
    ['loadmodule "jsonrpcs.so"', ['/run/k/kamailio_rpc.fifo?', '/run/k/kamailio_rpc.sock 660?']],
    ['loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "transport", 1)', []],
    ['loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "transport", 2)', ['/run/k/kamailio_rpc.fifo?']],
    ['loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "transport", 4)', ['/run/k/kamailio_rpc.sock 660?']],
    [
      'loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "fifo_name", "abc")\nmodparam("jsonrpcs", "dgram_mode", 0600)',
      ['/run/k/abc', '/run/k/kamailio_rpc.sock 600?'],
    ],
    ['loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "fifo_name", "")', ['/run/k/kamailio_rpc.sock 660?']],
  ];
  for (const [lines, expected] of cases) {
    test(lines === '' ? 'none without them' : lines.replaceAll('\n', '; '), () => {
      assert.deepEqual(sockets(lines), expected);
    });
  }

  test('endpoints in switchyard.json replace the default sockets', () => {
    const modules = 'loadmodule "ctl.so"\nloadmodule "jsonrpcs.so"';
    assert.deepEqual(sockets(modules, { http: '127.0.0.1:8080', mi: { ctl: [], jsonrpc: { http_root: 'RPC' } } }), [
      'http RPC',
    ]);
  });
});

test('a file does not run whole if a default socket cannot be opened', () => {
  const modules = 'loadmodule "ctl.so"\nloadmodule "jsonrpcs.so"';
  const found = inFolder(modules, (file) => inventory(readCfg(file, { runtimeFolder: '/nowhere/k' })));
  assert.equal(found.verdict, 'runs without');
  assert.deepEqual(
    found.things.filter(({ standing }) => standing === 'stands in').map(({ at, message }) => [at.line, message]),
    [
      [3, 'ctl: /nowhere/k/kamailio_ctl is not opened: its folder does not exist'],
      [4, 'jsonrpcs: /nowhere/k/kamailio_rpc.fifo is not opened: its folder does not exist'],
      [4, 'jsonrpcs: /nowhere/k/kamailio_rpc.sock is not opened: its folder does not exist'],
    ],
  );
  const whole = inFolder(modules, (file) => inventory(readCfg(file, { runtimeFolder: tmpdir() })));
  assert.equal(whole.verdict, 'runs whole');
});
