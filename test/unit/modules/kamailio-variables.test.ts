import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

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

test('$shtex sets how long an entry stays: it adds none, and has no effect in a table without autoexpire', async () => {
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
    'if ($hu == $null && $jsonrpl(code) == $null && $shtrecord(key) == $null) xlog("null\\n");',
  );
  assert.deepEqual(lines, ['null']);
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

test('$_s() is its text with the variables in it', async () => {
  const lines = await linesOf('$var(n) = $_s(to $rU at $rd); xlog("$var(n)\\n");');
  assert.deepEqual(lines, ['to bob at sw.example']);
});
