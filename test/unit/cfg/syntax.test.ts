import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KAMAILIO, OPENSIPS, OPENSIPS_3, OPENSIPS_OLD } from '../../../src/cfg/dialect.js';
import { detectDialect } from '../../../src/cfg/source/detect-dialect.js';
import { cfg, cfgFile } from '../../support/cfg-script.js';

describe('what is wrong with a script is reported with its position', () => {
  const cases: readonly (readonly [title: string, dialect: string, main: string, message: RegExp])[] = [
    ['a missing semicolon, at the next token', 'opensips', 'xlog("a")\nexit;', /^3:1 expected ";", not exit/],
    [
      'an unknown function, with the one meant',
      'opensips',
      'is_metod("BYE");',
      /^2:1 unknown function is_metod\(\); did you mean is_method\(\)\?/,
    ],
    ['a wrong count', 'kamailio', 'is_method();', /^2:1 is_method\(\) takes 1 argument, not 0/],
    [
      'an undefined route, with the one meant',
      'opensips',
      'route(RELAI);',
      /^2:1 route "RELAI" is not defined; did you mean "RELAY"\?/,
    ],
    ['an unknown variable in a string', 'opensips', 'xlog("$rX");', /^2:6 unknown variable \$rX .*; did you mean \$r/],
    ['a variable that is followed by letters', 'opensips', 'xlog("$rUx");', /^2:6 unknown variable \$rUx/],
    [
      'an unknown transformation',
      'kamailio',
      '$var(a) = $(rU{s.nosuch});',
      /^2:11 unknown transformation \{s\.nosuch\}/,
    ],
    [
      'a wrong regular expression',
      'opensips',
      'if ($ru =~ "([a-z") exit;',
      /^2:12 regular expression "\(\[a-z" is not valid/,
    ],
    ['a variable that is read-only', 'kamailio', '$ci = "x";', /^2:1 \$ci is read-only/],
    [
      'a string where a number is wanted',
      'opensips',
      'need("1", "t");',
      /^2:6 need\(\): number must be a number or a variable/,
    ],
    [
      'a number where a string is wanted',
      'opensips',
      'need(1, 2);',
      /^2:9 need\(\): text must be a string or a variable/,
    ],
    [
      'an argument that is not constant',
      'kamailio',
      'need($var(x), "t");',
      /^2:6 need\(\): a constant is expected, not \$var\(x\)/,
    ],
    [
      'types of constants that do not go together',
      'kamailio',
      '$var(r) = 1 + "2";',
      /^2:13 a number and a string cannot be added/,
    ],
    ['a string without end', 'kamailio', 'xlog("a);\nexit;', /^2:6 this string is not closed/],
    [
      'a quote that is missing and found later',
      'opensips',
      'xlog("a);\nxlog("b");',
      /^2:6 this string extends over several lines; its closing quote seems to be missing/,
    ],
    ['a comment without end', 'opensips', '/* open', /^2:1 this comment is not closed/],
    ['a bare block', 'opensips', '{ exit; }', /^2:1 expected a statement, not \{/],
    ['arithmetic on the left of a comparison', 'opensips', 'if ($ml + 1 > 5) exit;', /^2:9 expected "\)"/],
    ['break outside of loops', 'opensips', 'break;', /^2:1 break outside of a loop or switch/],
    [
      'a second default',
      'kamailio',
      'switch ($rU) { default: exit; case "a": exit; default: exit; }',
      /^2:47 a switch can have only one default/,
    ],
    [
      'a default that is not the last',
      'opensips',
      'switch ($rU) { default: exit; case "a": exit; }',
      /^2:31 default must be the last/,
    ],
    ['a case twice', 'kamailio', 'switch ($rU) { case "a": exit; case "a": exit; }', /case a occurs twice/],
    [
      'numbers and strings in one switch',
      'kamailio',
      'switch ($rU) { case "a": exit; case 1: exit; }',
      /this switch has both numbers and strings as cases/,
    ],
    ['% in kamailio.cfg', 'kamailio', '$var(r) = 7 % 4;', /^2:13 "%" is not an operator of kamailio.cfg, "mod" is/],
    ['a number with letters', 'opensips', '$var(x)=08;', /^2:9 08 is not a number/],
    [
      'a reserved word as the name of a route',
      'kamailio',
      '#!define NAME RELAY\nroute(NAME);',
      /^3:7 NAME cannot be the name of a route without quotes/,
    ],
    [
      'an async function that does not wait',
      'opensips',
      'async(is_method("BYE"), RELAY);',
      /^2:7 is_method\(\) cannot be called by async\(\)/,
    ],
  ];
  for (const [title, dialect, main, message] of cases) {
    test(`${title} (${dialect})`, () => {
      const { messages, script } = cfg(dialect, main, { 'route[RELAY]': 'exit;' });
      assert.match(messages[0] ?? '', message);
      assert.equal(dialect === '' || script === undefined || messages.length > 0, true);
    });
  }

  test('all mistakes are found, not only the first', () => {
    const { messages } = cfg('opensips', 'nosuch();\nxlog("a")\nexit;\n$ci="x";\nroute(none);');
    assert.deepEqual(
      messages.map((each) => Number(each.split(':')[0])).sort((a, b) => a - b),
      [2, 4, 5, 6],
    );
  });

  test('a function that a kind of route does not allow, through a called route in opensips', () => {
    const routes = { 'onreply_route[R]': 'route(h);', 'route[h]': 'is_method("BYE");' };
    assert.match(
      cfg('opensips', 'exit;', routes).messages[0] ?? '',
      /^8:1 is_method\(\) may not be called from a onreply route/,
    );
    assert.deepEqual(cfg('kamailio', 'exit;', routes).messages, []);
    assert.match(cfg('kamailio', 'exit;', { 'onreply_route[R]': 'is_method("BYE");' }).messages[0] ?? '', /^5:1 /);
  });

  test('a function of a module that is not loaded, and an unknown one that is to be logged', () => {
    const { faults, log } = cfg('opensips', 'nosuch(1); xlog("$rc");', {}, { unknownFunctions: 'log' }).run();
    assert.deepEqual(log, ['-1']);
    assert.match(faults[0] as string, /^2:1 unknown function nosuch\(\)/);
  });
});

describe('routes that nothing enters', () => {
  test('an unknown function in such a route is a warning, unless a name of a route is computed', () => {
    const routes = { 'route[OLD]': 'nosuch();' };
    const { problems, script } = cfg('opensips', 'exit;', routes);
    assert.deepEqual(
      problems.map(({ severity, code }) => [severity, code]),
      [['warning', 'unknown-function']],
    );
    assert.notEqual(script, undefined);
    assert.equal(cfg('opensips', 'route($var(x));', routes).problems[0]?.severity, 'error');
  });
});

describe('blocks of a file', () => {
  test('a second route of one name is refused; a second main route is refused in opensips.cfg and appended in kamailio.cfg', () => {
    assert.match(
      cfgFile('opensips', 'route { exit; }\nroute { exit; }').messages[0] ?? '',
      /^2:1 request route is defined twice, in line 2 and before in test.cfg line 1/,
    );
    assert.deepEqual(cfgFile('kamailio', 'request_route { xlog("a"); }\nrequest_route { xlog("b"); }').run().log, [
      'a',
      'b',
    ]);
    assert.match(
      cfgFile('kamailio', 'route[A] { exit; }\nroute[A] { exit; }').messages[0] ?? '',
      /^2:18 request route "A" is defined twice/,
    );
  });

  test('a route whose kind does not allow its name is refused; other names may have colons and blanks', () => {
    for (const text of [
      'failure_route { exit; }',
      'local_route[x] { exit; }',
      'timer_route[x] { exit; }',
      'session_route[x] { exit; }',
    ]) {
      assert.equal(cfgFile('opensips', text).messages.length > 0, true, text);
    }
    assert.match(cfgFile('kamailio', 'route[A-B] { exit; }').messages[0] ?? '', /^1:7 route name A-B needs quotes/);
    const { tree } = cfgFile(
      'kamailio',
      'event_route[tm:branch-failure:F] { exit; } event_route[dispatcher:dst-down] { exit; } route["A B"] { exit; }',
    );
    assert.deepEqual(
      tree.routes.map(({ kind, name }) => [kind, name]),
      [
        ['branch-failure', 'F'],
        ['event', 'dispatcher:dst-down'],
        ['request', 'A B'],
      ],
    );
    assert.equal(cfgFile('opensips', 'timer_route[t, 5] { exit; }').tree.routes[0]?.interval, 5);
  });

  test('a parameter of the core keeps the words after its value, such as advertise and name', () => {
    const { tree } = cfgFile(
      'kamailio',
      'debug=2\nlisten=udp:127.0.0.30:15062 advertise 203.0.113.5:5099 name "sec"\nalias="a" alias="b"\ngrp.num = 42 desc "a number"\nloadpath "/x"\nport = -1\nexit_timer\n=3',
    );
    const shown = tree.parameters.map(({ name, value, rest, at }) => [
      name,
      value?.kind === 'word' || value?.kind === 'int' ? value.text : value?.value,
      rest.map((each) => (each.kind === 'word' ? each.text : each.value)).join(' '),
      at.line,
    ]);
    assert.deepEqual(shown, [
      ['debug', '2', '', 1],
      ['listen', 'udp:127.0.0.30:15062', 'advertise 203.0.113.5:5099 name sec', 2],
      ['alias', 'a', '', 3],
      ['alias', 'b', '', 3],
      ['grp.num', '42', 'desc a number', 4],
      ['loadpath', '/x', '', 5],
      ['port', '-1', '', 6],
      ['exit_timer', '3', '', 7],
    ]);
  });

  test('loadmodule and modparam are parsed', () => {
    const { tree, messages } = cfgFile(
      'opensips',
      'loadmodule "/usr/lib/tm.so"\nmodparam("tm", "fr_timeout", 5)\nmodparam("tn", "x", "y")\nroute { exit; }',
    );
    assert.deepEqual(
      tree.modules.map(({ name }) => name),
      ['tm'],
    );
    assert.deepEqual(tree.moduleParameters.map(({ name, value }) => [name, value])[0], ['fr_timeout', 5]);
    assert.match(messages[0] ?? '', /^3:1 module tn is not loaded before this line; did you mean "tm"\?/);
  });

  test('a parameter of a module is a number by a word in kamailio.cfg', () => {
    const text = (value: string) => `loadmodule "tm.so"\nmodparam("tm", "noisy_ctimer", ${value})\nroute { exit; }`;
    const valueIn = (value: string) => cfgFile('kamailio', text(value)).tree.moduleParameters[0]?.value;
    assert.deepEqual(['yes', 'off', 'enable', '"yes"'].map(valueIn), [1, 0, 1, 'yes']);
    assert.match(cfgFile('kamailio', text('True')).messages[0] ?? '', /^2:32 expected a number or a string/);
  });

  test('a parameter of a module is a number by a word in opensips.cfg', () => {
    const text = (value: string) =>
      `loadmodule "tm.so"\nmodparam("tm", "restart_fr_on_each_reply", ${value})\nroute { exit; }`;
    for (const dialect of ['opensips', 'opensips-old'] as const) {
      const valueIn = (value: string) => cfgFile(dialect, text(value)).tree.moduleParameters[0]?.value;
      assert.deepEqual(['yes', 'No', 'on', 'off', 'true', '"yes"'].map(valueIn), [1, 0, 1, 0, 1, 'yes']);
      assert.match(cfgFile(dialect, text('maybe')).messages[0] ?? '', /^2:44 expected a number or a string/);
    }
  });

  test('a transformation on the left side of an assignment is passed over in opensips.cfg', () => {
    const { log } = cfg('opensips', '$var(a){s.substr,0,1} = "whole"; xlog("$var(a)");').run();
    assert.deepEqual(log, ['whole']);
    assert.match(cfg('opensips', '$var(a) { exit; }').messages[0] ?? '', /^2:9 expected "=" after \$var\(a\), not \{/);
  });

  test('comparisons need no blanks', () => {
    const { log } = cfg(
      'opensips-old',
      'if (uri==myself) xlog("own"); if (method=="INVITE" && src_ip!=10.0.0.0/8) xlog("T"); if (retcode==1) xlog("rc");',
    ).run();
    assert.deepEqual(log, ['T', 'rc']);
  });
});

describe('the dialect of a file', () => {
  const cases: readonly (readonly [text: string, dialect: unknown])[] = [
    ['#!KAMAILIO\nlisten=udp:1.1.1.1\n', KAMAILIO],
    ['#\n# $Id$\n#\n#!OPENSIPS\nroute { exit; }', OPENSIPS_3],
    ['#!define WITH_X\nrequest_route { exit; }', KAMAILIO],
    ['listen=udp:1.1.1.1\nloadmodule "tm.so"\nroute { if (uri==myself) exit; }\nstartup_route { exit; }', OPENSIPS_OLD],
    ['socket=udp:1.1.1.1\nudp_workers=4\nroute { exit; }', OPENSIPS_3],
    ['socket=udp:1.1.1.1\nstderror_enabled=no\nroute { append_branch(); }', OPENSIPS],
    ['mpath="/usr/lib/m/"\nlisten=udp:1.1.1.1\nloadmodule "kex.so"\nroute { if (uri==myself) break; }', KAMAILIO],
    ['route { exit; }', undefined],
  ];
  for (const [text, dialect] of cases) {
    test(JSON.stringify(text.slice(0, 40)), () => assert.equal(detectDialect(text), dialect));
  }
});
