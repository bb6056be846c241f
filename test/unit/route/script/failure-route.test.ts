import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FailureRoute } from '../../../../src/route/script/failure-route.js';
import { row } from '../../../support/partitions.js';
import { GATEWAYS, scriptFixture, settled } from '../../../support/script-fixture.js';

/** A call to set 1 whose failures run `failure`. */
function calling(failure: (r: FailureRoute) => unknown, options: Parameters<typeof scriptFixture>[1] = {}) {
  const fixture = scriptFixture(
    {
      request(r) {
        r.ds_select_dst(1, 8, 'f');
        r.t_on_failure('NEXT');
        r.t_relay();
      },
      failure: { NEXT: failure },
    },
    options,
  );
  fixture.call();
  /** Answers the last relayed request. */
  const answer = (status: number) => fixture.answer(fixture.relayed().at(-1)?.text ?? '', status);
  return { ...fixture, answer, answerTo: fixture.answer };
}

const onward = (r: FailureRoute): void => {
  if (!r.t_check_status('408|5[0-9][0-9]') || !r.ds_next_dst()) r.exit();
  r.t_on_failure('NEXT');
  r.t_relay();
};

describe('failure routes', () => {
  test('ds_next_dst and t_relay go on until the list ends; then the best reply is given', () => {
    const fixture = calling(onward);
    for (const status of [503, 500, 502]) fixture.answer(status);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060', '10.0.0.2:5060', '10.0.0.3:5060']);
    assert.deepEqual(fixture.codes(), [100, 500]);
    assert.equal(fixture.counters.failovers.value, 2);
  });

  test('are not run for a code that was not set; it goes to the caller', () => {
    const fixture = calling(onward);
    fixture.answer(486);
    assert.deepEqual([fixture.targets().length, fixture.codes()], [1, [100, 486]]);
  });

  test('see a silent destination as 408, and end with a 200', () => {
    const codes: unknown[] = [];
    const fixture = calling((r) => {
      codes.push(r.code, r.local, r.get('$T_reply_code'), r.get('$rs'), r.get('$rr'), r.reply);
      onward(r);
    });
    fixture.clock.advance(5001);
    fixture.answer(200);
    assert.deepEqual(codes, [408, true, 408, 408, 'Request Timeout', undefined]);
    assert.deepEqual(fixture.codes(), [100, 200]);
  });

  test('have the reply in variables, an empty $du, and the variables that the request route set', () => {
    const seen: unknown[] = [];
    const fixture = calling((r) => {
      seen.push(r.get('$rs'), r.get('$rr'), r.get('$T_reply_code'), r.du, r.get('$rm'), r.get('$avp(attrs)'));
      seen.push(r.local, r.reply?.status);
    });
    fixture.answer(404);
    assert.deepEqual(seen, [404, 'Reason', 404, null, 'INVITE', 'first', false, 404]);
  });

  test('may replace the reply by send_reply', () => {
    const fixture = calling((r) => {
      r.append_to_reply('Retry-After: 7');
      r.send_reply(480, 'All gateways busy');
    });
    fixture.answer(503);
    assert.deepEqual(fixture.codes(), [100, 480]);
    assert.equal(fixture.lastToCaller().reason, 'All gateways busy');
    assert.equal(fixture.lastToCaller().header('retry-after'), '7');
  });

  test('run once for each t_on_failure', () => {
    let called = 0;
    const fixture = calling((r) => {
      called++;
      r.ds_next_dst();
      r.t_relay();
    });
    fixture.answer(503);
    fixture.answer(486);
    assert.deepEqual([called, fixture.targets().length, fixture.codes()], [1, 2, [100, 486]]);
  });

  test('mark the destination that failed', () => {
    const fixture = calling((r) => {
      r.ds_mark_dst();
      onward(r);
    });
    fixture.answer(503);
    const changes: unknown[] = [];
    fixture.engine.states.onChange((change) => changes.push(change.code));
    fixture.answer(500);
    assert.deepEqual(
      [fixture.state('sip:10.0.0.1:5060'), fixture.state('sip:10.0.0.2:5060')],
      ['inactive', 'inactive'],
    );
    assert.equal(fixture.state('sip:10.0.0.3:5060'), 'active');
    assert.deepEqual(changes, [500]);
  });

  test('count p toward the threshold', () => {
    const fixture = scriptFixture({
      request(r) {
        r.ds_select_dst(1, 8);
        r.t_on_failure('MARK');
        r.t_relay();
      },
      failure: { MARK: (r) => r.ds_mark_dst('p') },
    });
    for (const branch of ['1', '2', '3']) {
      assert.equal(fixture.state('sip:10.0.0.1:5060'), 'active');
      fixture.call({ branch: `z9hG4bK${branch}` });
      fixture.answer(fixture.relayed().at(-1)?.text ?? '', 503);
    }
    assert.equal(fixture.state('sip:10.0.0.1:5060'), 'probing');
  });

  test('may select again, and their header edits add up', () => {
    const rows = [...GATEWAYS, row('sip:10.1.0.1:5060', { setId: 2 })];
    const fixture = calling(
      (r) => {
        r.append_hf('X-Second: yes\r\n');
        r.ds_select_dst(2, 8);
        r.t_relay();
      },
      { partitions: { default: { rows } } },
    );
    fixture.answer(500);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060', '10.1.0.1:5060']);
    assert.deepEqual(
      fixture.relayed().map((each) => each.header('x-second')),
      [undefined, 'yes'],
    );
  });

  test('have, after ds_next_domain, no part of the previous hop in the request-URI', () => {
    const rows = [row('sip:10.0.0.1;transport=udp'), row('sip:10.0.0.2')];
    const fixture = scriptFixture(
      {
        request(r) {
          r.ds_select_domain(1, 8, 'f');
          r.t_on_failure('NEXT');
          r.t_relay();
        },
        failure: { NEXT: (r) => r.ds_next_domain() && r.t_relay() },
      },
      { partitions: { default: { rows } } },
    );
    fixture.call();
    fixture.answer(fixture.relayed()[0]?.text ?? '', 503);
    assert.deepEqual(
      fixture.relayed().map((each) => each.requestUri),
      ['sip:bob@10.0.0.1;transport=udp', 'sip:bob@10.0.0.2'],
    );
  });

  test('run after the caller has cancelled, and cannot relay any more', () => {
    const seen: unknown[] = [];
    const fixture = calling((r) => {
      seen.push(r.t_was_cancelled(), r.code);
      r.ds_next_dst();
      r.t_relay();
    });
    fixture.answer(180);
    fixture.call({ method: 'CANCEL' });
    const invite = fixture.relayed().find((each) => each.method === 'INVITE');
    fixture.answerTo(invite?.text ?? '', 487);
    assert.deepEqual(seen, [true, 487]);
    assert.deepEqual(fixture.codes(), [100, 180, 200, 487]);
    assert.equal(fixture.relayed().filter((each) => each.method === 'INVITE').length, 1);
  });

  test('that throw answer 500', () => {
    const fixture = calling(() => {
      throw new Error('broken');
    });
    fixture.answer(404);
    assert.deepEqual(fixture.codes(), [100, 500]);
    assert.match(fixture.faults()[0]?.message ?? '', /broken/);
    assert.equal(fixture.faults()[0]?.fields['route'], 'failure NEXT');
  });

  test('that wait continue when they are done; a CANCEL meanwhile ends the call', async () => {
    const goOn: (() => void)[] = [];
    const waiting = async (r: FailureRoute): Promise<void> => {
      await new Promise<void>((resolve) => goOn.push(resolve));
      r.ds_next_dst();
      r.t_relay();
    };
    const fixture = calling(waiting);
    fixture.answer(503);
    assert.equal(fixture.targets().length, 1);
    goOn[0]?.();
    await settled();
    assert.equal(fixture.targets().length, 2);

    const given = calling(waiting);
    given.answer(503);
    given.call({ method: 'CANCEL' });
    goOn[1]?.();
    await settled();
    assert.deepEqual([given.targets().length, given.codes()], [1, [100, 200, 487]]);
  });

  test('that relay again and again end at a limit', () => {
    const fixture = calling((r) => {
      r.set('$du', 'sip:nobody.invalid;transport=nonsense');
      r.t_on_failure('NEXT');
      r.t_relay();
    });
    fixture.answer(503);
    assert.ok(fixture.codes().at(-1) !== undefined);
  });
});

describe('get_redirects', () => {
  const CONTACTS =
    'Contact: <sip:a@192.0.2.21>;q=0.2, <sip:b@192.0.2.22>;q=0.9\r\nContact: <sip:c@192.0.2.23>;q=0.5\r\n';
  const following = (...wanted: Parameters<FailureRoute['get_redirects']>) => {
    const fixture = calling((r) => {
      if (!r.get_redirects(...wanted)) return;
      r.t_on_failure('NEXT');
      r.t_relay();
    });
    fixture.answerTo(fixture.relayed().at(-1)?.text ?? '', 302, 'b1', CONTACTS);
    const uris = () =>
      fixture
        .relayed()
        .slice(1)
        .map((each) => each.requestUri);
    return { ...fixture, uris };
  };

  test('adds all Contacts at once as branches, whose result replaces the redirection', () => {
    const { uris, targets, relayed, answerTo, codes } = following();
    assert.deepEqual(uris(), ['sip:b@192.0.2.22', 'sip:c@192.0.2.23', 'sip:a@192.0.2.21']);
    assert.deepEqual(targets().slice(1), ['192.0.2.22:5060', '192.0.2.23:5060', '192.0.2.21:5060']);
    for (const sent of relayed().slice(1)) answerTo(sent.text, 486);
    assert.deepEqual(codes(), [100, 486]);
  });

  test('adds some Contacts, and the others when these have failed', () => {
    for (const [wanted, first] of [
      [[2], 2],
      [['2:2'], 2],
      [['1:*'], 1],
      [[0, 1], 1],
    ] as const) {
      const { uris, answer } = following(...wanted);
      assert.equal(uris().length, first, String(wanted));
      if (wanted.length > 1) continue;
      for (let i = 0; i < 2; i++) answer(486);
    }
    const { uris, answer, codes } = following(1);
    for (let i = 0; i < 3; i++) answer(486);
    assert.deepEqual(uris(), ['sip:b@192.0.2.22', 'sip:c@192.0.2.23', 'sip:a@192.0.2.21']);
    assert.deepEqual(codes(), [100, 486]);
  });

  test('returns false without a redirection, or for text that is not a number', () => {
    const seen: unknown[] = [];
    const fixture = calling((r) => {
      seen.push(r.get_redirects(), r.get_redirects('many'));
    });
    fixture.answer(486);
    assert.deepEqual(
      [seen, fixture.codes()],
      [
        [false, false],
        [100, 486],
      ],
    );
  });

  test('leaves the redirection to be forwarded if the script does not relay after it', () => {
    const fixture = calling((r) => {
      r.get_redirects();
    });
    fixture.answerTo(fixture.relayed().at(-1)?.text ?? '', 302, 'b1', CONTACTS);
    assert.deepEqual(fixture.codes(), [100, 302]);
  });
});
