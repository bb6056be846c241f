import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cfg } from '../../support/cfg-script.js';

const log = (dialect: string, main: string, routes: Record<string, string> = {}) =>
  cfg(dialect, main, routes).run().log;

describe('opensips: the flow of a script', () => {
  const run = (main: string, routes: Record<string, string> = {}) => log('opensips', main, routes);

  test('while ends by its condition, by break, and after max_while_loops rounds', () => {
    assert.deepEqual(run('$var(i)=0; while ($var(i)<2) { xlog("$var(i)"); $var(i)+=1; }'), ['0', '1']);
    assert.deepEqual(run('while (1) { if ($var(i)==3) break; $var(i)=3; } xlog("$var(i)");'), ['3']);
    const { log: lines, faults } = cfg('opensips', '$var(i)=0; while (1) $var(i)+=1; xlog("$var(i)");').run();
    assert.deepEqual(lines, ['10000']);
    assert.match(faults[0] as string, /^2:12 while loop stopped after 10000 iterations/);
  });

  test('switch compares with types, falls through, and break leaves the switch only', () => {
    const source = (value: string) =>
      `$var(s)=${value}; switch ($var(s)) { case 2: xlog("int"); case "x": xlog("x"); break; default: xlog("other"); }`;
    assert.deepEqual(run(source('2')), ['int', 'x']);
    assert.deepEqual(run(source('"2"')), ['other']);
    assert.deepEqual(run('switch ($avp(none)) { case "": xlog("empty"); break; default: xlog("default"); }'), [
      'default',
    ]);
    const inLoop =
      '$var(i)=0; while ($var(i)<2) { $var(i)+=1; switch ($var(i)) { case 1: break; default: xlog("$var(i)"); } }';
    assert.deepEqual(run(inLoop), ['2']);
  });

  test('for goes over all values, as they are when it begins', () => {
    const source = '$avp(a)="x"; $avp(a)="y"; for ($var(v) in $(avp(a)[*])) { $avp(a)="z"; xlog("$var(v)"); }';
    assert.deepEqual(run(source), ['y', 'x']);
  });

  test('a route without a statement counts as not defined where it is called', () => {
    const routes = { 'route[r]': ';' };
    assert.deepEqual(cfg('opensips', 'route(r);', routes).messages, [
      '2:1 route "r" is not defined: it has no statement',
    ]);
    assert.deepEqual(log('kamailio', 'route(r); xlog("on");', routes), ['on']);
  });

  test('names of transformations are written in either letter case, without blanks', () => {
    assert.deepEqual(run('$var(s)="abc"; xlog("$(var(s){S.Len})");'), ['3']);
    for (const name of [' s.len', 's.len ', ' s.substr,0,1'])
      assert.match(
        cfg('opensips', `$var(s)="abc"; xlog("$(var(s){${name}})");`).messages[0] ?? '',
        /blank in the name/,
      );
  });

  test('{ip.resolve} knows addresses and localhost', () => {
    assert.deepEqual(run('$var(s)="localhost"; xlog("$(var(s){ip.resolve})");'), ['127.0.0.1']);
    assert.deepEqual(run('$var(s)="host.invalid"; xlog("$(var(s){ip.resolve})");'), ['<null>']);
  });

  test('return gives its number, 0 ends the script from any depth', () => {
    assert.deepEqual(run('route(r); xlog("$rc");', { 'route[r]': 'return(7);' }), ['7']);
    const { log: lines, outcome } = cfg('opensips', 'route(a); xlog("back");', {
      'route[a]': 'route(b); xlog("a");',
      'route[b]': 'return(0);',
    }).run();
    assert.deepEqual(lines, []);
    assert.equal(outcome, 'return-0');
  });

  test('a route without return returns the result of its last statement', () => {
    assert.deepEqual(run('route(r); xlog("$rc");', { 'route[r]': 'is_method("BYE");' }), ['-1']);
    assert.deepEqual(run('route(r); xlog("$rc");', { 'route[r]': 'is_method("BYE"); $var(x)=0;' }), ['1']);
  });

  test('$rc has the result of a function in a condition, is 0 after an if whose branch did not run, and is unchanged by a loop', () => {
    assert.deepEqual(run('if (!is_method("BYE")) { xlog("$rc"); }'), ['-1']);
    assert.deepEqual(run('is_method("BYE"); if (0) xlog("x"); xlog("$rc");'), ['0']);
    const loop = 'route(r); while ($rc<0) { xlog("in"); break; } xlog("$rc");';
    assert.deepEqual(run(loop, { 'route[r]': 'return(-5);' }), ['in', '-5']);
  });

  test('parameters belong to the innermost route', () => {
    const routes = {
      'route[a]': 'xlog("$param(1) $param(2)"); route(b); xlog("$param(1)");',
      'route[b]': 'xlog("[$param(1)]");',
    };
    assert.deepEqual(run('route(a,"one",2);', routes), ['one 2', '[<null>]', 'one']);
  });

  test('values of "return" after the first are $return(n)', () => {
    assert.deepEqual(run('route(r); xlog("$return(0)");', { 'route[r]': 'return(1,"extra");' }), ['extra']);
  });

  test('routes nest to a bound, and the script goes on', () => {
    const { log: lines, faults } = cfg('opensips', '$var(d)=0; route(r); xlog("$var(d)");', {
      'route[r]': '$var(d)=$var(d)+1; route(r);',
    }).run();
    assert.deepEqual(lines, ['99']);
    assert.match(faults[0] as string, /nested deeper than 100/);
  });

  test('a route whose name is computed is found when it is called', () => {
    assert.deepEqual(
      run('$var(r)="r"; route($var(r)); route($var(none)); xlog("$rc");', { 'route[r]': 'xlog("in r");' }),
      ['in r', '1'],
    );
  });

  test('exit and drop end the script in a called route', () => {
    for (const end of ['exit', 'drop'] as const) {
      const { log: lines, outcome } = cfg('opensips', 'if (route(r)) xlog("T"); else xlog("F");', {
        'route[r]': `${end};`,
      }).run();
      assert.deepEqual(lines, []);
      assert.equal(outcome, end);
    }
  });
});

describe('kamailio: the flow of a script', () => {
  const run = (main: string, routes: Record<string, string> = {}) => log('kamailio', main, routes);

  test('while takes any number but 0, if takes those above 0', () => {
    assert.deepEqual(run('$var(n) = -2; if ($var(n)) xlog("T"); while ($var(n)) { xlog("loop"); $var(n) = 0; }'), [
      'loop',
    ]);
  });

  test('a loop that is ended after max_while_loops rounds fails the route that ends with it', () => {
    const endless = '$var(i) = 1; while (1) { $var(i) = $var(i) + 1; }';
    const routes = { 'route[A]': endless, 'route[B]': `${endless} $var(x) = 1;` };
    assert.deepEqual(run('route(A); xlog("$rc"); if (!route(A)) xlog("false"); route(B); xlog("$rc");', routes), [
      '-1',
      'false',
      '1',
    ]);
  });

  test('$rc is set by calls as statements and in conditions, not by assignments', () => {
    assert.deepEqual(
      run('is_method("BYE"); $var(x) = 5; prefix("1"); xlog("$rc"); if (is_method("INVITE")) { ; } xlog("$rc");'),
      ['-1', '1'],
    );
  });

  test('a route returns the result of its last statement, 1 after an if', () => {
    assert.deepEqual(
      run('route(A); xlog("$rc"); route(B); xlog("$rc");', {
        'route[A]': 'is_method("BYE");',
        'route[B]': 'if (is_method("BYE")) { return 5; }',
      }),
      ['-1', '1'],
    );
  });

  test('a call in an expression counts as 1 or 0; alone on the right side it gives its return code', () => {
    assert.deepEqual(
      run('$var(a) = route(A); $var(b) = route(A) + 1; xlog("$var(a) $var(b)"); if (route(A) < 0) xlog("x");', {
        'route[A]': 'return -3;',
      }),
      ['-3 1'],
    );
  });

  test('break in a called route ends that route', () => {
    assert.deepEqual(run('route(A); xlog("after");', { 'route[A]': 'xlog("a"); break; xlog("b");' }), ['a', 'after']);
  });

  test('a case may be a regular expression, which distinguishes letter case', () => {
    assert.deepEqual(
      run('switch ($rU) { case /"^BO": xlog("caps"); break; case /"^b.b$": xlog("re"); break; default: xlog("d"); }'),
      ['re'],
    );
  });

  test('loops stop after 100 rounds', () => {
    assert.deepEqual(run('$var(i) = 0; while (1) { $var(i) = $var(i) + 1; } xlog("$var(i)");'), ['100']);
  });
});

describe('bounds of a run', () => {
  test('a script that executes too many operations ends with one fault', () => {
    const { outcome, faults } = cfg(
      'opensips',
      'while (1) { while (1) { $var(x)=1; } }',
      {},
      { bounds: { work: 1000 } },
    ).run();
    assert.equal(outcome, 'exit');
    assert.deepEqual(faults.length, 1);
    assert.match(faults[0] as string, /executes too many operations/);
  });

  test('the length of a string is bounded', () => {
    const { log: lines, faults } = cfg(
      'opensips',
      '$var(s)="0123456789"; while ($(var(s){s.len})<90) { $var(s)=$var(s)+$var(s); if ($var(s)==NULL) break; } xlog("$var(s)");',
      {},
      { bounds: { text: 50 } },
    ).run();
    assert.deepEqual(lines, ['<null>']);
    assert.match(faults[0] as string, /longer than 50 characters/);
  });
});

test('labels that differ in letter case only: the first one counts', () => {
  const script = '$var(v)="b"; switch ($var(v)) { case "B": xlog("first"); break; case "b": xlog("second"); break; }';
  assert.deepEqual(cfg('opensips', script).run().log, ['first']);
  assert.deepEqual(cfg('kamailio', script).run().log, ['second']);
});

test('a constant may be compared with and added to any type', () => {
  const script = (value: string) =>
    `$var(v)=${value}; if ($var(v)=="7") xlog("text"); if ($var(v)==7) xlog("number"); if ($var(v)!="x") xlog("no x"); ` +
    'if ($var(v)>6) xlog("more"); $var(w)=$var(v)+3; xlog("$var(w)"); $var(w)=$var(v)-3; xlog("$var(w)");';
  const run = (dialect: 'opensips' | 'kamailio', value: string) => cfg(dialect, script(value)).run().log;
  assert.deepEqual(run('kamailio', '7'), ['text', 'number', 'no x', 'more', '10', '4']);
  assert.deepEqual(run('kamailio', '"7"'), ['text', 'number', 'no x', 'more', '73', '4']);
  assert.deepEqual(run('kamailio', '-2147483648'), ['no x', '-2147483645', '2147483645']);
  assert.deepEqual(run('opensips', '7'), ['text', 'number', 'no x', 'more', '10', '4']);
  assert.deepEqual(run('opensips', '"7"'), ['text', 'no x', '<null>', '<null>']);
});

describe('functions that wait', () => {
  test('statements after a function that waits run when its result is there', async () => {
    const { done, log: lines } = cfg(
      'kamailio',
      'later("5"); xlog("$rc"); if (!later("-1") && is_method("INVITE")) xlog("T");',
    ).run();
    assert.deepEqual(lines, []);
    assert.equal(await done, 'ended');
    assert.deepEqual(lines, ['5', 'T']);
  });

  test('a route that waits makes its callers wait, in loops as well', async () => {
    const { done, log: lines } = cfg(
      'opensips',
      '$var(i)=0; while ($var(i)<2) { $var(i)+=1; $var(r)=route(r); xlog("$var(r)"); }',
      {
        'route[r]': 'later(4); return($rc);',
      },
    ).run();
    await done;
    assert.deepEqual(lines, ['4', '4']);
  });

  test('a request that does not reach the waiting function is not delayed', async () => {
    for (const [dialect, one] of [
      ['kamailio', '"1"'],
      ['opensips', '1'],
    ] as const) {
      const { done, log: lines } = cfg(
        dialect,
        `if (is_method("BYE")) later(${one}); else xlog("a"); route(R); xlog("b"); if (is_method("INVITE")) route(R); xlog("c");`,
        { 'route[R]': `if (is_method("BYE")) { later(${one}); exit; } xlog("R"); return(1);` },
      ).run();
      assert.deepEqual(lines, ['a', 'R', 'b', 'R', 'c']);
      assert.equal(await done, 'ended');
    }
  });

  test('cases of a switch go on after one that waits, up to a break', async () => {
    const at = (value: string) =>
      cfg(
        'opensips',
        `$var(v)=${value}; switch ($var(v)) { case "a": xlog("a"); case "b": later(1); xlog("b"); case "c": xlog("c"); break; ` +
          'default: xlog("d"); } xlog("end");',
      ).run();
    for (const [value, lines] of [
      ['"a"', ['a', 'b', 'c', 'end']],
      ['"B"', ['b', 'c', 'end']],
    ] as const) {
      const { done, log } = at(value);
      assert.equal(await done, 'ended');
      assert.deepEqual(log, lines);
    }
    // No callback waits for these.
    assert.deepEqual(at('"c"').log, ['c', 'end']);
    assert.deepEqual(at('"z"').log, ['d', 'end']);
    assert.deepEqual(at('7').log, ['d', 'end']);
  });

  test('routes without functions that wait create no promise', () => {
    const file = cfg('opensips', 'is_method("BYE");', { 'route[r]': 'later(1);' });
    assert.equal(file.script?.route('request')?.waits, false);
    assert.equal(file.script?.route('request', 'r')?.waits, true);
  });
});
