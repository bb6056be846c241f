import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { carry, one } from '../../../support/imported-cfg.js';

describe('selections', () => {
  test('a script that accepts requests of one method is carried over; where no rule can, the remark says what it answers', () => {
    const { rules, left, notes } = one(`
      if (is_method("OPTIONS") && $rU == NULL) { send_reply(200, "OK"); exit; }
      if (is_method("INVITE")) { send_reply(202, "Later"); exit; }
      if (!ds_select_dst(1, 4)) { send_reply(500, "No"); exit; } t_relay();`);
    assert.deepEqual(rules[0]?.match, { $rm: 'OPTIONS', $rU: '<null>' });
    assert.deepEqual([rules[0]?.relay, rules[0]?.reject], ['reply', { code: 200, reason: 'OK' }]);
    assert.deepEqual(left, ['line 5: send_reply(202, "Later") is not carried over']);
    assert.deepEqual(notes, [
      'line 5: the script answers requests with $rm INVITE with send_reply(202, "Later"); here they are answered with 404',
    ]);
  });

  test('a script without a condition becomes a rule for all requests, with the reply of the script', () => {
    const { rules, left } = one(
      'if (!ds_select_dst(2, 4, "f")) { send_reply(500, "No gateways"); exit; }\nrecord_route();\nt_relay();',
    );
    assert.deepEqual(rules, [
      {
        match: {},
        select: { set: 2, alg: 4, flags: 'f' },
        failover: { codes: [] },
        record_route: true,
        reject: { code: 500, reason: 'No gateways' },
      },
    ]);
    assert.deepEqual(left, []);
  });

  test('conditions become "match", and each selection a rule, in the order of the script', () => {
    const { rules } = one(`
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("CANCEL")) { t_relay(); exit; }
  if (is_method("REGISTER")) { ds_select_dst(9, 0); t_relay(); exit; }
  if ($rU =~ "^00" && $si == "10.0.0.0/8") { ds_select_dst(1, 4); }
  else if ($rd == "b.example") ds_select_dst(3, 4);
  else ds_select_domain(2, 4);
  t_relay();`);
    assert.deepEqual(
      rules.map(({ match, select }) => [match, select?.['set'], select?.['fn'] ?? 'dst']),
      [
        [{ $rm: 'REGISTER' }, 9, 'dst'],
        [{ $rU: '/^00/i', $si: '10.0.0.0/8' }, 1, 'dst'],
        [{ $rd: 'b.example' }, 3, 'dst'],
        [{}, 2, 'domain'],
      ].map(([match, set, fn]) => [match, set, fn]),
    );
  });

  test('a negated condition becomes a rule before it', () => {
    const { rules } = one(
      'if (!is_method("INVITE")) { send_reply(405, "Not Allowed"); exit; }\nds_select_dst(1, 4);\nt_relay();',
    );
    assert.deepEqual(
      rules.map(({ match, relay, select, reject }) => [match, relay ?? 'stateful', select?.['set'], reject]),
      [
        [{ $rm: 'INVITE' }, 'stateful', 1, undefined],
        [{}, 'reply', undefined, { code: 405, reason: 'Not Allowed' }],
      ],
    );
  });

  test('a selection after a condition that cannot be written as "match" is listed, and takes no requests of other rules', () => {
    const { rules, left } = one(`
  if (is_method("REGISTER")) {
    if (!www_authorize("x", "subscriber")) { www_challenge("x"); exit; }
    ds_select_dst(9, 0);
    t_relay();
    exit;
  }
  ds_select_dst(1, 4);
  t_relay();`);
    assert.deepEqual(
      rules.map(({ match, relay, select }) => [match, relay, select?.['set']]),
      [
        [{ $rm: 'REGISTER' }, 'reply', undefined],
        [{}, undefined, 1],
      ],
    );
    assert.ok(
      left.some((each) =>
        /^line 6: ds_select_dst\(9, 0\) did not become a rule: the condition "!www_authorize/.test(each),
      ),
      left.join('\n'),
    );
  });

  test('after an unknown condition on everything nothing is carried over', () => {
    const { rules, left } = one('if (!check_source_address("0")) { exit; }\nds_select_dst(1, 4);\nt_relay();');
    assert.deepEqual(rules, []);
    assert.ok(left.some((each) => each.startsWith('line 4: ds_select_dst(1, 4) did not become a rule')));
  });

  test('an unknown condition that decides nothing is listed and skipped', () => {
    const { rules, left } = one('if (nat_uac_test("19")) { fix_nated_contact(); }\nds_select_dst(1, 4);\nt_relay();');
    assert.equal(rules.length, 1);
    assert.deepEqual(left, [
      'line 3: fix_nated_contact() is not carried over: it depends on "if (nat_uac_test("19"))"',
    ]);
  });

  test('each statement under a condition that is not carried over is listed with its line', () => {
    const { rules, left } = one(`ds_select_dst(1, 4);
if (nat_uac_test("19")) {
  $avp(nat) = 1;
  if ($avp(nat) == 2) {
    xlog("two");
    fix_nated_contact();
  } else {
    while ($var(i) < 3) {
      append_hf("X-Nat: yes\r\n");
    }
  }
}
t_relay();`);
    assert.equal(rules.length, 1);
    const line = Number(/^line (\d+)/.exec(left[0] ?? '')?.[1]);
    assert.deepEqual(left, [
      `line ${line}: the assignment to $avp(nat) is not carried over: it depends on "if (nat_uac_test("19"))"`,
      `line ${line + 3}: fix_nated_contact() is not carried over: it depends on "if ($avp(nat) == 2)"`,
      `line ${line + 6}: append_hf("X-Nat: yes\r\n") is not carried over: it depends on "while"`,
    ]);
  });

  test('a computed value does not become an argument; an assigned constant does', () => {
    const { rules, left } = one(`
  if ($rd == "a") { $avp(set) = 7; ds_select_dst($avp(set), 4); t_relay(); exit; }
  $var(s) = $(hdr(X-Set){s.int});
  if ($rd == "b") { ds_select_dst($var(s), 4); t_relay(); exit; }
  ds_select_dst($(hdr(X-Set){s.int}), 4, , "trunks", 3);
  t_relay();`);
    assert.equal(rules[0]?.select?.['set'], 7);
    assert.equal(rules[1]?.relay, 'reply');
    assert.deepEqual(rules[2]?.select, {
      partition: 'trunks',
      set: '$(hdr(X-Set){s.int})',
      alg: 4,
      flags: '',
      max_res: 3,
    });
    assert.ok(left.some((each) => /\$var\.\.\. in its argument 1 is set by the script/.test(each)));
  });

  test('a selection for the case that another finds nothing is its fallback, if everything else is the same', () => {
    const fallback = one('if (!ds_select_dst(1, 4)) { if (!ds_select_dst(2, 4)) { exit; } }\nt_relay();');
    assert.deepEqual(
      fallback.rules.map((rule) => [
        rule.select?.['set'],
        (rule as { fallback?: { set: number }[] }).fallback?.[0]?.set,
      ]),
      [[1, 2]],
    );
    assert.deepEqual(fallback.left, []);
    const three = one(
      'if (!ds_select_dst(1,4) && !ds_select_dst(2,4) && !ds_select_dst(3,8)) { send_reply(503,"x"); exit; }\nt_relay();',
    );
    assert.deepEqual(
      (three.rules[0] as unknown as { fallback: { set: number }[] }).fallback.map(({ set }) => set),
      [2, 3],
    );
    assert.deepEqual(three.rules[0]?.reject, { code: 503, reason: 'x' });
    for (const body of [
      'if (!ds_select_dst(1, 4)) { ds_select_dst(2, 4); t_on_failure("f"); }\nt_relay();',
      'if (!ds_select_dst(1, 4)) { ds_select_dst(2, 4); record_route(); }\nt_relay();',
      'if (!ds_select_dst(1, 4)) { ds_select_domain(2, 4); }\nt_relay();',
    ]) {
      const other = one(body, 'failure_route[f] { if (ds_next_dst()) t_relay(); }');
      assert.deepEqual(other.rules, [], body);
      assert.ok(
        other.left.some((each) => /ds_select_dst\(1, 4\) did not become a rule/.test(each)),
        body,
      );
    }
  });

  test('a condition on the source of a request becomes a from_list', () => {
    const matches = (condition: string) =>
      one(`if (${condition}) { ds_select_dst(2, 4); t_relay(); exit; }`).rules[0]?.match;
    for (const [condition, value] of [
      ['ds_is_in_list("$si", "$sp", 1)', '1;port'],
      ['ds_is_in_list($si, 0)', '*'],
      ['ds_is_in_list($si, 0, -1)', '*'],
      ['ds_is_in_list("$si", "0", "3", "1")', '3;active'],
      ['ds_is_in_list($si, $sp, 3, "acme", 1, "pstn*")', 'acme:3;port;active;attrs=pstn*'],
      ['ds_is_in_list("$si", "$sp", "acme:3")', 'acme:3;port'],
    ] as const) {
      assert.deepEqual(matches(condition), { from_list: value }, condition);
    }
    for (const condition of [
      'ds_is_in_list($var(ip), 0)',
      'ds_is_in_list($rd, 5060)',
      'ds_is_in_list($si, 0, $var(s))',
    ]) {
      const { rules, left } = one(`if (${condition}) { ds_select_dst(2, 4); t_relay(); exit; }`);
      assert.deepEqual(rules, [], condition);
      assert.ok(
        left.some((each) => each.includes('is not carried over')),
        condition,
      );
    }
  });

  test('two lists in one condition do not become one from_list', () => {
    const { rules, left } = one(
      'if (ds_is_in_list($si,0,1) && ds_is_in_list($si,0,2)) { ds_select_dst(2, 4); t_relay(); }',
    );
    assert.deepEqual(
      rules.filter((each) => each.select !== undefined),
      [],
    );
    assert.ok(left.some((each) => /did not become a rule/.test(each)));
  });

  test('a switch whose cases do not fall through is followed', () => {
    const { rules } = one(`switch ($rm) {
      case "INVITE": case "SUBSCRIBE": ds_select_dst(1, 4); t_relay(); exit;
      case "REGISTER": send_reply(503, "no"); break;
      default: send_reply(405, "never");
    }`);
    assert.deepEqual(
      rules.map((rule) => [rule.match['$rm'], rule.select?.['set'] ?? rule.reject]),
      [
        ['INVITE', 1],
        ['SUBSCRIBE', 1],
        ['REGISTER', { code: 503, reason: 'no' }],
        [undefined, { code: 405, reason: 'never' }],
      ],
    );
  });

  test('a selection without a relay after it is listed', () => {
    const silent = one('ds_select_dst(1, 4);');
    assert.deepEqual(silent.rules, []);
    assert.match(silent.left[0] ?? '', /the request is not relayed after it/);
  });

  test("Kamailio's third argument is a limit, routes are followed, and keep-alives are the proxy's", () => {
    const { rules, left } = carry(`#!KAMAILIO
listen=udp:127.0.0.1:5060
request_route {
  if(is_method("OPTIONS") && uri==myself && $rU==$null) { sl_send_reply("200","Keepalive"); exit; }
  route(DISPATCH);
}
route[DISPATCH] {
  if (uri==myself) { if (!ds_select_dst("1", "4", "2")) { sl_send_reply("404", "None"); exit; } route(RELAY); }
}
route[RELAY] { if (!t_relay()) { sl_reply_error(); } exit; }`);
    assert.deepEqual(rules, [
      {
        match: { $rd: '127.0.0.1' },
        select: { set: 1, alg: 4, flags: '', max_res: 2 },
        failover: { codes: [] },
        record_route: false,
        reject: { code: 404, reason: 'None' },
      },
    ]);
    assert.deepEqual(left, []);
  });
});

describe('failover', () => {
  const failover = (route: string) =>
    one(
      'if (!ds_select_dst(1, 4, "f")) { send_reply(503, "x"); exit; }\nt_on_failure("GW");\nt_relay();',
      `failure_route[GW] {\n${route}\n}`,
    );
  const next = 'if (ds_next_dst()) { t_on_failure("GW"); t_relay(); exit; }';

  test('codes are those of the conditions around the next destination', () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      [next, ['3xx', '4xx', '5xx', '6xx']],
      [
        `if (t_was_cancelled()) exit;\nif (t_check_status("(408)|([56][0-9][0-9])")) { ${next} }`,
        ['408', '5xx', '6xx'],
      ],
      [`if (t_check_status("500") or (t_branch_timeout() and !t_branch_replied())) { ${next} }`, ['500', 'timeout']],
      [
        `if (t_check_status("486|600")) exit;\nif (t_check_status("[456][0-9][0-9]")) { ${next} }`,
        codes4xxWithout486(),
      ],
      [`if (!t_check_status("5..")) { exit; }\n${next}`, ['5xx']],
      [`if ($T_reply_code >= 500 && $T_reply_code < 600) { ${next} }`, ['5xx']],
    ];
    for (const [route, codes] of cases) {
      const { rules, left } = failover(route.replaceAll(' or ', ' || ').replaceAll(' and ', ' && '));
      assert.deepEqual(rules[0]?.failover?.codes, codes, route);
      assert.deepEqual(left, [], route);
    }
  });

  test('a condition on timeouts without any reply is carried over as any timeout, with a remark', () => {
    const noted = (condition: string) =>
      failover(`if (${condition}) { ${next} }`).notes.filter((each) => /rings/.test(each));
    assert.match(noted('t_branch_timeout() && !t_branch_replied()').join(), /a destination that rings and then sends/);
    assert.equal(noted('t_check_status("500") || (t_branch_timeout() && !t_branch_replied())').length, 1);
    assert.deepEqual(noted('t_branch_timeout()'), []);
  });

  function codes4xxWithout486(): string[] {
    const fours = Array.from({ length: 100 }, (_, i) => String(400 + i)).filter((code) => code !== '486');
    const sixes = Array.from({ length: 100 }, (_, i) => String(600 + i)).filter((code) => code !== '600');
    return [...fours, '5xx', ...sixes];
  }

  test('the mark is that of the script, also if the script names a partition beside it', () => {
    const mark = (call: string) => failover(`if (t_check_status("5..")) { ${call}; ${next} }`).rules[0]?.failover?.mark;
    assert.equal(mark('ds_mark_dst("p", "acme")'), 'p');
    assert.equal(mark('ds_mark_dst("acme", "p")'), 'p');
    assert.equal(mark('ds_mark_dst()'), 'i');
    assert.equal(mark('xlog("x")'), undefined);
  });

  test('a route that is not armed again tries one more destination', () => {
    assert.deepEqual(failover('if (t_check_status("5..") && ds_next_dst()) { t_relay(); }').rules[0]?.failover, {
      codes: ['5xx'],
      max: 2,
    });
  });

  test('conditions that cannot be written as codes are listed, and the rule does not fail over', () => {
    for (const route of [
      `if (isflagset("X")) { ${next} }`,
      `if (t_check_status("401|407")) { uac_auth(); t_relay(); exit; }\nif (t_check_status("5..")) { ${next} }`,
      `if (t_check_status("5..")) { rewritehostport("10.0.0.9"); t_relay(); }`,
      `if (t_check_status("5..")) { ds_mark_dst("p"); ${next} } else if (t_check_status("408")) { ${next} }`,
    ]) {
      const { rules, left } = failover(route);
      assert.deepEqual(rules[0]?.failover, { codes: [] }, route);
      assert.ok(
        left.some((each) => /failure_route\[GW\] is not carried over: .*; the rule does not fail over/.test(each)),
        left.join('\n'),
      );
    }
  });

  test('a failure route that no rule uses is listed', () => {
    const { left } = one('t_reply(404, "x");', 'failure_route[OTHER] { t_relay(); }\nonreply_route[R] { xlog("x"); }');
    assert.deepEqual(left, [
      'line 5: failure_route[OTHER] is not carried over',
      'line 6: onreply_route[R] is not carried over',
    ]);
  });
});
