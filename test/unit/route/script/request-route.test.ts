import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { row } from '../../../support/partitions.js';
import { run } from '../../../support/request-route-fixture.js';
import { GATEWAYS, scriptFixture } from '../../../support/script-fixture.js';

const P2 = { rows: [row('sip:10.2.0.1:5060', { setId: 7 })], options: { dstAvp: 'p2_dst', attrsAvp: 'p2_attrs' } };

describe('selections in a request route', () => {
  test('ds_select_dst sets $du and t_relay goes there', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      seen.push(r.ds_select_dst(1, 4), r.du, r.retcode, r.get('$avp(attrs)'), r.get('$avp(ds_grp_failover)'));
      r.t_relay();
    });
    assert.deepEqual(seen, [true, 'sip:10.0.0.1:5060', 1, 'first', 1]);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060']);
    assert.equal(fixture.relayed()[0]?.requestUri, 'sip:bob@example.com');
    assert.equal(fixture.counted.selected, 1);
  });

  test('ds_select_domain and ds_next_domain rewrite the request-URI', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      r.ds_select_domain(1, 8, 'f');
      seen.push(r.ru, r.du);
      r.ds_next_domain();
      seen.push(r.ru);
      r.t_relay();
    });
    assert.deepEqual(seen, ['sip:bob@10.0.0.1:5060', null, 'sip:bob@10.0.0.2:5060']);
    assert.equal(fixture.relayed()[0]?.requestUri, 'sip:bob@10.0.0.2:5060');
    assert.deepEqual(fixture.targets(), ['10.0.0.2:5060']);
  });

  test('a strict ds_select_domain of a sips destination writes a sip URI, which does not leave in clear', () => {
    const seen: unknown[] = [];
    const fixture = run(
      (r) => {
        r.ds_select_domain(1, 8);
        r.set('$rU', 'eve');
        seen.push(r.ru);
        r.t_relay();
      },
      { partitions: { default: { rows: [row('sips:10.0.0.1:5070')], options: { compat: 'strict' } } } },
    );
    assert.deepEqual([seen, fixture.targets()], [['sip:eve@10.0.0.1:5070'], []]);
  });

  test('arguments in the form of 2.1 and of current versions choose the same destination', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        r.set('$var(p)', 'p2');
        seen.push(r.ds_select_dst('p2 : 7', '8', 'f'), r.du);
        r.set('$du', null);
        seen.push(r.ds_select_dst('$var(p):7', 8, 'fM5'), r.du);
        r.set('$du', null);
        seen.push(r.ds_select_dst(7, 'first', 'f', '$var(p)', 5), r.du);
      },
      { partitions: { default: { rows: GATEWAYS }, p2: P2 } },
    );
    const there = [true, 'sip:10.2.0.1:5060'];
    assert.deepEqual(seen, [...there, ...there, ...there]);
  });

  test('a failed selection is false, returns -1, and changes nothing', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      seen.push(r.ds_select_dst(99, 0), r.retcode, r.du);
      seen.push(r.ds_select_dst('nobody:1', 0), r.retcode);
      seen.push(r.ds_select_dst('one', 0), r.retcode);
      seen.push(r.ds_select_dst('$avp(unset)', 0), r.retcode);
      seen.push(r.ds_next_dst(), r.retcode, r.ds_next_dst('nobody'), r.ds_mark_dst());
    });
    assert.deepEqual(seen, [false, -1, null, false, -1, false, -1, false, -1, false, -1, false, false]);
    assert.equal(fixture.counted.failed, 1);
    assert.match(fixture.log.map((each) => each.message).join('\n'), /ds_select_dst\(\): no partition "nobody"/);
  });

  test('flag s keeps a destination that is set', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.set('$du', 'sip:10.9.9.9');
      seen.push(r.ds_select_dst(1, 8, 's'), r.du, r.ds_select_dst(1, 8), r.du);
    });
    assert.deepEqual(seen, [true, 'sip:10.9.9.9', true, 'sip:10.0.0.1:5060']);
  });

  test('AVPs of a partition show and replace the failover list', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.ds_select_dst(1, 8, 'f');
      seen.push(r.avps.all('ds_dst_failover'), r.get('$avp(ds_cnt_failover)'), r.get('$(avp(ds_dst_failover)[1])'));
      r.avps.replace('ds_dst_failover', ['sip:10.0.0.1:5060', 'sip:10.0.0.3:5060', 'sip:10.7.7.7']);
      seen.push(r.ds_next_dst(), r.du, r.ds_next_dst(), r.du, r.ds_next_dst());
    });
    const [list, count, second, ...rest] = seen;
    assert.deepEqual(list, ['sip:10.0.0.1:5060', 'sip:10.0.0.2:5060', 'sip:10.0.0.3:5060']);
    assert.deepEqual([count, second], [3, 'sip:10.0.0.2:5060']);
    assert.deepEqual(rest, [true, 'sip:10.0.0.3:5060', true, 'sip:10.7.7.7', false]);
  });

  test('a failover list written before any selection is used', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.avps.replace('ds_dst_failover', ['sip:x.example', 'sip:10.0.0.2:5060']);
      seen.push(r.ds_next_dst(), r.du);
    });
    assert.deepEqual(seen, [true, 'sip:10.0.0.2:5060']);
  });

  test('a second selection without a socket keeps the socket of the first, as recorded', () => {
    for (const compat of ['default', 'strict'] as const) {
      const seen: unknown[] = [];
      scriptFixture(
        {
          request(r) {
            for (const set of [1, 2]) {
              r.ds_select_dst(set, 8);
              seen.push(r.get('$fs'));
            }
          },
        },
        {
          partitions: {
            default: {
              options: { compat },
              rows: [row('sip:10.0.0.1', { socket: 'udp:127.0.0.1:5060' }), row('sip:10.0.0.2', { setId: 2 })],
            },
          },
        },
      ).call();
      assert.deepEqual(seen, ['udp:127.0.0.1:5060', 'udp:127.0.0.1:5060']);
    }
  });

  test('requests leave by the socket of the destination, unless the script sets another', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        r.ds_select_dst(1, 8, 'f');
        seen.push(r.get('$fs'));
        r.ds_next_dst();
        seen.push(r.get('$fs'));
      },
      {
        partitions: {
          default: { rows: [row('sip:10.0.0.1', { socket: 'udp:127.0.0.1:5060' }), row('sip:10.0.0.2')] },
        },
      },
    );
    assert.deepEqual(seen, ['udp:127.0.0.1:5060', null]);
  });

  test('hash_pvar and script_attrs_avp are used', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        seen.push(r.ds_select_dst(1, 7));
        r.ds_push_script_attrs('fast', '10.0.0.1', 5060, 1);
        r.ds_select_dst(1, 8);
        seen.push(r.get('$avp(pushed)'));
      },
      { hashPvar: '$fU' },
    );
    assert.deepEqual(seen, [true, 'fast']);
  });
});

describe('ds_mark_dst', () => {
  const marked = (...args: [string?, string?]) => {
    let code: unknown;
    const fixture = run((r) => {
      r.ds_select_dst(1, 8);
      code = [r.ds_mark_dst(...args), r.retcode];
    });
    return [fixture.state('sip:10.0.0.1:5060'), code];
  };

  test('marks a destination inactive at once without a state or with i, counts p toward the threshold, and ignores other letters, as recorded', () => {
    const ok = [true, 1];
    assert.deepEqual(marked(), ['inactive', ok]);
    for (const state of ['i', 'I', '0']) assert.deepEqual(marked(state), ['inactive', ok]);
    for (const state of ['p', 'P', '2', 'a', 'x']) assert.deepEqual(marked(state), ['active', ok]);
  });

  test('accepts both orders of its arguments', () => {
    assert.deepEqual(marked('default', 'i'), ['inactive', [true, 1]]);
    assert.deepEqual(marked('i', 'default'), ['inactive', [true, 1]]);
    assert.deepEqual(marked('nobody', 'i'), ['active', [false, -1]]);
  });

  test('three times p make a destination probing, reported with the recorded reason', () => {
    const reasons: string[] = [];
    const fixture = scriptFixture({
      request(r) {
        r.ds_select_dst(1, 8);
        r.ds_mark_dst('p');
      },
    });
    fixture.engine.states.onChange((change) => reasons.push(`${change.edge} ${change.reason} ${change.origin}`));
    for (const branch of ['1', '2', '3']) fixture.call({ branch: `z9hG4bK${branch}` });
    assert.equal(fixture.state('sip:10.0.0.1:5060'), 'probing');
    assert.deepEqual(reasons, ['inactive script function ds_mark() script']);
  });
});

describe('black lists', () => {
  const options = {
    partitions: { default: { rows: [...GATEWAYS, row('sip:10.0.0.1:5060', { setId: 4 })] } },
    blacklists: { blocked: [4] },
  };

  test('a blocked next hop is replaced by the next one', () => {
    const seen: boolean[] = [];
    const fixture = run((r) => {
      seen.push(r.use_blacklist('blocked'), r.use_blacklist('none'));
      r.ds_select_dst(1, 8, 'f');
      r.t_relay();
    }, options);
    assert.deepEqual([seen, fixture.targets()], [[true, false], ['10.0.0.2:5060']]);
  });

  test('a call whose next hops are all blocked is answered with 473', () => {
    const fixture = run((r) => {
      r.use_blacklist('blocked');
      r.ds_select_dst(1, 8);
      assert.equal(r.t_relay(), true);
    }, options);
    assert.deepEqual([fixture.codes(), fixture.relayed().length], [[100, 473], 0]);
  });

  test('nothing is blocked without use_blacklist', () => {
    const fixture = run((r) => {
      r.use_blacklist('blocked');
      r.unuse_blacklist('blocked');
      r.ds_select_dst(1, 8);
      r.t_relay();
    }, options);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060']);
  });
});
