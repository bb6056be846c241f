import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importCfg } from '../../../../src/cli/import/import-cfg.js';
import { remarkText } from '../../../../src/cli/import/ledger.js';

interface Rule {
  readonly match: Readonly<Record<string, string>>;
  readonly select?: { readonly set: number };
  readonly destination?: object;
  readonly reject?: object;
}

function carried(body: string, dialect: 'opensips' | 'kamailio' = 'opensips') {
  const head =
    dialect === 'kamailio'
      ? '#!KAMAILIO\nlisten=udp:127.0.0.1:5060\nrequest_route'
      : 'socket=udp:127.0.0.1:5060\nroute';
  const { settings, left } = importCfg(`${head} {\n${body}\n}\n`, 'x.cfg', { read: () => undefined });
  const rules = settings['routing'] as unknown as readonly Rule[];
  return { rules: rules.filter(({ select }) => select !== undefined), left: left.map(remarkText) };
}

const select = 'if (!ds_select_dst(1, 4)) { send_reply(503, "none"); exit; } t_relay();';

describe('changes of the called number become "destination" of the rule', () => {
  const cases: readonly (readonly [title: string, statements: string, destination: object | undefined])[] = [
    ['strip()', 'strip(3);', { strip: 3 }],
    ['prefix()', 'prefix("0049");', { prefix: '0049' }],
    ['both', 'strip(1); prefix("+44");', { strip: 1, prefix: '+44' }],
    ['twice', 'strip(1); strip(2); prefix("9"); prefix("8");', { strip: 3, prefix: '89' }],
    ['a prefix that is taken off again', 'prefix("12"); strip(1);', { prefix: '2' }],
    ['more than the prefix', 'prefix("12"); strip(3);', { strip: 1 }],
    ['{s.substr}', '$rU = $(rU{s.substr,2,0});', { strip: 2 }],
    ['a text before $rU', '$rU = "011" + $rU;', { prefix: '011' }],
    ['a text with $rU', '$rU = "011$rU";', { prefix: '011' }],
    ['nothing', 'strip(0);', undefined],
  ];
  for (const [title, statements, destination] of cases) {
    test(title, () => {
      const { rules, left } = carried(`${statements} ${select}`);
      assert.deepEqual(
        rules.map((each) => each.destination),
        [destination],
      );
      assert.deepEqual(left, []);
    });
  }

  test('also after the selection, and under a condition on the number that was received', () => {
    const { rules } = carried(`if ($rU =~ "^00") { strip(2); } ${select}`);
    assert.deepEqual(
      rules.map(({ match, destination }) => [match, destination]),
      [
        [{ $rU: '/^00/i' }, { strip: 2 }],
        [{}, undefined],
      ],
    );
    const afterSelection = carried('if (!ds_select_dst(1, 4)) exit; prefix("7"); t_relay();');
    assert.deepEqual(afterSelection.rules[0]?.destination, { prefix: '7' });
  });
});

describe('a selection is listed and does not become a rule if the request-URI is changed in a way that rules cannot express', () => {
  for (const statement of [
    'strip_tail(2);',
    'strip($var(n));',
    'prefix("$avp(tech)");',
    'rewritehost("10.0.0.9");',
    'seturi("sip:x@y");',
    '$rd = "gw.example";',
    '$ru = "sip:" + $rU + "@x";',
    '$rU = $avp(number);',
    'subst_uri("/a/b/");',
    '$rU = "1"; strip(1);',
  ]) {
    test(statement, () => {
      for (const dialect of ['opensips', 'kamailio'] as const) {
        const { rules, left } = carried(`${statement}\n${select}`, dialect);
        assert.deepEqual(rules, []);
        const selection = left.find((each) => each.includes('ds_select_dst'));
        assert.match(selection ?? '', /the request-URI is changed before it/);
      }
    });
  }

  test('the algorithm hashes the number, or a condition reads it afterwards', () => {
    const hashed = carried('strip(1); if (!ds_select_dst(1, 3)) exit; t_relay();');
    assert.deepEqual(hashed.rules, []);
    assert.match(hashed.left.join('\n'), /depends on the called number, which the script changes before/);
    const asked = carried(`strip(1); if ($rU =~ "^5") { ${select} exit; } send_reply(404, "no");`);
    assert.deepEqual(asked.rules, []);
    assert.match(asked.left.join('\n'), /cannot be written as "match"/);
  });
});

describe('a condition on the result of the selection before it is one on the selection', () => {
  for (const [condition, fails] of [
    ['$rc < 0', true],
    ['$retcode < 1', true],
    ['$rc == -1', true],
    ['$rc != 1', true],
    ['!($rc > 0)', true],
    ['$retcode >= 1', false],
  ] as const) {
    test(condition, () => {
      const [no, yes] = ['send_reply(480, "gone"); exit;', 't_relay(); exit;'];
      const body = `ds_select_dst(1, 4); if (${condition}) { ${fails ? no : yes} } ${fails ? yes : no}`;
      const { rules, left } = carried(body);
      assert.deepEqual(left, []);
      assert.deepEqual(
        rules.map((each) => [each.match, each.select?.set, each.reject]),
        [[{}, 1, { code: 480, reason: 'gone' }]],
      );
    });
  }

  test('a condition on the result of another function is not', () => {
    const { rules, left } = carried('ds_select_dst(1, 4); lookup("x"); if ($rc < 0) { exit; } t_relay();');
    assert.deepEqual(rules, []);
    assert.match(left.join('\n'), /\$rc < 0/);
  });
});

test('a selection on a path that cannot be followed later is listed with the reason', () => {
  const { rules, left } = carried(
    'if (!ds_select_dst(1, 4)) exit;\nif ($var(x) == "y") { ds_select_dst(2, 4); t_relay(); exit; }\nt_relay();',
  );
  assert.deepEqual(rules, []);
  const selections = left.filter((each) => each.includes('did not become a rule'));
  assert.equal(selections.length, 2);
  for (const each of selections) assert.match(each, /the condition "\$var\(x\) == "y"" \(line 4\)/);
});
