import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

// A core parameter of 5.7: the file is read as one of a later version.
const LATER = 'return_mode=0';

const lines = (script: string, head = LATER, modules = 'cfgutils htable textopsx'): Promise<string[]> =>
  linesOf({ dialect: 'kamailio', modules, head, script: `${script} xlog("end\\n");` });

test('#!ifexp reads or leaves out lines, and #!defexp defines what an expression gives', async () => {
  const script = `
#!ifexp KAMAILIO_VERSION && WITH_X
    xlog("no\\n");
#!else
#!ifexp OS_NAME == "linux"
    xlog("NUM TEXT $def(NUM)\\n");
    $var(n) = NUM + 1; $var(t) = TEXT;
    xlog("$var(n) $var(t)\\n");
#!endif
#!endif
`;
  assert.deepEqual(await lines(script, `${LATER}\n#!defexp NUM 2 ** 4\n#!defexps TEXT "a" + "b"`), [
    'NUM TEXT 16',
    '17 ab',
  ]);
});

test('with return_mode 1 a call has the value that the route returned, and any value except 0 is true', async () => {
  const script = `request_route {
    if (route(MINUS) == -2) xlog("minus two\\n");
    if (route(MINUS)) xlog("true\\n");
    if (!route(MINUS)) xlog("false\\n");
    xlog("end\\n");
  }
  route[MINUS] { return -2; }`;
  assert.deepEqual(await linesOf({ dialect: 'kamailio', head: 'return_mode=1', script }), ['minus two', 'true']);
  assert.deepEqual(await linesOf({ dialect: 'kamailio', head: 'return_mode=0', script }), ['false']);
});

test('variables and functions newer than 5.6 are known in files of later versions', async () => {
  assert.deepEqual(await lines('xlog("$shvinc(n) $shvinc(n) $shv(n) $ctu $cts $K(IPv4)\\n");'), [
    '1 2 2 sip:alice@127.0.0.1:5070 0 2',
  ]);
  assert.deepEqual(
    await lines(
      'if (is_sip()) xlog("sip\\n"); if (is_http()) xlog("http\\n"); if (lock("a", "b") && unlock("a", "b")) xlog("locked\\n");',
      `${LATER}\nloadmodule "cfgutils.so"\nmodparam("cfgutils", "lock_set_size", 4)`,
      '',
    ),
    ['sip', 'locked'],
  );
  assert.deepEqual(await lines('xavp_xparams_explode("a=1&b=2", "&", "x"); xlog("$xavp(x=>a) $xavp(x=>b)\\n");'), [
    '1 2',
  ]);
  assert.deepEqual(
    await lines(
      '$sht(t=>one) = 1; $sht(t=>two) = 2; $sht(t=>done) = 3; sht_rm_name("t", "ew", "ne"); xlog("$sht(t=>one) $sht(t=>two) $sht(t=>done)\\n");',
      `${LATER}\nloadmodule "htable.so"\nmodparam("htable", "htable", "t=>size=4;")`,
      '',
    ),
    ['<null> 2 <null>'],
  );
  assert.deepEqual(
    await lines('$var(x) = "a \\r\\n  b\\n\\tc  d"; xlog("[$(var(x){s.rmhdws})] [$(var(x){s.rmhlws})]\\n");'),
    ['[a  b c  d] [a bc  d]'],
  );
});

// Results of Kamailio 5.6.3 for the same statements.
test('$defn, $ccp and $sel(cfg_get.core...) read definitions and parameters', async () => {
  const head = `#!define X 12
#!define Y "abc"
debug=2
testgrp.num=4 desc "x"
testgrp.txt="w" desc "x"`;
  const script = `
    xlog("[$defn(X)] [$defn(Y)] [$defn(Q)] [$def(Q)]\\n");
    $var(a) = $defn(X) + 1; $var(b) = $def(X) + 1;
    xlog("$var(a) $var(b)\\n");
    xlog("$sel(cfg_get.core.debug) $sel(cfg_get.core.mem_safety) $sel(cfg_get.core.memlog) $sel(cfg_get.core.corelog) $sel(cfg_get.core.max_while_loops)\\n");
    xlog("$ccp(core.debug) $ccp(testgrp.num) $ccp(testgrp.txt) $ccp(no.such)\\n");`;
  assert.deepEqual(await lines(script, head, ''), [
    '[12] ["abc"] [0] [<null>]',
    '13 121',
    '2 1 4 -1 100',
    '2 4 w <null>',
  ]);
  await assert.rejects(
    linesOf({ dialect: 'kamailio', script: 'xlog("$sel(cfg_get.core.nosuch)");' }),
    /names an unknown parameter core.nosuch/,
  );
});
