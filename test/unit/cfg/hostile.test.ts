import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cfg, cfgFile } from '../../support/cfg-script.js';
import { assertLinear } from '../../support/growth.js';

/** The first problem of a file as "line:column message"; it must be found within `max` milliseconds. */
function firstProblem(dialect: string, text: string, max = 3000): string {
  const began = performance.now();
  const { messages } = cfgFile(dialect, text);
  const took = performance.now() - began;
  assert.ok(took < max, `took ${Math.round(took)} ms`);
  return messages[0] ?? '';
}

test('a file of 10 MB is refused', () => {
  const text = `route {\n${'xlog("x");\n'.repeat(1_000_000)}}\n`;
  assert.match(firstProblem('opensips', text), /^1:1 "test.cfg" is longer than 8388608 bytes/);
});

test('a file of 7 MB of statements has too many', () => {
  const text = `route {\n${'xlog("x");\n'.repeat(600_000)}}\n`;
  assert.match(firstProblem('opensips', text, 20_000), /^\d+:\d+ more than (500000 statements|2000000 tokens)/);
});

test('10,000 routes are compiled, each calls the next', () => {
  const routes = Array.from(
    { length: 10_000 },
    (_, i) => `route[r${i}] {\n  if ($rU == "u${i}") { xlog("${i}"); }\n  route(r${i + 1});\n}\n`,
  );
  const began = performance.now();
  const file = cfgFile('opensips', `route { route(r0); }\n${routes.join('')}route[r10000] { exit; }\n`);
  assert.deepEqual(file.messages, []);
  assert.ok(performance.now() - began < 15_000);
  assert.match(file.run().faults[0] as string, /nested deeper than 100/);
});

test('thousands of calls of routes that do not exist are refused in time', () => {
  const calls = Array.from({ length: 3000 }, (_, i) => `route(q${i});\n`).join('');
  const routes = Array.from({ length: 15_000 }, (_, i) => `route[x${i}] { exit; }\n`).join('');
  const problem = firstProblem('opensips', `route {\n${calls}}\n${routes}`, 15_000);
  assert.equal(problem, '2:1 route "q0" is not defined; did you mean "x0"?');
});

test('a long line of random text is read in time in proportion to its length', () => {
  const cases = ['(', '%', '{', ',', '! ', '$', '"', 'if (1) ', 'x=1 '].map((unit) => ({
    name: unit,
    make: (length: number) => `${unit.repeat(length / unit.length)}\nroute { exit; }\n`,
  }));
  const lengths = [65_536, 262_144, 1_048_576];
  assertLinear('one line', cases, (text) => void cfgFile('kamailio', text), { lengths, maxMs: 3000, noiseMs: 150 });
});

test('directives one after another in a line, and lines joined by backslashes, are read in proportion to their length', () => {
  const line = (unit: string, head = '') => ({
    name: unit.trim(),
    make: (length: number) => `${head}${unit.repeat(length / unit.length)}\n\nrequest_route { exit; }\n`,
  });
  const cases = [line('#!trydefenv NONE '), line('import_file "none.cfg" '), line('x\\\n', '#!define A x\\\n')];
  const lengths = [65_536, 262_144, 1_048_576];
  assertLinear('directives', cases, (text) => void cfgFile('kamailio', text), { lengths, maxMs: 3000, noiseMs: 150 });
});

/** Lines 0 to `count` - 1 of a kind. */
function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');
}

const NO_ROUTE = 'request_route { exit; }\n';

test('flags, and unknown names of many kinds, are read in proportion to their number', () => {
  const many = (name: string, head: string, unit: (i: number) => string, tail: string) => ({
    name,
    make: (length: number) => {
      const count = Math.round(length / unit(1000).length);
      return `${head}${Array.from({ length: count }, (_, i) => unit(i)).join('')}${tail}\n`;
    },
  });
  const flags = [many('flags', 'flags ', (i) => `f${i},`, 'z;\nroute { exit; }')];
  const lengths = [65_536, 262_144, 1_048_576];
  assertLinear('flags', flags, (text) => void cfgFile('opensips', text), { lengths, maxMs: 3000, noiseMs: 300 });
  const cases = [
    many('functions', 'request_route {', (i) => `foo${i}();`, '}'),
    many('parameters', '', (i) => `childrenx${i}=1\n`, NO_ROUTE),
    many('modules', 'loadmodule "tm.so"\n', (i) => `modparam("q${i}", "p", 1)\n`, NO_ROUTE),
  ];
  assertLinear('names', cases, (text) => void cfgFile('kamailio', text), { lengths, maxMs: 3000, noiseMs: 1000 });
});

test('a file with too many modules, sockets, or parameters of modules found by expressions, is refused', () => {
  const modules = (count: number) => lines(count, (i) => `loadmodule "m${i}.so"`);
  assert.equal(firstProblem('kamailio', modules(200_000) + NO_ROUTE), '1001:1 more than 1000 modules');
  const each = (name: (i: number) => string) => modules(900) + lines(30_000, (i) => `modparam("${name(i)}", "p", 1)`);
  assert.equal(
    firstProblem('kamailio', each(() => 'm.*') + NO_ROUTE),
    '1123:1 parameters for more than 200000 modules',
  );
  assert.equal(
    firstProblem('kamailio', each((i) => `m(0|${i}x)`) + NO_ROUTE, 10_000),
    '1901:1 more than 1000 expressions for names of modules',
  );
  const named = lines(1000, (i) => `loadmodule "${'x'.repeat(60)}${i}.so"`);
  const long = named + lines(1000, (i) => `modparam("x.*|${'(x|y)*'.repeat(100)}${i}", "p", 1)`) + NO_ROUTE;
  assert.match(
    firstProblem('kamailio', long, 20_000),
    /^100\d:1 the names of modules, or the expressions .* too long$/,
  );
});

test('#!subst lines have a bounded amount of work, and texts do not grow without bound', () => {
  const strings = lines(16_000, (i) => `x.a${i} = "a string of some length ${i}"`) + NO_ROUTE;
  const expressions = lines(1000, (i) => `#!subst "/N${i}_[a-z]*[0-9]+/value/g"`);
  const tooMany = /^\d+:\d+ #!subst: these lines, or the strings to which they apply, are too many$/;
  assert.match(firstProblem('kamailio', expressions + strings, 15_000), tooMany);
  assert.match(firstProblem('kamailio', lines(60_000, (i) => `#!subst "/N${i}_.*/v/"`) + NO_ROUTE, 15_000), tooMany);
  const growing = `#!subst "/a/${'b'.repeat(100_000)}/g"\n#!subst "/b/${'c'.repeat(100_000)}/g"\n`;
  assert.match(firstProblem('kamailio', `${growing}x.a = "${'a'.repeat(2000)}"\n${NO_ROUTE}`, 15_000), tooMany);
  // One replacement alone would be longer than a string can be.
  const copies = `#!subst "/.*/${'\\\\0'.repeat(1000)}/"\n`;
  assert.match(firstProblem('kamailio', `${copies}x.a = "${'a'.repeat(1_000_000)}"\n${NO_ROUTE}`, 15_000), tooMany);
});

test('a missing brace is reported at the position where it is needed', () => {
  assert.match(
    firstProblem('opensips', 'route {\n  if ($rU=="a") {\n    exit;\n'),
    /^4:1 expected "}", not the end of the file/,
  );
  assert.match(firstProblem('opensips', 'route {\n  exit;\n}\n}\n'), /^4:1 expected a parameter or a route, not }/);
  assert.match(
    firstProblem('kamailio', `request_route {\n${'if (1) {\n'.repeat(100_000)}`),
    /^\d+:\d+ blocks nested deeper than 200/,
  );
});

test('brackets and operators nest to a bound, chains are long to a bound', () => {
  const deep = `${'('.repeat(50_000)}1${')'.repeat(50_000)}`;
  assert.match(
    firstProblem('kamailio', `request_route { $var(x) = ${deep}; }`),
    /^1:\d+ expression nested deeper than 200/,
  );
  assert.match(firstProblem('opensips', `route { if (${deep}) exit; }`), /^1:\d+ expression nested deeper than 200/);
  assert.match(
    firstProblem('kamailio', `request_route { $var(x) = ${'1 + '.repeat(50_000)}1; }`),
    /^1:\d+ expression nested deeper/,
  );
  assert.match(
    firstProblem('kamailio', `request_route { $var(x) = ${'! '.repeat(50_000)}1; }`),
    /^1:\d+ expression nested deeper/,
  );
  assert.match(
    firstProblem('opensips', `route { if (${'!'.repeat(50_000)}1) exit; }`),
    /^1:\d+ expression nested deeper/,
  );
  assert.match(firstProblem('opensips', `route { ${'if (1) '.repeat(50_000)} exit; }`), /^1:\d+ blocks nested deeper/);
});

test('strings, comments and variables that are not closed are reported', () => {
  assert.match(firstProblem('opensips', `route {\n xlog("${'x'.repeat(5_000_000)}`), /^2:7 this string is not closed/);
  assert.match(firstProblem('opensips', `route {\n /*${'*'.repeat(5_000_000)}`), /^2:2 this comment is not closed/);
  assert.match(
    firstProblem('opensips', `route {\n $(var(${'('.repeat(100_000)}`),
    /^2:2 "\)" missing for this variable/,
  );
  assert.match(
    firstProblem('opensips', `route {\n $var(${'x'.repeat(1_000_000)}`),
    /^2:2 "\)" missing for this variable/,
  );
  assert.match(firstProblem('opensips', `route {\n xlog("${'$'.repeat(20_000)}"); }`), /^2:7 format longer than 8192/);
});

test('definitions that double each other do not fill the memory', () => {
  const lines = Array.from({ length: 40 }, (_, i) => `#!define A${i + 1} A${i} A${i}`);
  const text = `#!define A0 xlog("x");\n${lines.join('\n')}\nrequest_route {\n A40\n}\n`;
  assert.match(firstProblem('kamailio', text, 20_000), /^43:2 (more than|blocks|")/);
});

test('garbage is refused with positions, and with a bounded number of errors', () => {
  const file = cfgFile('kamailio', `request_route {\n${'%% nosuch( ] = ;\n'.repeat(10_000)}}\n`);
  assert.ok(file.problems.length > 10 && file.problems.length < 200);
  assert.match(firstProblem('kamailio', '\0\x01\x02{{{;;;"'), /^1:4 /);
});

test('a regular expression of the file takes linear time whatever a peer sends', () => {
  const evil = `INVITE sip:${'a'.repeat(30_000)}!@sw.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`;
  const source =
    'if ($ru =~ "^sip:(a+)+$") xlog("T"); else xlog("F"); $var(s) = $(ru{re.subst,/(a|aa)+b/x/g}); xlog("$(var(s){s.len})");';
  for (const dialect of ['opensips', 'kamailio']) {
    const file = cfg(dialect, source.replace('xlog("T")', 'xlog("T")'));
    assert.match(file.messages[0] ?? '', /^$/);
    const began = performance.now();
    const { log } = file.run('request', undefined, evil);
    assert.deepEqual(log[0], 'F');
    assert.ok(performance.now() - began < 2000);
  }
});

test('back-references are refused, they have no linear time', () => {
  assert.match(
    firstProblem('opensips', 'route { if ($ru =~ "(a)\\\\1") exit; }'),
    /^1:20 .*back-reference \\1 is not supported/,
  );
});

test('each operand is compiled once, however deep strlen() is nested', () => {
  for (const operator of ['strlen', 'strempty', 'defined ']) {
    let expression = '$ru';
    for (let i = 0; i < 30; i++) expression = `("" + ${operator}(${expression} + "a"))`;
    assert.equal(firstProblem('kamailio', `request_route { if (${expression} == "1") exit; }`), '');
  }
  const { messages } = cfgFile('kamailio', 'request_route { if (strlen(strlen($ru)) == 1) exit; }');
  assert.equal(messages.filter((each) => each.includes('strlen takes no number')).length, 1);
});
