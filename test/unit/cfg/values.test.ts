import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cfg } from '../../support/cfg-script.js';
import { linesOf } from '../../support/script-run.js';

/** Runs assignments, then tests each condition: "TF..." */
function truths(dialect: string, before: string, conditions: readonly string[]): string {
  const tests = conditions.map((each) => `if (${each}) xlog("T"); else xlog("F");`).join('\n');
  return cfg(dialect, `${before}\n${tests}`).run().log.join('');
}

/** The value of a variable after assigning each expression. */
function values(dialect: string, before: string, expressions: readonly string[]): string[] {
  const lines = expressions.map((each) => `$var(r) = ${each}; xlog("$var(r)");`).join('\n');
  return cfg(dialect, `${before}\n${lines}`).run().log;
}

describe('opensips: values', () => {
  test('arithmetic goes from left to right without precedence', () => {
    assert.deepEqual(values('opensips', '', ['1+2*3', '1|2&4', '8>>1+1', '(1+2)*3', '-7/2', '-7%3']), [
      '9',
      '0',
      '2',
      '9',
      '-3',
      '-1',
    ]);
  });

  test('integers have 32 bits and wrap; a leading zero is octal', () => {
    assert.deepEqual(values('opensips', '', ['2147483647+1', '2147483648', '010', '0x1F', '0xffffffff', '1<<33']), [
      '-2147483648',
      '-2147483648',
      '8',
      '31',
      '-1',
      '2',
    ]);
  });

  test('an octal escape has two digits at least: one digit is the group of a substitution', () => {
    assert.deepEqual(values('opensips', '', ['"\\1\\12\\101\\x42\\0"']), ['\\1\nAB\\0']);
    assert.deepEqual(cfg('opensips', 'xlog("$(rU{re.subst,/(.)(.)/\\2\\1/})");').run().log, ['obb']);
  });

  test('strings are joined; a string and a number have no sum', () => {
    assert.deepEqual(values('opensips', '', ['"a"+"b"', '"a"+1', '3+"12"', '$avp(none)+"x"', '$avp(none)+1', '5/0']), [
      'ab',
      '<null>',
      '<null>',
      'x',
      '<null>',
      '0',
    ]);
    assert.deepEqual(
      cfg('opensips', '$var(v)="5"; $var(v)-=2; xlog("$var(v)"); $var(n)+=1; xlog("$var(n)");').run().log,
      ['5', '<null>'],
    );
  });

  test('strings are not interpolated outside of arguments', () => {
    assert.deepEqual(values('opensips', '', ['"user $rU"']), ['user $rU']);
    assert.equal(truths('opensips', '', ['$rU=="$tU"', '$rU==$tU']), 'FT');
  });

  test('strings are compared without letter case, with numbers as strings', () => {
    assert.equal(
      truths('opensips', '$var(s)="ABC"; $var(i)=10;', [
        '$var(s)=="abc"',
        '$var(s)!="abc"',
        '$var(i)=="10"',
        '$var(s)=~"^ab"',
      ]),
      'TFTT',
    );
  });

  test('a string variable and a number are neither equal nor different', () => {
    assert.equal(
      truths('opensips', '$var(s)="10";', [
        '$var(s)==10',
        '$var(s)!=10',
        '$var(s)<20',
        '$cs==1',
        '$cs=="1"',
        '$rp==5060',
      ]),
      'FFFFTT',
    );
  });

  test('null is equal to null and to nothing else', () => {
    assert.equal(
      truths('opensips', '$var(e)="";', [
        '$avp(n)==NULL',
        '$avp(n)==""',
        '$avp(n)==0',
        '$avp(n)!="x"',
        '$avp(n)!~"x"',
        '$avp(n)<1',
        '$var(e)==NULL',
      ]),
      'TFFTTFF',
    );
  });

  test('0, "" and null are false, "0" is true', () => {
    assert.equal(
      truths('opensips', '$var(z)="0"; $var(e)="";', ['$var(z)', '$var(e)', '$avp(n)', '0', '-1', '"0"']),
      'TFFFTT',
    );
  });

  test('"&&" and "||" bind alike, "!" takes the whole comparison', () => {
    assert.equal(
      truths('opensips', '$var(a)=1;', ['1 || 1 && 0', '1 && 0 || 1', '!$var(a)==1', 'not 0 and 1']),
      'FTFT',
    );
  });

  test('networks are tested without quotes', () => {
    assert.equal(truths('opensips', '', ['$si==127.0.0.0/8', '$si==10.0.0.1', '$si!=10.0.0.0/8']), 'TFT');
  });
});

describe('kamailio: values', () => {
  test('shifts come after comparisons, a left one after a right one, and ^ before &', () => {
    assert.deepEqual(
      values('kamailio', '', [
        '1 << 7 - 3 != 0',
        '7 << 0 >> 12',
        '12 >> 5 << 5',
        '3 != 5 << 5',
        '5 & 5 ^ 2',
        '7 | 1 & 5',
        '1 << 7 << 2',
      ]),
      ['2', '7', '0', '32', '5', '7', '512'],
    );
    assert.equal(truths('kamailio', '', ['1 << 2 / 1 == 8']), 'T');
  });

  test('&& and || over two constants give their truth value, over one neutral constant the other side', () => {
    assert.deepEqual(
      values('kamailio', '$avp(s) = "3";', [
        '1 && 7 * 3',
        '0 || -5',
        '3 <= 5 && $avp(s)',
        '$avp(s) || 2 == 12',
        '"a" == "b" || $avp(s)',
      ]),
      ['1', '1', '3', '3', '3'],
    );
  });

  test('strlen and strempty take brackets', () => {
    assert.match(cfg('kamailio', '$var(r) = strlen $rU;').messages.join(), /after strlen/);
    assert.match(cfg('kamailio', 'if (strempty $rU) exit;').messages.join(), /after strempty/);
    assert.deepEqual(values('kamailio', '', ['strlen("abc") + 1', 'strempty("")']), ['4', '1']);
  });

  test('operators bind by rank', () => {
    assert.deepEqual(
      values('kamailio', '', ['2 + 3 * 4', '1 << 2 + 1', '7 mod 3', '~5', '!5', '5 > 3', '- 5', '0x10']),
      ['14', '8', '1', '-6', '0', '1', '-5', '16'],
    );
    assert.equal(truths('kamailio', '', ['1 & 3 == 3', '1 || 0 && 0', '! 1 == 2', '1 == 1 == 1']), 'TTFT');
  });

  test('conditions need no parentheses', () => {
    const script = `if not is_method("ACK") xlog("a"); if $rU == "bob" { xlog("b"); } else xlog("c");
      while $var(i) < 2 { $var(i) = $var(i) + 1; xlog("$var(i)"); } switch $var(i) { case 2: xlog("two"); }`;
    assert.deepEqual(cfg('kamailio', script).run().log, ['a', 'b', '1', '2', 'two']);
  });

  test('words such as yes are numbers, in lower case', () => {
    assert.deepEqual(values('kamailio', '', ['yes + 1', 'on', 'true', 'enable', 'no', 'off', 'false', 'disable']), [
      '2',
      '1',
      '1',
      '1',
      '0',
      '0',
      '0',
      '0',
    ]);
    assert.equal(truths('kamailio', '', ['true', 'false', 'yes == 1']), 'TFT');
    assert.deepEqual(
      cfg('kamailio', '$var(x) = on; switch ($var(x)) { case no: xlog("no"); break; case yes: xlog("yes"); }').run()
        .log,
      ['yes'],
    );
    assert.match(cfg('kamailio', '$var(x) = Yes;').messages[0] ?? '', /Yes is not a value/);
  });

  test('"+" goes by its left operand', () => {
    assert.deepEqual(
      values('kamailio', '$var(s) = "8"; $avp(i) = 7;', [
        '"1" + 2',
        '1 + $var(s)',
        '$var(s) + 1',
        '$cs + 1',
        '$avp(i) + 1',
        '$avp(n) + 1',
        '$var(s) * 2',
      ]),
      ['12', '9', '81', '11', '8', '1', '16'],
    );
  });

  test('a failed calculation does not change the variable', () => {
    const { log, faults } = cfg(
      'kamailio',
      '$var(z) = 0; $var(a) = 7; $var(a) = 1 / $var(z); xlog("$var(a)"); if (1 / $var(z) == 0) xlog("T"); else xlog("F");',
    ).run();
    assert.deepEqual(log, ['7', 'F']);
    assert.match(faults[0] as string, /division by zero/);
  });

  test('null is "" among texts and 0 among numbers; $var is never null', () => {
    assert.equal(
      truths('kamailio', '', [
        '$avp(n) == ""',
        '$avp(n) == 0',
        '$avp(n) == $null',
        '$avp(n) =~ "x"',
        '$var(n) == $null',
        '$var(n) == 0',
        'defined $avp(n)',
      ]),
      'TTTFFTF',
    );
  });

  test('the left side decides whether numbers or strings are compared; a string that is not a number is 0', () => {
    assert.equal(
      truths('kamailio', '$var(s) = "01"; $var(i) = 1; $var(z) = 0;', [
        '$var(s) == 1',
        '$var(i) == "01"',
        '$var(i) == "1x"',
        '$var(z) == "abc"',
        '$var(z) == ""',
        '$var(z) != ""',
        '"1" == 1',
        '$var(s) > 0',
        '"a" == "A"',
      ]),
      'FTFTFFTTF',
    );
  });

  test('only numbers above 0 are true', () => {
    assert.equal(
      truths('kamailio', '$var(s) = "abc"; $var(n) = -3; $var(f) = "5";', [
        '$var(s)',
        '!$var(s)',
        '$var(n)',
        '!$var(n)',
        '$var(f)',
        '$rU',
        '-1 && 1',
        '-1 || 0',
      ]),
      'FTFFTFTT',
    );
  });

  test('"=~" ignores letter case and takes any expression; a wrong one is false', () => {
    assert.equal(
      truths('kamailio', '$var(re) = "^BO"; $var(bad) = "[";', ['$rU =~ "^BO"', '$rU =~ $var(re)', '$rU =~ $var(bad)']),
      'TTF',
    );
  });

  test('older conditions of the core work', () => {
    assert.equal(
      truths('kamailio', '', [
        'method == "INVITE"',
        'method == INVITE',
        'src_ip == 127.0.0.0/8',
        'proto == UDP',
        'af == INET',
        'msg:len > 10',
        'dst_port == 5060',
        'uri == myself',
      ]),
      'TTTTTTTF',
    );
  });
});

describe('assignment', () => {
  test('AVPs of opensips are a stack; ":=" replaces it, an index that is not there is not written', () => {
    const source = `$avp(a)=1; $avp(a)=2; xlog("$(avp(a)[*])"); $avp(a):=3; xlog("$(avp(a)[*])"); $(avp(a)[5])=9; xlog("$(avp(a)[*])");
      $avp(a)+=1; xlog("$(avp(a)[*])"); $avp(a)=NULL; xlog("$(avp(a)[-1])");`;
    assert.deepEqual(cfg('opensips', source).run().log, ['2, 1', '3', '3', '4, 3', '3']);
  });

  test('extended AVPs of kamailio are records', () => {
    const source = `$xavp(a=>x) = 1; $xavp(a[0]=>y) = "why"; $xavp(a=>x) = 2; xlog("$xavp(a=>x) $xavp(a[1]=>x) $xavp(a[1]=>y) $xavp(a=>y)");
      $xavp(a) = $null; xlog("$xavp(a=>x)");`;
    assert.deepEqual(cfg('kamailio', source).run().log, ['2 1 why <null>', '1']);
  });

  test('JSON is parsed by ":=" and kept as text by "="', () => {
    const source = `$json(j):="{\\"a\\":[1,\\"x\\"]}"; xlog("$json(j/a[1]) $json(j/a[-2])"); $json(j/b)=5; $json(j/a[])=2; xlog("$json(j)");
      $json(k)="{}"; xlog("$json(k/a)");`;
    assert.deepEqual(cfg('opensips', source).run().log, ['x 1', '{ "a": [ 1, "x", 2 ], "b": 5 }', '<null>']);
  });

  test('parts of the request-URI are written into it; a number is no user', () => {
    const source =
      '$rU="x"; $rd="h.example"; $rp=5099; xlog("$ru"); $rU=1234; xlog("$rU"); $rp=NULL; $rU=NULL; xlog("$ru"); $rd=""; xlog("$ru $rU");';
    assert.deepEqual(cfg('opensips', source).run().log, [
      'sip:x@h.example:5099',
      'x',
      'sip:h.example',
      '<null> <null>',
    ]);
  });
});

test('a "$" at the end of a pattern, or of one of its alternatives, stands for the end; variables in it are replaced', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      modules: 'textops',
      script: `
        $var(n) = "bob";
        if (search("^CSeq: 1 INVITE\\r$") || search("^(Call-ID: a@a.example|X$)")) xlog("found\\n");
        if (search("^(X|INVITE sip:$var(n)@sw.example SIP/2.0)")) xlog("variable\\n");
        remove_hf_re("^(Sub.*$|Cont.*t$)"); xlog("$rc\\n");
        if (search("none$$")) xlog("no\\n");
        xlog("end\\n");`,
    }),
    ['found', 'variable', '1'],
  );
});
