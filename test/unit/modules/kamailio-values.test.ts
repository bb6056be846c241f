import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, startScript } from '../../support/script-run.js';

/** Output recorded from Kamailio 5.6.3. */
const lines = (script: string) => linesOf({ dialect: 'kamailio', modules: 'corex', script });

test('a constant 1 in "&&" and a constant 0 in "||" is left out; any other constant makes the result 0 or 1', async () => {
  const conditions = ['$var(n) && 3', '$var(n) && 1', '3 && $var(n)', '1 && $var(n)', '$var(n) || 0', '$var(n) && !0'];
  const script = conditions.map((each) => `if (${each}) xlog("T\\n"); else xlog("F\\n");`).join('\n');
  assert.deepEqual(await lines(`$var(n) = -2;\n${script}`), ['T', 'F', 'T', 'F', 'F', 'F']);
  assert.deepEqual(await lines('$var(n) = -2; $var(r) = $var(n) && 3; xlog("$var(r)\\n");'), ['1']);
});

test('a string as operand of &&, || or ! is refused', () => {
  for (const condition of ['$var(n) && "a"', '"5" || 1', '!"a"']) {
    const script = `request_route { if (${condition}) exit; }`;
    assert.throws(() => startScript({ dialect: 'kamailio', script }), /needs numbers|! takes a number/, condition);
  }
});

test('numbers of script and branch flags may be computed; one outside of 0 to 31 fails', async () => {
  const script = `$var(m) = -1;
    setsflag("$var(m)"); xlog("$rc $sf\\n");
    setsflag(32); xlog("$rc $sf\\n");
    $var(m) = 30; setsflag($var(m) + 1); xlog("$rc $sf\\n");
    setbflag(-1); xlog("$rc $bf\\n");
    if (!issflagset("$var(none)")) xlog("0 is not set\\n");`;
  assert.deepEqual(await lines(script), ['-1 0', '-1 0', '1 2147483648', '-1 0', '0 is not set']);
});

test('a branch without q has none', async () => {
  const script =
    'append_branch("sip:b1@h"); append_branch("sip:b2@h", "0.5"); xlog("$(branch(q)[0]) $(branch(q)[1])\\n");';
  assert.deepEqual(await lines(script), ['<null> 500']);
});

test('a level of xlog() begins with L_ and a letter, or is a variable', async () => {
  assert.deepEqual(await lines('xlog("L_INFOX", "a\\n"); $var(l) = 1; xlog("$var(l)", "b\\n");'), ['a', 'b']);
  for (const level of ['info', 'L_err', 'x$var(l)', '']) {
    const script = `request_route { xlog("${level}", "a\\n"); }`;
    assert.throws(() => startScript({ dialect: 'kamailio', script }), /is not a log level/, level);
  }
});

test('negative values without a sign in the grammar are refused', () => {
  for (const call of ['strip(-1)', 'strip_tail(-1)', 'setflag(-1)']) {
    assert.throws(() => startScript({ dialect: 'kamailio', script: `request_route { ${call}; }` }), /below 0/, call);
  }
});
