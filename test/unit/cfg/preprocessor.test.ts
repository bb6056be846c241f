import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KAMAILIO } from '../../../src/cfg/dialect.js';
import { parseConfiguration } from '../../../src/cfg/source/configuration.js';
import { type CfgOptions, cfg, cfgFile } from '../../support/cfg-script.js';

const run = (head: string, main: string, options: CfgOptions = {}) =>
  cfgFile('kamailio', `${head}\nrequest_route {\n${main}\n}\n`, options).run().log;

test('conditions nest, and a stray #!else changes nothing', () => {
  const main =
    '#!ifdef A\nxlog("A");\n#!ifdef B\nxlog("AB");\n#!endif\n#!else\nxlog("notA");\n  #!ifdef B\nxlog("B");\n  #!endif\n#!endif\n#!else\nxlog("end");';
  assert.deepEqual(run('#!define B', main), ['notA', 'B', 'end']);
});

test('a definition replaces the bare word, not text in strings, and may be a statement', () => {
  const head = '#!define VAL 40 + \\\n 1\n#!define TWO VAL\n#!define SAY xlog("macro");\n#!define TEXT "t"';
  assert.deepEqual(run(head, '$var(x) = TWO; xlog("$var(x) VAL $def(TEXT)"); SAY xlog(TEXT);'), [
    '41 VAL "t"',
    'macro',
    't',
  ]);
});

test('#!subst changes strings, #!substdef defines as well', () => {
  assert.deepEqual(
    run(
      '#!subst "/gw([0-9])/host\\1/g"\n#!substdef "!PORT!5080!g"',
      '$var(p) = PORT; xlog("gw1 gw2 PORT"); xlog("$var(p)");',
    ),
    ['host1 host2 5080', '5080'],
  );
});

test('#!trydef, #!redefine, -A and the environment', () => {
  const options = { defines: { CLI: '12' }, environment: { EV: 'value' } };
  const head =
    '#!define A 1\n#!trydef A 2\n#!define B 1\n#!redefine B 2\n#!defenv EV\n#!trydefenv NONE\n#!defenvs Q=EV';
  assert.deepEqual(
    run(head, '$var(a) = A; $var(b) = B; xlog("$var(a) $var(b) $def(CLI) $def(EV) $def(Q)");', options),
    ['1 2 12 value "value"'],
  );
});

test('an include may stand anywhere; errors have positions in the included file', () => {
  const files = { 'body.cfg': 'xlog("in body");\n', 'bad.cfg': '\n\nnosuch();\n' };
  assert.deepEqual(run('import_file "missing.cfg"', 'include_file "body.cfg"\nxlog("after");', { files }), [
    'in body',
    'after',
  ]);
  const { problems } = cfg('kamailio', 'include_file "bad.cfg"', {}, { files });
  assert.deepEqual(problems[0]?.at, { file: 'bad.cfg', line: 3, column: 1 });
  assert.deepEqual(cfg('opensips', 'include_file "body.cfg"', {}, { files }).run().log, ['in body']);
});

test('a mistake in the value of a definition is reported where it is used', () => {
  const { messages } = cfgFile('kamailio', '#!define BAD nosuch();\nrequest_route {\n  BAD\n}\n');
  assert.match(messages[0] ?? '', /^3:3 unknown function nosuch/);
});

test('a directive that cannot be executed is refused with its line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['#!define A 1\n#!define A 2', /^2:1 #!define: "A" is defined already/],
    ['#!ifdef A', /^1:1 #!endif is missing for this line/],
    ['#!endif', /^1:1 #!endif without an #!ifdef before it/],
    ['#!defenv NONE', /^1:1 #!defenv: the environment has no variable "NONE"/],
    ['include_file "none.cfg"', /^1:14 included file "none.cfg" cannot be read/],
    ['#!subst "/[/x/"', /^2:1 #!subst: regular expression "\[" is not valid.*, in line 1/],
    ['#!ifexp A == 5', /^1:1 #!ifexp: expressions need Kamailio 5.7 or later/],
  ];
  for (const [head, message] of cases) {
    assert.match(cfgFile('kamailio', `${head}\nrequest_route { exit; }\n`).messages[0] ?? '', message);
  }
});

test('conditions are counted, and a block whose "#!endif" is missing ends with the file', () => {
  const lines = '#!endif\nxlog("a");\n#!ifdef A\n#!else\nxlog("b");';
  assert.deepEqual(run('', lines), ['a', 'b']);
  assert.deepEqual(run('', '#!else\nxlog("a");'), ['a']);
  const { messages } = cfgFile('kamailio', 'request_route {\n#!ifdef A\nexit;\n}\n');
  assert.match(messages[0] ?? '', /^5:1 expected .*, not the end of the file/);
  assert.match(messages[1] ?? '', /^2:1 #!endif is missing for this line/);
  const surplus = cfgFile('kamailio', 'request_route {\n#!ifdef A\n#!endif\n#!endif\nexit;\n}\n').messages;
  assert.match(surplus[0] ?? '', /^4:1 #!endif without an #!ifdef before it/);
});

test('lines with "#" that are not directives are comments', () => {
  assert.deepEqual(
    run(
      '#!nosuch thing\n##!define A\n# !define A',
      '#!ifdef A\nxlog("A");\n#!endif\nxlog("end"); #!define LATE\n#!ifdef LATE\nxlog("late");\n#!endif',
    ),
    ['end', 'late'],
  );
});

test('definitions that name each other end, files that include each other are refused', () => {
  const { messages } = cfgFile('kamailio', '#!define A B\n#!define B A\nrequest_route {\n$var(x) = A;\n}');
  assert.match(messages[0] ?? '', /^4:11 A is not a value/);
  const files = { 'a.cfg': 'include_file "b.cfg"\n', 'b.cfg': 'include_file "a.cfg"\n' };
  const { problems } = cfgFile('kamailio', 'include_file "a.cfg"\nrequest_route { exit; }', { files });
  assert.match(problems[0]?.message ?? '', /"a.cfg" includes itself/);
  assert.equal(problems[0]?.at.file, 'b.cfg');
});

test('the value of a definition is joined to the text next to its name', () => {
  const { tree } = parseConfiguration(
    {
      file: 'k.cfg',
      text: '#!define PORT 5170\n#!substdef "!MY_IP!127.0.0.1!g"\nlisten=udp:MY_IP:PORT\nlisten=tcp:MY_IP:5171 advertise MY_IP:PORT\n',
    },
    { dialect: KAMAILIO, reader: { read: () => undefined } },
  );
  assert.deepEqual(
    tree.parameters.map(({ value, rest }) => [value, ...rest].map((each) => (each as { text: string }).text)),
    [['udp:127.0.0.1:5170'], ['tcp:127.0.0.1:5171', 'advertise', '127.0.0.1:5170']],
  );
});

test('a line that is not a directive is a comment, and a condition without a name is a condition', () => {
  const accepted = [
    '#!define 1A 5',
    '#!define',
    '!!define A 1',
    '#!ifdef \nnosuch=1\n#!endif',
    '#!ifdef A\nnosuch=1\n#!else x\nnosuch=1\n#!endif',
    '#!endif x',
    "#!subst '/a\\/b/c/'",
    '#!subst "//x/"',
  ];
  for (const head of accepted)
    assert.deepEqual(cfgFile('kamailio', `${head}\nrequest_route { exit; }\n`).messages, [], head);
});

test('a comment without an end goes to the end of the file, with a warning where nothing is open', () => {
  const { problems } = cfgFile('kamailio', 'request_route { exit; }\n/* x\n');
  assert.deepEqual(
    problems.map(({ severity, at }) => [severity, at.line]),
    [['warning', 2]],
  );
  assert.match(
    cfgFile('kamailio', 'request_route {\n/* x\n exit;\n}').messages[0] ?? '',
    /the end of the file in a comment that begins in line 2/,
  );
});
