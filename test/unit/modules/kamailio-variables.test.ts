import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

async function linesOf(script: string, head = ''): Promise<string[]> {
  const { lines, receive, stop } = startScript({
    dialect: 'kamailio',
    modules: 'htable cfgutils xhttp jsonrpcs',
    head,
    script,
  });
  try {
    receive(INVITE);
    return [...lines];
  } finally {
    await stop();
  }
}

test('a case of a switch may be a negative number', async () => {
  const lines = await linesOf(`$var(rc) = -3;
    switch ($var(rc)) {
      case 1: xlog("one\\n"); break;
      case -1:
      case -3: xlog("minus\\n");
      case -2: xlog("on\\n"); break;
      default: xlog("other\\n");
    }`);
  assert.deepEqual(lines, ['minus', 'on']);
});

test('$shtex sets the lifetime of an entry; it adds no entry, and has no effect in a table without autoexpire', async () => {
  const lines = await linesOf(
    `$sht(t=>a) = "kept"; $shtex(t=>a) = 600; $shtex(t=>b) = 600; $sht(n=>a) = "kept"; $shtex(n=>a) = 600;
    $sht(t=>c) = "stays"; $shtex(t=>c) = 0;
    xlog("$shtex(t=>a) $sht(t=>a) $sht(t=>b) $shtex(n=>a) $sht(n=>a) $shtex(t=>c) $sht(t=>c)\\n");`,
    'modparam("htable", "htable", "t=>size=4;autoexpire=60;")\nmodparam("htable", "htable", "n=>size=4;")',
  );
  assert.deepEqual(lines, ['600 kept <null> 0 kept 0 stays']);
});

test('$RANDOM is a number that is not negative', async () => {
  const lines = await linesOf('$var(n) = $RANDOM mod 10; if ($var(n) >= 0 && $var(n) < 10) xlog("in range\\n");');
  assert.deepEqual(lines, ['in range']);
});

test('variables of HTTP requests, RPC answers and expired entries are null in other routes', async () => {
  const lines = await linesOf(
    'if ($hu == $null && $jsonrpl(code) == 0 && $jsonrpl(body) == $null && $shtrecord(key) == $null) xlog("null\\n"); $avp(q) = $shtrecord(key); xlog("[$shtrecord(key)] $avp(q)\\n");',
  );
  assert.deepEqual(lines, ['null', '[] <null>']);
});

test('{re.subst} takes a regular expression that ends in $', async () => {
  const lines = await linesOf(
    '$var(n) = "0049123"; xlog("$(var(n){re.subst,/^00(.*)$/+\\\\1/}) $(var(n){re.subst,/3$/x/})\\n");',
  );
  assert.deepEqual(lines, ['+49123 004912x']);
});

test('sl_reply() answers without state as sl_send_reply() does', async () => {
  const { sent, receive, stop } = startScript({ dialect: 'kamailio', script: 'sl_reply("486", "Busy"); exit;' });
  try {
    receive(INVITE);
    assert.match(sent[0]?.text ?? '', /^SIP\/2\.0 486 Busy\r\n/);
  } finally {
    await stop();
  }
});

test('$_s() is its text with the variables replaced', async () => {
  const lines = await linesOf('$var(n) = $_s(to $rU at $rd); xlog("$var(n)\\n");');
  assert.deepEqual(lines, ['to bob at sw.example']);
});

test('a variable as argument of a transformation counts as a number only if it is of that type, as observed of Kamailio 5.6.3', async () => {
  const lines = await linesOf(`$avp(a) = "2"; $var(n) = 2; $var(x) = "";
      xlog("[$(ru{s.strip,$avp(a)})] [$(ru{s.strip,$var(n)})] [$(ru{s.substr,$avp(a),3})] [$(ru{s.substr,1,$var(n)})] [$(ru{s.striptail,$(avp(a){s.int})})]\\n");
      $var(x) = $(ru{s.strip,$avp(a)}); xlog("$var(x)\\n"); $rU = $(rU{s.strip,$avp(a)}); xlog("$ru\\n");`);
  assert.deepEqual(lines, ['[] [p:bob@sw.example] [] [ip] [sip:bob@sw.examp]', '0', 'sip:sw.example']);
});

test('{sql.val} makes a literal of SQL that no quote ends, and NULL of nothing', async () => {
  const lines = await linesOf(`$var(a) = "o'n\\"e\\\\il"; $var(n) = 5; $var(e) = ""; $avp(m) = "12";
      xlog("$(var(a){sql.val}) $(var(n){sql.val}) $(var(e){sql.val}) $(avp(none){sql.val}) $(avp(m){sql.val})\\n");
      xlog("$(avp(none){sql.val.int}) $(avp(none){sql.val.str}) $(var(n){sql.val.str})\\n");`);
  assert.deepEqual(lines, [`'o''n"e\\\\il' 5 '' NULL '12'`, "0 '' 5"]);
});

test('$xavp, $xavu and $xavi of a reply route are those of its transaction, as observed of Kamailio 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    head: 'local_rport=yes',
    script: `request_route { $xavp(own=>x) = 3; $xavu(u=>x) = 5; $xavi(I=>x) = 6; t_on_reply("R"); t_on_failure("F"); $du = "sip:127.0.0.1:5090"; t_relay(); }
onreply_route[R] { xlog("r $xavp(own=>x) $xavu(u=>x) $xavi(i=>x)\\n"); $xavp(own=>x) = 9; }
failure_route[F] { xlog("f $xavp(own=>x) $xavu(u=>x) $xavi(i=>x)\\n"); }
`,
  });
  runner.receive(INVITE);
  const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
  assert.match(sent, /^Via: [^\r]*;rport\r/m, 'local_rport asks for replies to the port they are sent from');
  runner.receive(answerTo(sent, '180 Ringing'), 5090);
  runner.receive(answerTo(sent, '486 Busy'), 5090);
  assert.deepEqual(runner.lines, ['r 3 5 6', 'r 9 5 6', 'f 9 5 6']);
  await runner.stop();
});

test('$T_req() shows the request as received, as observed of Kamailio 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx',
    script: `request_route { $rU = "changed"; t_on_reply("R"); $du = "sip:127.0.0.1:5090"; t_relay(); }
onreply_route[R] { xlog("$T_req($ru) $T_req($rU) $T_req($du) $T_req($fU)\\n"); }
`,
  });
  runner.receive(INVITE);
  const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
  assert.match(sent, /^INVITE sip:changed@/);
  runner.receive(answerTo(sent, '180 Ringing'), 5090);
  assert.deepEqual(runner.lines, ['sip:bob@sw.example bob <null> alice']);
  await runner.stop();
});

test('$cnt counts records and values of $xavp, as observed of Kamailio 5.6.3', async () => {
  const lines =
    await linesOf(`$xavp(x=>b) = 1; $xavp(x[0]=>b) = 2; $xavp(x=>b) = 3; $xavp(x=>b) = 4; $xavp(x=>c) = 5; $xavp(w) = 7;
      $avp(a) = 1; $avp(a) = 2;
      xlog("$cnt($xavp(x)) $cnt($xavp(x=>b)) $cnt($xavp(x=>c)) $cnt($xavp(x[0]=>b)) $cnt($xavp(x[-1]=>b)) $cnt($xavp(x[1])) $cnt($xavp(x[9]))\\n");
      xlog("$cnt($xavp(x[-1]=>b[1])) $cnt($xavp(w)) $cnt($xavp(none=>b)) $cnt($avp(a))\\n");`);
  assert.deepEqual(lines, ['4 4 1 0 2 1 0', '1 1 0 2']);
});

test('$cnt takes the index * as all records, or all values, as observed of Kamailio 5.6.3', async () => {
  const lines =
    await linesOf(`$xavp(x=>b) = 1; $xavp(x[0]=>b) = 2; $xavp(x=>b) = 3; $xavp(x[0]=>c) = 4; $xavp(x[0]=>b) = 5;
      $xavp(x=>c) = 6;
      xlog("$cnt($xavp(x[*])) $cnt($xavp(x[*]=>b)) $cnt($xavp(x[*]=>c)) $cnt($xavp(x[*]=>b[0])) $cnt($xavp(x[*]=>b[*])) $cnt($xavp(x=>b[*]))\\n");
      xlog("$cnt($xavp(x[0]=>b[*])) $cnt($xavp(x[1]=>b[*])) $cnt($xavp(x[*]=>b[1])) $cnt($xavp(x[*]=>n)) $cnt($xavp(n[*]=>n))\\n");`);
  assert.deepEqual(lines, ['3 4 2 2 4 4', '0 2 2 0 0']);
});

test('an index of a field of $xavp replaces that value, as observed of Kamailio 5.6.3', async () => {
  const lines = await linesOf(`$xavp(x=>d) = 1; $xavp(x[0]=>d) = 2; $xavp(x[0]=>d) = 3;
      $xavp(x[0]=>d[0]) = 10; $xavp(x[0]=>d[1]) = 11; $xavp(x[0]=>d[7]) = 12; $xavp(x[0]=>d[-1]) = 13; $xavp(x[0]=>n[0]) = 14;
      xlog("$xavp(x=>d[0]) $xavp(x=>d[1]) $xavp(x=>d[2]) $xavp(x=>d[3]) $xavp(x=>n)\\n");`);
  assert.deepEqual(lines, ['10 11 1 <null> <null>']);
});

test('fix_nated_register() keeps the address of the sender in received_avp', async () => {
  const lines = await linesOf(
    `fix_nated_register(); xlog("$avp(received)\\n");`,
    'loadmodule "nathelper.so"\nmodparam("nathelper", "received_avp", "$avp(s:received)")',
  );
  assert.deepEqual(lines, ['sip:127.0.0.1:5070']);
});

test('a missing password is a fault of pv_www_authenticate(), as observed of Kamailio 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'auth',
    script:
      'pv_www_authenticate("$fd", "$avp(none)", "0"); xlog("$rc\\n"); pv_www_authenticate("$fd", "word", "0"); xlog("$rc\\n");',
  });
  runner.receive(INVITE);
  await until('both lines', () => runner.lines.length === 2);
  await runner.stop();
  assert.deepEqual(runner.lines, ['-1', '-5']);
});

test('a question mark is part of the name of a variable', () => {
  const start = (format: string) => () =>
    startScript({ dialect: 'kamailio', script: `append_hf("X: ${format}\\r\\n");` });
  for (const format of ['$td?Subject', '$rU?$rd', '$?a']) assert.throws(start(format), /unknown variable/, format);
  for (const format of ['$?', '$var(x)?a', '$(td)?a']) assert.doesNotThrow(() => void start(format)().stop(), format);
});

test('an empty ds_default_sockname names no socket', async () => {
  const head = 'modparam("dispatcher", "list_file", "/dev/null") modparam("dispatcher", "ds_default_sockname", "")';
  await startScript({ dialect: 'kamailio', modules: 'dispatcher', head, script: 'exit;' }).stop();
});
