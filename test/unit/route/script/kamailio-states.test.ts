import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kamailioOf } from '../../../../src/engine/kamailio/flavour.js';
import { lettersOf, liveOf } from '../../../../src/engine/kamailio/live.js';
import type { Compat } from '../../../../src/engine/options.js';
import { fixtureOf, noted } from '../../../support/kamailio-route-fixture.js';

describe('states and sets', () => {
  test('ds_mark_dst sets states by letters, at the threshold; ds_mark_addr sets them at once', () => {
    const fixture = fixtureOf(
      (r) => {
        assert.equal(r.ds_mark_dst('ip'), false, 'nothing is selected');
        r.ds_select_dst(1, 8);
        assert.equal(r.ds_mark_dst('x'), false);
        assert.equal(r.ds_mark_dst('tp'), true);
        assert.equal(r.ds_mark_addr('dp', 2, 'sip:10.0.2.1:5060'), true);
        assert.equal(r.ds_mark_addr('i', 2, 'sip:10.0.2.9:5060'), false);
        assert.equal(r.ds_mark_addr('q', 2, 'sip:10.0.2.1:5060'), false);
      },
      { kamailio: { probingThreshold: 2 } },
    );
    const letters = (setId: number, uri: string) => {
      const destination = fixture.partition.find(setId, uri);
      return destination === undefined ? undefined : lettersOf(destination);
    };
    fixture.call();
    assert.deepEqual(fixture.faults(), []);
    assert.deepEqual([letters(1, 'sip:10.0.1.2:5060'), letters(2, 'sip:10.0.2.1:5060')], ['TP', 'DP']);
  });

  test('ds_list_exists and ds_is_active return whether a set exists, and has an active destination', () => {
    const seen = noted((r, note) => {
      note([r.ds_list_exists(1), r.ds_list_exist('default:9'), r.retcode, r.ds_list_exists('x'), r.retcode]);
      note([r.ds_is_active(1), r.ds_is_active(1, 'sip:10.0.1.1:5060'), r.ds_is_active(1, 'SIP:10.0.1.1:5060')]);
      r.ds_mark_addr('i', 1, 'sip:10.0.1.1:5060');
      note([r.ds_is_active(1), r.ds_is_active(1, 'sip:10.0.1.1:5060'), r.retcode, r.ds_is_active(9), r.retcode]);
      note([r.ds_list_exists(''), r.retcode, r.ds_is_active(1, ''), r.ds_is_active(9, '')]);
    });
    assert.deepEqual(seen, [
      [true, false, -1, false, -2],
      [true, true, false],
      [true, false, -1, false, -1],
      [false, -1, true, false],
    ]);
  });

  test('ds_is_from_list checks set, mode and address', () => {
    const seen = noted((r, note) => {
      note([r.ds_is_from_list(), r.retcode]);
      note([r.ds_is_from_list(-1, 2, 'sip:10.0.2.1:5060'), r.get('$avp(from_set)'), r.get('$avp(from_attrs)')]);
      note([r.ds_is_from_list(1, 2, 'sip:10.0.2.1'), r.ds_is_from_list(2, 0, 'sip:10.0.2.1')]);
      note([r.ds_is_from_list(2, 0, 'sip:10.0.2.1:5070'), r.ds_is_from_list(2, 1, 'sip:10.0.2.1:5070')]);
      const tcp = 'sip:10.0.2.1:5060;transport=tcp';
      note([r.ds_is_from_list(2, 0, tcp), r.ds_is_from_list(2, 2, tcp), r.ds_is_from_list(2, 10, tcp)]);
      r.ds_mark_addr('i', 2, 'sip:10.0.2.1:5060');
      note([r.ds_is_from_list(2, 2, 'sip:10.0.2.1'), r.ds_is_from_list(2, 6, 'sip:10.0.2.1')]);
      note([r.ds_is_from_list(2, 2, 'sip:gw.example.com'), r.ds_is_from_list(2, 'x')]);
    });
    assert.deepEqual(seen, [
      [false, -1],
      [true, 2, 'duid=d21'],
      [false, true],
      [false, true],
      [false, true, false],
      [true, false],
      [false, false],
    ]);
  });

  test('$dsg describes the set that was fetched; overload control by sequence', () => {
    const seen = noted((r, note) => {
      const fields = (...names: string[]) => names.map((name) => r.get(`$dsg(${name})`));
      note(fields('count'));
      r.ds_mark_addr('i', 1, 'sip:10.0.1.1:5060');
      note([r.ds_dsg_fetch(1), ...fields('count', 'active', 'inactive', 'pactive', 'pinactive', 'ocrate')]);
      const uri = 'sip:10.0.1.2:5060';
      const announced = [
        [uri, 40, 500, 7],
        [uri, 50, 500, 7],
        ['sip:none', 1, 1, 9],
      ] as const;
      for (const [to, rate, time, seq] of announced) note([r.ds_oc_set_attrs(1, to, rate, time, seq), r.retcode]);
      note([r.ds_oc_set_attrs(9, uri, 1, 1, 1), r.retcode]);
      note([r.ds_dsg_fetch_uri(1, uri), ...fields('ocrate', 'ocseq'), Number(r.get('$dsg(octime_sec)')) > 0]);
      note([r.ds_dsg_fetch(9), ...fields('count')]);
    });
    assert.deepEqual(seen, [
      [null],
      [true, 2, 1, 1, 50, 50, null],
      [true, 1],
      [false, -2],
      [false, -2],
      [false, -1],
      [true, 40, 7, true],
      [true, null],
    ]);
  });

  test('ds_reload starts a reload of the partition', () => {
    const asked: string[] = [];
    const seen: unknown[] = [];
    const fixture = fixtureOf((r) => {
      seen.push(r.ds_reload(), r.ds_reload(), r.retcode, r.ds_reload('nowhere'));
    });
    Object.assign(fixture.environment, { reload: (name: string) => asked.push(name) === 1 });
    fixture.call();
    assert.deepEqual(
      [seen, asked],
      [
        [true, false, -1, false],
        ['default', 'default'],
      ],
    );
  });
});

describe('call load', () => {
  function loading(compat: Compat) {
    const fixture = fixtureOf(
      (r) => {
        r.ds_load_update();
        r.ds_select_dst(1, 10);
        assert.equal(r.get('$xavp(_dsdst_[0]=>dstid)'), 'd12');
        r.t_on_failure('NEXT');
        r.t_relay();
      },
      { compat },
      (r) => {
        if (r.ds_next_dst()) {
          r.t_on_failure('NEXT');
          r.t_relay();
        } else assert.equal(r.ds_load_unset(), true);
      },
    );
    const loads = () =>
      [2, 1].map((n) => {
        const destination = fixture.partition.find(1, `sip:10.0.1.${n}:5060`);
        return destination === undefined ? -1 : liveOf(destination).calls;
      });
    fixture.call();
    return { ...fixture, loads };
  }

  test('is counted at the current destination of a call, and no longer once no destination accepts it', () => {
    const { loads, udp, answer, faults } = loading('default');
    assert.deepEqual(loads(), [1, 0]);
    const sent = () => udp.sent.filter(({ text }) => text.startsWith('INVITE')).at(-1)?.text ?? '';
    answer(sent(), 503);
    assert.deepEqual(loads(), [0, 1]);
    answer(sent(), 503);
    assert.deepEqual([loads(), faults()], [[0, 0], []]);
  });

  test('in a strict partition ds_load_unset does nothing once the list has come to its end, as recorded', () => {
    const { loads, udp, answer, faults } = loading('strict');
    const sent = () => udp.sent.filter(({ text }) => text.startsWith('INVITE')).at(-1)?.text ?? '';
    answer(sent(), 503);
    answer(sent(), 503);
    assert.deepEqual([loads(), faults()], [[0, 1], []]);
  });

  test('ds_load_unset ends the count of a call before it is relayed', () => {
    const fixture = fixtureOf(
      (r) => {
        r.ds_select_dst(1, 10);
        assert.equal(r.ds_load_unset(), true);
        r.send_reply(480, 'no');
      },
      { compat: 'strict' },
    );
    fixture.call();
    assert.deepEqual(fixture.faults(), []);
    assert.equal(kamailioOf(fixture.partition)?.calls.size, 0);
  });
});
