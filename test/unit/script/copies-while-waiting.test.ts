import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';
import { until } from '../../support/until.js';

test('a copy of a request is recognised while its route waits for a database, and not after the route has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-copies-'));
  const database = join(folder, 'data.db');
  executeSqlite(database, 'create table t (a integer); insert into t values (7);');
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx sqlops db_sqlite',
    head: `modparam("sqlops", "sqlcon", "cb=>sqlite://${database}")`,
    script: `if (t_precheck_trans()) { t_check_trans(); xlog("copy of $cs\n"); exit; }
      if (t_check_trans()) xlog("known $cs\n");
      sql_xquery("cb", "select a from t", "r");
      xlog("$xavp(r=>a) of $cs\n");
      sl_send_reply("404", "No");`,
  });
  try {
    const further = INVITE.replace('CSeq: 1', 'CSeq: 2').replace('z9hG4bK1', 'z9hG4bK2');
    runner.receive(INVITE);
    runner.receive(INVITE);
    runner.receive(further);
    await until('two answers', () => runner.lines.length > 1 && runner.sent.length > 1);
    assert.deepEqual([...runner.lines].sort(), ['7 of 1', '7 of 2']);
    assert.equal(runner.sent.length, 2);
    runner.receive(INVITE);
    await until('a third answer', () => runner.sent.length > 2);
    assert.deepEqual(runner.lines.slice(2), ['7 of 1'], 'the route of the first has ended');
  } finally {
    await runner.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
