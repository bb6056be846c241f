import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('kamailio: a part of a URI may be set from a variable with a number, and not from a calculated number', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'htable',
    head: 'modparam("htable", "htable", "c=>size=4;")',
    script: `
      $var(i) = 5; $avp(a) = 6; $sht(c=>x) = 7;
      $rU = $var(i); xlog("$ru\\n");
      $rU = $avp(a); xlog("$ru\\n");
      $rU = ($sht(c=>x)); xlog("$ru\\n");
      $rU = 8; xlog("$ru\\n");
      $rU = $var(i) + 4; xlog("$ru\\n");
      $rU = -$var(i); xlog("$ru\\n");
      $rd = $var(i); $rp = $avp(a); $du = $var(i); xlog("$ru $du\\n");
      $var(j) = $var(i); $var(k) = $var(j) + 1; xlog("$var(k)\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, [
    'sip:5@sw.example',
    'sip:6@sw.example',
    'sip:7@sw.example',
    'sip:7@sw.example',
    'sip:7@sw.example',
    'sip:7@sw.example',
    'sip:7@5:6 5',
    '6',
  ]);
});

test('kamailio: $bR has all branches, and an xavp within an xavp is read and written', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'corex',
    script: `
      xlog("[$bR]\\n");
      append_branch("sip:a@192.0.2.1"); append_branch("sip:b@192.0.2.1;x=y", "0.5");
      xlog("[$bR]\\n");
      $xavp(r=>n) = "1"; $xavp(r=>inner=>x) = "y";
      xlog("[$xavp(r=>inner=>x)] [$xavp(r=>inner)] [$xavp(r=>inner=>z)] [$xavp(r=>n)] [$xavp(r=>none=>x)]\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, [
    '[<null>]',
    '[sip:a@192.0.2.1, <sip:b@192.0.2.1;x=y>;q=0.5]',
    '[y] [y] [y] [<null>] [<null>]',
  ]);
});

test('kamailio: parameters that the file defines are numbers if written as words, and not if written as texts', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    head: 'g.a = yes\ng.b = off desc "a switch"\ng.c = "yes"\ng.d = 7',
    script: 'xlog("$sel(cfg_get.g.a) $sel(cfg_get.g.b) $sel(cfg_get.g.c) $sel(cfg_get.g.d)\\n"); xlog("end\\n");',
  });
  assert.deepEqual(lines, ['1 0 yes 7']);
});

test('kamailio: add_diversion() without a URI takes the one that was received', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'diversion textopsx',
    script: `$rU = "other"; $rd = "192.0.2.1"; add_diversion("no-answer"); msg_apply_changes();
      xlog("$hdr(Diversion)\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['<sip:bob@sw.example>;reason=no-answer']);
});
