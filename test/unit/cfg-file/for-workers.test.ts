import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { workersFaults } from '../../../src/cfg-file/for-workers.js';
import { loadCfg } from '../../../src/cfg-file/load.js';

const ALGORITHMS = new Set([0, 4, 8]);

/** Errors of a file with their lines. */
function faultsOf(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-cfg-'));
  try {
    const file = join(folder, 'proxy.cfg');
    writeFileSync(file, text);
    return workersFaults(loadCfg(file), ALGORITHMS).map(({ at, message }) => `${at.line} ${message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const opensips = (modules: readonly string[], body: string, rest = ''): string =>
  `socket=udp:127.0.0.1:5060\n${['sl', 'tm', 'signaling', 'dispatcher', ...modules].map((each) => `loadmodule "${each}.so"\n`).join('')}modparam("dispatcher", "db_url", "sqlite:///x")\nroute {\n${body}\n}\n${rest}`;

const kamailio = (modules: readonly string[], body: string, rest = ''): string =>
  `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n${['sl', 'tm', 'pv', 'dispatcher', ...modules].map((each) => `loadmodule "${each}.so"\n`).join('')}modparam("dispatcher", "list_file", "/x")\nrequest_route {\n${body}\n}\n${rest}`;

test('a file of message, transaction and dispatcher functions can be run by several processes', () => {
  assert.deepEqual(
    faultsOf(
      opensips(
        ['rr', 'maxfwd', 'sipmsgops', 'textops'],
        `if (!mf_process_maxfwd_header(10)) exit; record_route(); $var(a) = 1; append_hf("X: $rU\\r\\n"); ds_select_dst(1, 4, "f"); t_relay();`,
      ),
    ),
    [],
  );
  assert.deepEqual(
    faultsOf(
      kamailio(
        ['rr', 'siputils', 'xlog', 'sanity'],
        `if (!sanity_check()) exit; ds_select_dst("1", "4"); xlog("$du\\n"); ds_select_dst("1", 8); t_relay();`,
      ),
    ),
    [],
  );
});

test('functions that read and write JSON in the variables of a message can be run by several processes', () => {
  assert.deepEqual(
    faultsOf(
      kamailio(
        ['jansson', 'json'],
        `jansson_get("a", "$rb", "$var(a)"); jansson_set("string", "a", "x", "$var(b)"); jansson_xdecode("$rb", "c");
        json_get_field("$rb", "a", "$var(d)");`,
      ),
    ),
    [],
  );
});

test('data in shared memory allows several processes', () => {
  const table = 'modparam("htable", "htable", "a=>size=4;")';
  assert.deepEqual(
    faultsOf(
      kamailio(['htable', 'pike', 'pipelimit'], '$sht(a=>x) = $shv(y); pl_check("a"); pike_check_req();', table),
    ),
    [],
  );
  assert.deepEqual(
    faultsOf(
      opensips(
        ['cachedb_local', 'ratelimit', 'gflags'],
        'cache_add("local", "a", 1, 0); rl_check("a", 5); set_gflag(1);',
      ),
    ),
    [],
  );
});

test('statistics that all processes count together can be read: those of the script and of dialogs', () => {
  const declared =
    'modparam("statistics", "variable", "calls/no_reset")\nmodparam("statistics", "variable", "mine:bad")\n';
  assert.deepEqual(
    faultsOf(
      opensips(
        ['statistics', 'xlog', 'dialog', 'rr'],
        '$var(a) = $stat(calls);\n$var(b) = $(stat(mine:bad));\nxlog("$stat(bad) $stat(active_dialogs) $stat(dialog:early_dialogs)\\n");\nxlog("$stat(calls) $stat(rcv_requests)\\n");\n$var(a) = $stat($var(b));',
        declared,
      ),
    ).map((each) => each.replace(/^\d+ /, '')),
    ['$stat works in one process only', '$stat works in one process only'],
  );
  assert.deepEqual(
    faultsOf(
      kamailio(
        ['counters', 'xlog'],
        'cnt_inc("ended"); xlog("$stat(ended) $stat(script.ended)\\n");',
        'modparam("counters", "script_counter", "ended The ended ones")',
      ),
    ),
    [],
  );
});

test('functions and variables whose data one process has are named with their lines, also within strings', () => {
  assert.deepEqual(
    faultsOf(
      kamailio(
        ['htable', 'xlog', 'cfgutils'],
        `$var(x) = $stat(all);\nxlog("now $stat(y)\\n");\nrand_event();`,
        'modparam("htable", "htable", "a=>size=4;")',
      ),
    ).map((each) => each.replace(/^\d+ /, '')),
    ['$stat works in one process only', '$stat works in one process only', 'rand_event() works in one process only'],
  );
  assert.deepEqual(faultsOf(opensips(['cachedb_local'], 'cache_raw_query("local", "a", "$avp(b)");')), [
    '9 cache_raw_query() works in one process only',
  ]);
});

test('algorithms that need one process are named, and so are algorithms that are known only at run time', () => {
  assert.deepEqual(
    faultsOf(opensips([], 'ds_select_dst(1, 9);\n$var(a) = 4;\nds_select_dst(1, $var(a));\nds_select_domain(1, 8);')),
    [
      '8 ds_select_dst(): algorithm 9 needs one process',
      '10 ds_select_dst(): an algorithm that is known only at run time needs one process',
    ],
  );
});

test('each set of a selection over several sets is examined for its algorithm', () => {
  const rules = (text: string): readonly string[] =>
    faultsOf(kamailio([], `ds_select_routes("${text}", "d");`)).map((each) => each.replace(/^\d+ /, ''));
  assert.deepEqual(rules('acme:1=4;$var(set)=8;3=0'), []);
  assert.deepEqual(rules('1=4;2=10'), ['ds_select_routes(): algorithm 10 needs one process']);
  const unknown = 'ds_select_routes(): an algorithm that is known only at run time needs one process';
  assert.deepEqual([rules('$var(rules)'), rules('1=$var(a)')], [[unknown], [unknown]]);
});

test('dialogs, accounting, statistics, media proxies and databases allow several processes', () => {
  assert.deepEqual(
    faultsOf(
      kamailio(
        ['rr', 'dialog', 'acc', 'uac', 'rtpengine', 'statistics', 'sqlops', 'textops'],
        `dlg_manage(); set_dlg_profile("p"); update_stat("calls", "+1"); uac_replace_from("sip:a@b"); rtpengine_offer(); acc_log_request("x");
$var(a) = $dlg_var(x) + $DLG_count;`,
        'modparam("dialog", "profiles_no_value", "p")\nmodparam("statistics", "variable", "calls")\nmodparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:9")',
      ),
    ),
    [],
  );
});

test('lookups in tables and contacts of redirections allow several processes', () => {
  assert.deepEqual(
    faultsOf(
      opensips(
        ['db_sqlite', 'alias_db', 'group', 'speeddial', 'uac_redirect'],
        'alias_db_lookup("dbaliases"); db_is_user_in("From", "local"); sd_lookup("speed_dial"); t_on_failure("1"); t_relay();',
        'failure_route[1] { if (get_redirects(2, 1)) t_relay(); }',
      ),
    ),
    [],
  );
});

test('functions that read calls of other processes are named, and modules whose calls other processes do not know', () => {
  assert.deepEqual(faultsOf(opensips(['dialog'], 'get_dialogs_by_profile("p", "v", $avp(a), $avp(b));')), [
    '9 get_dialogs_by_profile() works in one process only',
  ]);
  assert.deepEqual(faultsOf(kamailio(['rr', 'topoh'], 'exit;', 'modparam("topoh", "mask_key", "k")')), [
    '8 module topoh works in one process only',
  ]);
});

test('routes of events that a call causes are examined, since the process of the call runs them', () => {
  const rest = 'event_route[dialog:end] {\n  rand_event();\n}\nevent_route[htable:mod-init] {\n  rand_event();\n}\n';
  assert.deepEqual(
    faultsOf(kamailio(['rr', 'dialog', 'cfgutils', 'htable'], 'exit;', rest)).map((each) => each.replace(/^\d+ /, '')),
    ['rand_event() works in one process only'],
  );
});

test('routes of timers and events may use anything: one process runs them', () => {
  const rest = 'timer_route[gc, 10] {\n  raise_event("E_A");\n}\n';
  assert.deepEqual(faultsOf(opensips(['cachedb_local'], 'exit;', rest)), []);
});
