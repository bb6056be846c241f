import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestRoute } from '../../../../src/route/script/request-route.js';
import { fixtureOf, GROUPS, noted, type Options } from '../../../support/kamailio-route-fixture.js';
import { row } from '../../../support/partitions.js';

/**
 * Targets of INVITEs (last two numbers of the address) when each is answered with 503, followed by the caller's status.
 */
function attempts(request: (r: RequestRoute) => unknown, options: Options = {}): string[] {
  const fixture = fixtureOf(request, options);
  fixture.call();
  for (let answered = 0; answered < 20; ) {
    const sent = fixture.udp.sent.filter(({ text }) => text.startsWith('INVITE'));
    if (sent.length === answered) break;
    for (; answered < sent.length; answered++) fixture.answer(sent[answered]?.text ?? '', 503);
  }
  return [...fixture.targets().map((target) => target.slice(5, 8)), String(fixture.codes().at(-1))];
}

function routing(rules: string, mode = 'd', limit: number | string = '0') {
  return (r: RequestRoute) => {
    if (!r.ds_select_routes(rules, mode, limit)) return r.send_reply(500, 'nosel');
    if (mode === 'x') r.ds_set_dst();
    r.t_on_failure('NEXT');
    return r.t_relay();
  };
}

describe('ds_select_routes with failover, every destination answering 503 (recorded from Kamailio 5.6.3)', () => {
  const ALL = ['2.2', '2.1', '1.2', '1.1', '3.2', '3.1', '500'];
  const recorded: [rules: string, mode: string, limit: number, attempts: string[]][] = [
    ['2=4;1=4;3=4', 'd', 0, ALL],
    ['2=8;1=8;3=8', 'd', 0, ALL],
    ['2=8;1=8;3=8', 'd', 1, ['2.2', '1.2', '3.2', '500']],
    ['2=8;1=8;3=8', 'd', 2, ['2.2', '2.1', '1.2', '3.2', '500']],
    ['2=8;1=8;3=8', 'd', 3, ['2.2', '2.1', '1.2', '3.2', '500']],
    ['2=8;1=8;3=8', 'd', 4, ['2.2', '2.1', '1.2', '1.1', '3.2', '500']],
    ['2=8;1=8;3=8', 'd', 5, ['2.2', '2.1', '1.2', '1.1', '3.2', '500']],
    ['2=8;1=8;3=8', 'x', 0, ALL],
    ['2=8;9=8;3=8', 'd', 0, ['2.2', '2.1', '3.2', '3.1', '500']],
    ['9=8;3=8', 'd', 0, ['3.2', '3.1', '500']],
    ['9=8', 'd', 0, ['500']],
    ['2=8', 'd', 0, ['2.2', '2.1', '500']],
    ['3=0;1=0', 'd', 0, ['3.2', '3.1', '1.2', '1.1', '500']],
    ['2=8;1=12', 'd', 0, ['2.2', '1.2', '1.1', '2.1', '500']],
  ];
  for (const [rules, mode, limit, expected] of recorded) {
    test(`${rules} ${mode} ${limit}`, () => {
      for (const compat of ['strict', 'default'] as const) {
        // The hashes of 3=0 were recorded for another Call-ID.
        const order = attempts(routing(rules, mode, limit), { compat });
        if (rules === '3=0;1=0') assert.deepEqual(order.toSorted(), expected.toSorted());
        else assert.deepEqual(order, expected);
      }
    });
  }

  test('gives other results in a partition that is not strict', () => {
    const twice = ['2.2', '2.1', '500'];
    assert.deepEqual(attempts(routing('2=8;2=8'), { compat: 'strict' }), ['2.2', '2.1', ...twice]);
    assert.deepEqual(attempts(routing('2=8;2=8')), twice);
    assert.deepEqual(attempts(routing('2=12;1=8'), { compat: 'strict' }), ['2.2', '2.1', '1.1', '500']);
    assert.deepEqual(attempts(routing('2=12;1=8')), ['2.2', '2.1', '1.2', '1.1', '500']);
  });

  test('mode r rewrites the request-URI, ds_next_domain continues, and the list does not start again', () => {
    const fixture = fixtureOf(
      (r) => {
        assert.equal(r.ds_select_routes('2=8;1=8', 'r', 0), true);
        r.t_on_failure('NEXT');
        r.t_relay();
      },
      {},
      (r) => {
        if (!r.ds_next_domain()) return;
        r.t_on_failure('NEXT');
        r.t_relay();
      },
    );
    fixture.call();
    for (let i = 0; i < 8; i++) {
      const sent = fixture.udp.sent.filter(({ text }) => text.startsWith('INVITE'))[i];
      if (sent !== undefined) fixture.answer(sent.text, 503);
    }
    assert.deepEqual(
      fixture.relayed().map((each) => each.requestUri),
      ['2.2', '2.1', '1.2', '1.1'].map((each) => `sip:bob@10.0.${each}:5060`),
    );
    assert.equal(fixture.codes().at(-1), 500);
  });

  test('refuses malformed rules and modes', () => {
    const bad = ['', '2=8,1=8', '2=x', ' 2=8', ';;'];
    assert.deepEqual(
      noted((r, note) => {
        for (const rules of bad) note(r.ds_select_routes(rules, 'd', 0) || r.retcode);
        note(r.ds_select_routes('2=8', 'z', 0) || r.retcode);
        note(r.du);
      }),
      [...bad.map(() => -1), -1, null],
    );
    const named = noted((r, note) => {
      note(r.ds_select_routes('default:2=8', 'd', 0));
      note(r.ds_select_routes('2=8', 'd', 0, 'default'));
      note(r.ds_select_routes('other:2=8', 'd', 0, 'default'));
      note(r.ds_select_routes('2=8', 'd', 0, 'other'));
    });
    assert.deepEqual(named, [true, true, false, false]);
    const kept = noted(
      (r, note) => {
        note(r.ds_select_routes('2=8;1=a', 'd', 0) || r.retcode);
        note(r.du);
        note([r.get('$xavp(_dsdst_[0]=>uri)'), r.get('$xavp(_dsctx_=>cnt)')]);
        r.ds_select_routes('2=8', 'd', 0);
        note(r.get('$xavp(_dsctx_=>cnt)'));
      },
      { compat: 'strict' },
    );
    assert.deepEqual(
      kept,
      [-1, 'sip:10.0.2.2:5060', ['sip:10.0.2.2:5060', null], 2],
      'what stood before the fault was set, as recorded',
    );
  });
});

describe('selections in Kamailio’s form', () => {
  test('parallel groups in mode x are branches; ds_set_dst goes to the first of the list after them', () => {
    for (const compat of ['default', 'strict'] as const) {
      const seen: unknown[] = [];
      const fixture = fixtureOf(
        (r) => {
          seen.push(r.ds_select_routes('1=12;2=12;3=8', 'x'), r.ds_set_dst(), r.du);
          r.t_relay();
        },
        { compat },
      );
      fixture.call();
      assert.deepEqual(seen, [true, true, 'sip:10.0.3.2:5060'], compat);
      const hosts = fixture.targets().map((target) => target.split(':')[0] ?? '');
      // Each once; those of groups 1 and 2 together with the first of group 3.
      assert.deepEqual([...hosts].sort(), [...new Set(hosts)].sort(), compat);
      assert.ok(hosts.includes('10.0.3.2') && hosts.includes('10.0.1.2') && hosts.includes('10.0.2.1'), `${hosts}`);
    }
  });

  test('with force_dst 0 ds_select_routes in mode d fails if $du is set', () => {
    const seen = noted(
      (r, note) => {
        note([r.ds_select_routes('1=8', 'd'), r.retcode]);
        note([r.ds_select_routes('2=8', 'd'), r.retcode, r.du]);
        note([r.ds_select_routes('2=8', 'x'), r.retcode]);
      },
      { forceDst: false },
    );
    assert.deepEqual(seen, [
      [true, 1],
      [false, -1, 'sip:10.0.1.2:5060'],
      [true, 1],
    ]);
  });

  test('strict: a second selection is put before the whole list of the first, as recorded; by default it replaces that list', () => {
    const selections: ((r: RequestRoute) => unknown)[] = [
      (r) => r.ds_select_dst(2, 8),
      (r) => r.ds_select_routes('2=8;3=8', 'd'),
    ];
    const expected = {
      strict: [
        ['2.2', '2.1', '1.2', '1.1'],
        ['2.2', '2.1', '3.2', '3.1', '1.2', '1.1'],
      ],
      default: [
        ['2.2', '2.1'],
        ['2.2', '2.1', '3.2', '3.1'],
      ],
    };
    for (const compat of ['strict', 'default'] as const) {
      const tried = selections.map((second) => {
        const order: string[] = [];
        const took = (r: RequestRoute): unknown => order.push(String(r.du).replace(/^sip:10\.0\.|:5060$/g, ''));
        noted(
          (r) => {
            r.ds_select_dst(1, 8);
            second(r);
            for (took(r); r.ds_next_dst(); ) took(r);
          },
          { compat },
        );
        return order;
      });
      assert.deepEqual(tried, expected[compat], compat);
    }
  });

  test('a selection that fails does not change $du and the list of the one before', () => {
    const seen = noted((r, note) => {
      r.ds_select_dst(1, 8);
      note(r.ds_select_dst(99, 8));
      note(r.du);
      note(r.ds_next_dst());
      note(r.du);
    });
    assert.deepEqual(seen.slice(0, 4).map(String), ['false', 'sip:10.0.1.2:5060', 'true', 'sip:10.0.1.1:5060']);
  });

  test('strict: in failure routes $du has the value of the request route; by default it is empty', () => {
    for (const [compat, expected] of [
      ['default', [null, null]],
      ['strict', ['sip:10.0.1.2:5060', 'sip:10.0.1.2:5060']],
    ] as const) {
      const seen: unknown[] = [];
      const fixture = fixtureOf(
        (r) => {
          r.ds_select_dst(1, 8);
          r.t_on_failure('NEXT');
          r.t_relay();
        },
        { compat },
        (r) => {
          seen.push(r.du);
          if (!r.ds_next_dst()) return;
          r.t_on_failure('NEXT');
          r.t_relay();
        },
      );
      fixture.call();
      for (let i = 0; i < 2; i++) {
        const sent = fixture.udp.sent.filter(({ text }) => text.startsWith('INVITE'))[i];
        fixture.answer(sent?.text ?? '', 503);
      }
      assert.deepEqual(seen, expected, compat);
    }
  });

  test('ds_select_dst, ds_select_domain, ds_select, ds_set_dst, ds_next_dst and the records', () => {
    const seen = noted((r, note) => {
      note([r.ds_select_dst(1, 8, 0), r.retcode, r.du]);
      note([r.get('$xavp(_dsdst_[0]=>uri)'), r.get('$xavp(_dsdst_[1]=>uri)'), r.get('$xavp(_dsdst_[2]=>uri)')]);
      note([r.get('$xavp(_dsdst_=>grp)'), r.get('$xavp(_dsdst_=>attrs)'), r.get('$xavp(_dsctx_=>cnt)')]);
      note([r.ds_next_dst(), r.du, r.get('$xavp(_dsdst_[0]=>uri)'), r.get('$xavp(_dsdst_[1]=>uri)')]);
      note([r.ds_next_dst(), r.retcode, r.get('$xavp(_dsdst_[0]=>uri)'), r.ds_set_dst()]);
      note([r.ds_select_dst(9, 8), r.retcode]);
      note([r.ds_select_dst(1, 8, 1), r.ds_next_dst()]);
      r.set('$du', null);
      note([r.ds_select(2, 8), r.du, r.ds_set_dst(), r.du, r.ds_set_domain(), r.ru]);
      note([r.ds_select_domain('default:3', '8'), r.ru, r.ds_next_domain(), r.ru, r.ds_next_domain()]);
    });
    assert.deepEqual(seen, [
      [true, 1, 'sip:10.0.1.2:5060'],
      ['sip:10.0.1.2:5060', 'sip:10.0.1.1:5060', null],
      [1, 'duid=d12', 2],
      [true, 'sip:10.0.1.1:5060', 'sip:10.0.1.1:5060', null],
      [false, -1, null, false],
      [false, -1],
      [true, false],
      [true, null, true, 'sip:10.0.2.2:5060', true, 'sip:bob@10.0.2.2:5060'],
      [true, 'sip:bob@10.0.3.2:5060', true, 'sip:bob@10.0.3.1:5060', false],
    ]);
  });

  describe('in strict a row without duid ends the list of algorithm 10 (recorded)', () => {
    const rows = ['', 'duid=b', 'duid=c'].map((attrs, n) => row(`sip:10.0.2.${n}:5060`, { setId: 2, attrs }));
    const more = [...GROUPS.filter((each) => each.setId === 1), ...rows];
    const selections: [name: string, run: (r: RequestRoute) => unknown, shown: string | null][] = [
      ['ds_select_dst', (r) => r.ds_select_dst(2, 10), 'sip:10.0.2.2:5060'],
      ['ds_select_domain', (r) => r.ds_select_domain('2', 10), 'sip:bob@10.0.2.2:5060'],
      ['ds_select', (r) => r.ds_select(2, 10), null],
      ['ds_select_routes d', (r) => r.ds_select_routes('2=10', 'd'), 'sip:10.0.2.2:5060'],
      ['ds_select_routes r', (r) => r.ds_select_routes('77=4;2=10', 'r'), 'sip:bob@10.0.2.2:5060'],
      ['ds_select_routes x', (r) => r.ds_select_routes('2=10;77=4', 'x'), null],
    ];
    for (const [name, run, shown] of selections) {
      test(`${name} fails, but what stands before that row is selected`, () => {
        const seen = noted(
          (r, note) => {
            const before = r.ru;
            note([run(r), r.retcode, r.du ?? (r.ru === before ? null : r.ru)]);
            note([r.get('$xavp(_dsdst_[0]=>uri)'), r.get('$xavp(_dsdst_[1]=>uri)'), r.get('$xavp(_dsctx_=>cnt)')]);
            note([r.ds_next_dst(), r.du, r.ds_next_dst()]);
          },
          { compat: 'strict', rows: more },
        );
        assert.deepEqual(seen, [
          [false, -1, shown],
          ['sip:10.0.2.2:5060', 'sip:10.0.2.1:5060', null],
          [true, 'sip:10.0.2.1:5060', false],
        ]);
      });
    }

    test('the list and the number of an earlier selection stay', () => {
      const seen = noted(
        (r, note) => {
          r.ds_select_dst(1, 8, 1);
          note([r.ds_select_dst(2, 10), r.du, r.get('$xavp(_dsctx_=>cnt)'), r.get('$xavp(_dsdst_[2]=>uri)')]);
          note([r.ds_select_routes('2=4;77=4', 'x'), r.get('$xavp(_dsctx_=>cnt)')]);
          note([r.ds_select_routes('2=10;x', 'x'), r.get('$xavp(_dsctx_=>cnt)')]);
        },
        { compat: 'strict', rows: more },
      );
      assert.deepEqual(seen, [
        [false, 'sip:10.0.2.2:5060', 1, 'sip:10.0.1.2:5060'],
        [true, 3],
        [false, 3],
      ]);
    });

    test('a later selection that finds nothing changes nothing', () => {
      const seen = noted(
        (r, note) => {
          r.ds_select_dst(2, 10);
          r.set('$du', 'sip:10.9.9.9');
          note([r.ds_select_dst(77, 4), r.ds_select_routes('', 'd'), r.du]);
        },
        { compat: 'strict', rows: more },
      );
      assert.deepEqual(seen, [[false, false, 'sip:10.9.9.9']]);
    });

    test('by default duid is not needed', () => {
      const seen = noted((r, note) => note([r.ds_select_dst(2, 10), r.get('$xavp(_dsctx_=>cnt)')]), { rows: more });
      assert.deepEqual(seen, [[true, 3]]);
    });
  });

  test('without flag 2 there is no list', () => {
    const seen = noted((r, note) => note([r.ds_select_dst(1, 8), r.ds_next_dst(), r.get('$xavp(_dsdst_[0]=>uri)')]), {
      kamailio: { flags: 0 },
    });
    assert.deepEqual(seen, [[true, false, null]]);
  });

  test('force_dst=0 keeps a $du that is set', () => {
    const seen = noted(
      (r, note) => {
        r.set('$du', 'sip:10.9.9.9');
        note([r.ds_select_dst(1, 8), r.retcode, r.du]);
      },
      { forceDst: false },
    );
    assert.deepEqual(seen, [[false, -1, 'sip:10.9.9.9']]);
  });

  test('algorithm 12 adds branches, ds_select the first as well', () => {
    const seen = noted((r, note) => {
      note([r.ds_select_dst(1, 12), r.retcode, r.du, r.get('$(branch(duri)[*])')]);
      r.t_relay();
    });
    assert.deepEqual(seen, [[true, 1, 'sip:10.0.1.2:5060', 'sip:10.0.1.1:5060']]);
    const listed = noted((r, note) => note([r.ds_select(1, 12), r.du, r.get('$(branch(duri)[*])')]));
    assert.deepEqual(listed, [[true, null, 'sip:10.0.1.2:5060, sip:10.0.1.1:5060']]);
  });
});
