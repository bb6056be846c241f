import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { problemText } from '../../../src/cfg/problem.js';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';
import { scriptFunctions } from '../../../src/modules/all.js';
import { missingFunctions } from '../../../src/modules/not-here.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-missing-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('no function is listed as missing that is implemented, and none twice', () => {
  for (const dialect of ['opensips', 'kamailio'] as const) {
    const names = missingFunctions(dialect);
    assert.deepEqual(
      names.filter((name) => scriptFunctions().find(dialect, name).length > 0),
      [],
    );
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
  }
});

test('a function of a module that is not implemented is refused with the name of the module and its position', () => {
  const problemsOf = (module: string, call: string): string[] => {
    const file = join(folder, 'proxy.cfg');
    writeFileSync(file, `#!OPENSIPS\nsocket=udp:127.0.0.1:5060\nloadmodule "${module}.so"\nroute {\n  ${call};\n}\n`);
    return readCfg(file)
      .problems.map(problemText)
      .map((text) => text.slice(text.indexOf('proxy.cfg')));
  };
  assert.deepEqual(problemsOf('call_control', 'call_control()'), [
    'proxy.cfg:5:3: function call_control() of module call_control is not supported',
  ]);
  assert.match(
    problemsOf('rtpproxy', 'rtpproxy_all_stats($avp(x))').join(),
    /rtpproxy_all_stats\(\) of module rtpproxy is not supported/,
  );
  assert.match(problemsOf('tm', 't_rely()').join(), /unknown function t_rely\(\); did you mean t_relay\(\)\?/);
});

test('the message about a function of a module that is not loaded names the modules of the dialect', () => {
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, '#!KAMAILIO\nloadmodule "textops.so"\nrequest_route { if (has_totag()) exit; }\n');
  const problems = readCfg(file).problems.map(problemText).join('\n');
  assert.match(problems, /has_totag\(\) is a function of module siputils, which is not loaded/);
});

test('check reports modules whose functions are refused, and modules without effect', () => {
  const file = join(folder, 'modules.cfg');
  const modules = ['event_routing', 'b2b_entities', 'sockets_mgm'].map((name) => `loadmodule "${name}.so"`).join('\n');
  writeFileSync(file, `#!OPENSIPS\nsocket=udp:127.0.0.1:5060\n${modules}\nroute { exit; }\n`);
  const { things } = inventory(readCfg(file));
  assert.deepEqual(
    things.filter(({ kind, standing }) => kind === 'module' && standing === 'no effect').map(({ message }) => message),
    [
      'module event_routing is not supported, its functions are refused: notify_on_event, wait_for_event',
      'module b2b_entities is not supported, its functions are refused: b2b_server_new, b2b_client_new, b2b_init_request, ua_session_server_init, ua_session_client_start, ua_session_update, ...',
      'module sockets_mgm is accepted but has no effect',
    ],
  );
});

test('a function of a module of Kamailio that is not implemented is refused with the name of the module', () => {
  const file = join(folder, 'kamailio.cfg');
  const calls: readonly (readonly [module: string, call: string])[] = [
    ['lcr', 'load_gws(1)'],
    ['msilo', 'm_store()'],
    ['userblocklist', 'check_blocklist()'],
    ['dialog', 'dlg_bridge("sip:a@b", "sip:c@d", "sip:e@f")'],
  ];
  for (const [module, call] of calls) {
    const head = `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\nloadmodule "pv.so"\nloadmodule "${module}.so"\n`;
    writeFileSync(file, `${head}request_route {\n  ${call};\n}\n`);
    const name = call.slice(0, call.indexOf('('));
    const texts = readCfg(file).problems.map(problemText);
    assert.ok(
      texts.some((text) => text.includes(`:6:3: function ${name}() of module ${module} is not supported`)),
      texts.join('\n'),
    );
  }
});

test('a file of Kamailio with exec_avp() is run without this function', () => {
  const file = join(folder, 'exec.cfg');
  const body = 'if (!exec_avp("echo x", "$avp(x)")) xlog("none\\n");';
  writeFileSync(
    file,
    `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\nloadmodule "pv.so"\nloadmodule "xlog.so"\nloadmodule "exec.so"\nrequest_route {\n  ${body}\n}\n`,
  );
  const { verdict, things } = inventory(readCfg(file));
  assert.deepEqual(
    [verdict, things.filter(({ standing }) => standing !== 'supported').map(({ name }) => name)],
    ['runs without', ['exec_avp()']],
  );
});
