import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import { statistics } from '../../../src/modules/statistic-counters.js';
import { ModuleStates } from '../../../src/script/environment.js';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

test('statistics of a script count, are shown by $stat and by MI, and are reset unless they must not be', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'statistics dialog',
    head: 'modparam("statistics", "variable", "calls")\nmodparam("statistics", "variable", "total/no_reset")',
    script: `
      update_stat("calls", "+2"); update_stat("calls", "-1"); update_stat("total", "+5");
      update_stat("carriers:acme", "+1");
      reset_stat("total");
      $stat(set) = 7;
      xlog("$stat(calls) $stat(total) $stat(acme) $stat(set) $stat(active_dialogs) $stat(nothing)\\n");`,
  });
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['1 5 1 7 0 <null>']);
    const answer = (await runner.daemon.mi.execute('get_statistics', {
      statistics: ['dynamic:', 'carriers:'],
    })) as unknown;
    const shown = JSON.parse(JSON.stringify(answer)) as Record<string, number>;
    assert.deepEqual(shown, { 'dynamic:calls': 1, 'dynamic:total': 5, 'dynamic:set': 7, 'carriers:acme': 1 });
  } finally {
    await runner.stop();
  }
});

test('a counter that a peer names has at most 1,024 characters', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'statistics',
    script: 'update_stat("$rU", "+1"); xlog("$(rU{s.len})\\n");',
  });
  try {
    for (const length of [1024, 1025])
      runner.receive(
        INVITE.replace('sip:bob@', `sip:${'b'.repeat(length)}@`).replaceAll('a@a.example\r\nCSeq', `${length}\r\nCSeq`),
      );
    assert.deepEqual(runner.lines, ['1024', '1025']);
    const shown = JSON.stringify(await runner.daemon.mi.execute('get_statistics', { statistics: ['dynamic:'] }));
    assert.deepEqual(
      shown.match(/b+/g)?.map((each) => each.length),
      [1024],
    );
  } finally {
    await runner.stop();
  }
});

test('Kamailio: an undefined statistic does not exist; counters of the counters module', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'statistics counters',
    head: 'modparam("statistics", "variable", "calls")\nmodparam("counters", "script_counter", "tries tries of calls")',
    script: `
      update_stat("calls", "+3"); xlog("$rc $stat(calls)\\n");
      update_stat("other", "+1"); xlog("$rc\\n");
      cnt_inc("tries"); cnt_add("script.tries", "4"); xlog("$stat(tries)\\n");
      cnt_reset("tries"); xlog("$stat(tries)\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1 3', '-1', '5', '0']);
});

test('names that peers send to one process do not use up the statistics of all processes', () => {
  const memory = new SharedArrayBuffer(16 * 1024 * 1024);
  const [one, two] = [0, 1].map(() => {
    const parameters = new Map([['statistics', new Map([['variable', ['calls']]])]]);
    const shared = new SharedValues(memory, () => 0);
    return new ModuleStates(parameters, new Set(['statistics']), new Map(), undefined, new Map(), shared).of(
      statistics,
    );
  });
  one?.find('calls', true)?.add(7);
  for (const [from, process] of [
    [0, one],
    [6000, two],
  ] as const)
    for (let i = from; i < from + 6000; i++) process?.find(`name ${i}`, true)?.add(1);
  assert.equal(two?.find('calls', false)?.value, 7);
  assert.equal(two?.find('name 11999', false), undefined);
  assert.equal(one?.all.size, 10_000);
});

test('a series shows the values within its window: a sum, a mean, a share', async () => {
  const clock = new FakeClock();
  const runner = startScript({
    dialect: 'opensips',
    modules: 'statistics',
    clock,
    head: `modparam("statistics", "stat_series_profile", "sum: window=10 slots=5")
modparam("statistics", "stat_series_profile", "mean: algorithm=average window=10")
modparam("statistics", "stat_series_profile", "share: algorithm=percentage percentage_factor=1000 group=trunks")`,
    script: `
      update_stat_series("sum", "calls", 3); update_stat_series("sum", "calls", $(hdr(X){s.int}));
      update_stat_series("mean", "acd", 10); update_stat_series("mean", "acd", 21);
      update_stat_series("share", "asr", 1); update_stat_series("share", "asr", 1); update_stat_series("share", "asr", -1);
      if (!update_stat_series("other", "x", 1)) xlog("$stat(calls) $stat(acd) $stat(asr) $stat(x)\\n");`,
  });
  try {
    const message = INVITE.replace('Contact:', 'X: 4\r\nContact:');
    runner.receive(message);
    clock.advance(9000);
    runner.receive(message.replace('z9hG4bK1', 'z9hG4bK2'));
    clock.advance(4000);
    runner.receive(message.replace('z9hG4bK1', 'z9hG4bK3'));
    assert.deepEqual(runner.lines, ['7 15 666 <null>', '14 15 666 <null>', '14 15 666 <null>']);
    const answer = (await runner.daemon.mi.execute('get_statistics', { statistics: ['trunks:'] })) as unknown;
    assert.deepEqual(JSON.parse(JSON.stringify(answer)), { 'trunks:asr': 666 });
  } finally {
    await runner.stop();
  }
});
