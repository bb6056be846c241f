import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, linesOf, startScript } from '../../support/script-run.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-parameters-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a file with these modules and lines says about them: its problems and what has no effect. */
function reading(modules: string, lines: string, route = 'exit;') {
  const file = join(folder, 'proxy.cfg');
  const loads = modules.split(' ').map((name) => `loadmodule "${name}.so"`);
  const text = ['#!OPENSIPS', 'socket=udp:127.0.0.1:5060', ...loads, lines, `route { ${route} }`].join('\n');
  writeFileSync(file, text);
  const read = readCfg(file);
  return {
    errors: read.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    without: inventory(read)
      .things.filter(({ kind, standing }) => kind === 'parameter' && standing === 'no effect')
      .map(({ name }) => name),
  };
}

test('check names the documented parameters that have no effect here, and no others', () => {
  const found = reading(
    'tm usrloc ratelimit call_center',
    `modparam("tm", "fr_timeout", 5)
modparam("tm", "ruri_matching", 1)
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
modparam("ratelimit", "default_algorithm", "RED")
modparam("ratelimit", "bridge_replication", 1)
modparam("call_center", "cc_agents_table", "agents")`,
  );
  assert.deepEqual(found.errors, []);
  assert.deepEqual(found.without, [
    'tm: ruri_matching',
    'usrloc: working_mode_preset',
    'ratelimit: bridge_replication',
    'call_center: cc_agents_table',
  ]);
});

test('a parameter that no version documents refuses the file, with the one that was meant', () => {
  assert.deepEqual(reading('ratelimit', 'modparam("ratelimit", "window_sice", 5)').errors, [
    'module ratelimit has no parameter "window_sice"; did you mean "window_size"?',
  ]);
});

/** Return codes of rl_check() for some INVITEs at given seconds. */
async function checks(head: string, call: string, seconds: readonly number[]): Promise<string[]> {
  const clock = new FakeClock();
  clock.advance(1_000_000);
  const runner = startScript({
    dialect: 'opensips',
    modules: 'ratelimit',
    head,
    clock,
    script: `rl_check("p", ${call}); xlog("$rc of $rl_count(p) $rl_count(q)\\n"); exit;`,
  });
  try {
    for (const [i, second] of seconds.entries()) {
      clock.advance(1_000_000 + second * 1000 - clock.monotonic());
      runner.receive(INVITE.replace('z9hG4bK1', `z9hG4bKr${i}`));
    }
    return [...runner.lines];
  } finally {
    await runner.stop();
  }
}

test('rl_check: the limit is for a second, also in longer intervals, and for an interval with limit_per_interval', async () => {
  const interval = 'modparam("ratelimit", "timer_interval", 2)';
  assert.deepEqual(await checks(interval, '2', [0, 0, 1, 1, 1, 3.5]), [
    '1 of 1 <null>',
    '1 of 2 <null>',
    '1 of 3 <null>',
    '1 of 4 <null>',
    '-1 of 5 <null>',
    '1 of 1 <null>',
  ]);
  const whole = `${interval}\nmodparam("ratelimit", "limit_per_interval", 1)`;
  assert.deepEqual(await checks(whole, '2', [0, 0, 1]), ['1 of 1 <null>', '1 of 2 <null>', '-1 of 3 <null>']);
});

test('rl_check: the algorithm is the third argument, or default_algorithm; SBT counts in a sliding window', async () => {
  const window = `modparam("ratelimit", "window_size", 2)
modparam("ratelimit", "slot_period", 500)`;
  const slides = ['1 of 1 <null>', '1 of 2 <null>', '-1 of 3 <null>', '1 of 2 <null>', '1 of 1 <null>'];
  assert.deepEqual(await checks(window, '2, "sbt"', [0, 1, 1.9, 3.2, 60]), slides);
  assert.deepEqual(
    await checks(`${window}\nmodparam("ratelimit", "default_algorithm", "SBT")`, '2', [0, 1, 1.9, 3.2, 60]),
    slides,
  );
  const refused = reading('ratelimit', '', 'rl_check("p", 5, "TAILDORP"); exit;').errors;
  assert.match(refused.join(), /TAILDROP/);
});

test('rl_check: unused pipes are removed after expire_time, those of the file and those in use are not', async () => {
  const clock = new FakeClock();
  clock.advance(1_000_000);
  const runner = startScript({
    dialect: 'opensips',
    modules: 'ratelimit',
    head: 'modparam("ratelimit", "expire_time", 60)\nmodparam("ratelimit", "timer_interval", 1)',
    clock,
    script: `rl_check($hdr(Subject), 5); rl_values($avp(all)); xlog("$(avp(all)[*])\n"); exit;`,
  });
  try {
    let serial = 0;
    const call = (name: string, after: number) => {
      clock.advance(after * 1000);
      runner.receive(
        INVITE.replace('z9hG4bK1', `z9hG4bKe${serial++}`).replace('Contact: ', `Subject: ${name}\r\nContact: `),
      );
    };
    call('old', 0);
    call('used', 10);
    call('used', 40);
    call('new', 20);
    assert.equal(runner.lines.at(-1), 'new, used');
    call('old', 1);
    assert.equal(runner.lines.at(-1), 'old, new, used');
  } finally {
    await runner.stop();
  }
});

test('decimal_digits of mathops is the number of decimals of a result', async () => {
  const script = `math_eval("10 / 4", $var(a)); math_rpn("1 3 /", $var(b)); xlog("$var(a) $var(b)\\n"); xlog("end\\n"); exit;`;
  const head = 'modparam("mathops", "decimal_digits", 2)';
  assert.deepEqual(await linesOf({ dialect: 'opensips', modules: 'mathops', head, script }), ['2.50 0.33']);
});

test('options_reply() sends the capabilities that the parameters name', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'options',
    head: `modparam("options", "accept", "application/sdp")
modparam("options", "accept_encoding", "gzip")
modparam("options", "accept_language", "")
modparam("options", "support", "path, timer")`,
    script: 'options_reply(); exit;',
  });
  try {
    runner.receive(INVITE.replaceAll('INVITE', 'OPTIONS').replace('sip:bob@sw.example', 'sip:127.0.0.1'));
    const [reply = ''] = runner.sent.map(({ text }) => text);
    assert.match(reply, /^SIP\/2.0 200 OK\r\n/);
    assert.match(reply, /\r\nAccept: application\/sdp\r\nAccept-Encoding: gzip\r\nSupported: path, timer\r\n/);
    assert.doesNotMatch(reply, /Accept-Language/);
  } finally {
    await runner.stop();
  }
});

test('use_received of path: a request with the received parameter of our Path goes to that address', async () => {
  const route = INVITE.replace(
    'Max-Forwards',
    'Route: <sip:127.0.0.1:5060;lr;received=sip:192.0.2.7:5090%3Btransport%3Dtcp>\r\nMax-Forwards',
  );
  for (const [value, expected] of [
    ['1', '-1 sip:192.0.2.7:5090;transport=tcp'],
    ['0', '-1 <null>'],
  ] as const) {
    const runner = startScript({
      dialect: 'opensips',
      modules: 'path',
      head: `modparam("path", "use_received", ${value})`,
      script: '$var(x) = 1; loose_route(); xlog("$rc $du\\n"); exit;',
    });
    try {
      runner.receive(route);
      assert.deepEqual(runner.lines, [expected]);
    } finally {
      await runner.stop();
    }
  }
});

/** When an INVITE that rings at some seconds is cancelled, in seconds; the route of the replies may set variables. */
async function cancelledAt(head: string, replyRoute: string, rings: readonly (readonly [number, string])[]) {
  const clock = new FakeClock();
  const runner = startScript({
    dialect: 'opensips',
    head: `modparam("tm", "fr_inv_timeout", 10)\n${head}`,
    clock,
    script: `route { t_on_reply("r"); $du = "sip:127.0.0.1:5080"; t_relay(); }\nonreply_route[r] { ${replyRoute} }`,
  });
  try {
    runner.receive(INVITE);
    const invite = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    const cancel = () => runner.sent.some(({ text }) => text.startsWith('CANCEL'));
    for (let second = 0; second < 60; second++) {
      for (const [at, status] of rings) if (at === second) runner.receive(answerTo(invite, status), 5080);
      clock.advance(1000);
      if (cancel()) return second + 1;
    }
    return undefined;
  } finally {
    await runner.stop();
  }
}

test('tm: each ringing restarts fr_inv_timeout, with restart_fr_on_each_reply 0 only the first reply starts it', async () => {
  const rings = [
    [0, '100 Trying'],
    [2, '180 Ringing'],
    [6, '183 Session Progress'],
  ] as const;
  assert.equal(await cancelledAt('', 'exit;', rings), 16);
  assert.equal(await cancelledAt('modparam("tm", "restart_fr_on_each_reply", 1)', 'exit;', rings), 16);
  assert.equal(await cancelledAt('modparam("tm", "restart_fr_on_each_reply", 0)', 'exit;', rings), 10);
});

test('tm: $T_fr_inv_timeout takes effect in the route of a ringing', async () => {
  const route = 'if (t_check_status("180")) $T_fr_inv_timeout = 4;';
  const rings = [
    [0, '100 Trying'],
    [2, '180 Ringing'],
  ] as const;
  assert.equal(await cancelledAt('', route, rings), 6);
  assert.equal(await cancelledAt('modparam("tm", "restart_fr_on_each_reply", 0)', route, rings), 6);
});
