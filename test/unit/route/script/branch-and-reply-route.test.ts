import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BranchRoute } from '../../../../src/route/script/branch-route.js';
import type { ReplyRoute } from '../../../../src/route/script/reply-route.js';
import type { SynchronousResult } from '../../../../src/route/script/routes.js';
import { scriptFixture } from '../../../support/script-fixture.js';

function branching(branch: (r: BranchRoute) => SynchronousResult) {
  const fixture = scriptFixture({
    request(r) {
      r.append_hf('X-Base: 1\r\n');
      r.ds_select_dst(1, 8, 'f');
      r.t_on_branch('OUT');
      r.t_on_failure('NEXT');
      if (!r.t_relay()) r.send_reply(503, 'dropped');
    },
    branch: { OUT: branch },
    failure: {
      NEXT(r) {
        r.ds_next_dst();
        r.t_relay();
      },
    },
  });
  fixture.call();
  return fixture;
}

describe('branch routes', () => {
  test('edit each branch by itself', () => {
    const fixture = branching((r) => {
      r.append_hf('X-To: $du\r\nX-Branch: $T_branch_idx\r\n');
      r.set('$rU', `branch${r.get('$T_branch_idx')}`);
    });
    fixture.answer(fixture.relayed()[0]?.text ?? '', 503);
    const events = fixture
      .relayed()
      .map((each) => [
        each.requestUri,
        each.header('x-to'),
        each.headerCount('x-to'),
        each.header('x-branch'),
        each.header('x-base'),
      ]);
    assert.deepEqual(events, [
      ['sip:branch0@example.com', 'sip:10.0.0.1:5060', 1, '0', '1'],
      ['sip:branch1@example.com', 'sip:10.0.0.2:5060', 1, '1', '1'],
    ]);
  });

  test('send a branch elsewhere without affecting the others', () => {
    let first = true;
    const fixture = branching((r) => {
      if (first) r.set('$du', 'sip:10.8.8.8');
      first = false;
    });
    fixture.answer(fixture.relayed()[0]?.text ?? '', 503);
    assert.deepEqual(fixture.targets(), ['10.8.8.8:5060', '10.0.0.2:5060']);
  });

  test('drop the only branch: t_relay is false', () => {
    const fixture = branching((r) => r.drop());
    assert.deepEqual([fixture.relayed().length, fixture.codes()], [0, [503]]);
  });

  test('that throw answer the call with 500', () => {
    const fixture = branching(() => {
      throw new Error('no branch');
    });
    assert.deepEqual([fixture.relayed().length, fixture.codes()], [0, [500]]);
    assert.equal(fixture.faults()[0]?.fields['route'], 'branch OUT');
  });
});

function replying(reply: (r: ReplyRoute) => SynchronousResult) {
  const fixture = scriptFixture({
    request(r) {
      r.set('$avp(who)', 'transaction');
      r.ds_select_dst(1, 8);
      r.t_on_reply('IN');
      r.t_relay();
    },
    reply: { IN: reply },
  });
  fixture.call();
  const answer = (status: number, headers?: string) =>
    fixture.answer(fixture.relayed()[0]?.text ?? '', status, 'b1', headers);
  return { ...fixture, answer };
}

describe('reply routes', () => {
  test('edit replies on their way back and read them', () => {
    const seen: unknown[] = [];
    const fixture = replying((r) => {
      seen.push([r.code, r.get('$rs'), r.get('$rr'), r.get('$avp(who)'), r.get('$si'), r.is_method('INVITE')]);
      seen.push([r.ds_is_in_list('$si', '$sp'), r.t_check_status('1..'), r.get('$T_reply_code')]);
      r.remove_hf('Server');
      r.append_hf('X-Via: switchyard\r\n');
    });
    fixture.answer(180, 'Server: secret\r\n');
    assert.deepEqual(seen, [
      [180, 180, 'Reason', 'transaction', '10.0.0.1', true],
      [true, true, 180],
    ]);
    const passed = fixture.lastToCaller();
    assert.deepEqual([passed.header('server'), passed.header('x-via')], [undefined, 'switchyard']);
    assert.equal(passed.headerCount('via'), 1);
    fixture.answer(200, 'Server: secret\r\n');
    assert.deepEqual([fixture.lastToCaller().status, fixture.lastToCaller().header('x-via')], [200, 'switchyard']);
  });

  test('a reply route can drop provisional replies, not final ones', () => {
    const fixture = replying((r) => r.drop());
    fixture.answer(183);
    fixture.answer(486);
    assert.deepEqual(fixture.codes(), [100, 486]);
  });

  test('edit the failure reply that becomes the best one', () => {
    const fixture = replying((r) => {
      r.append_hf('Warning: 399 switchyard "edited"\r\n');
    });
    fixture.answer(404);
    assert.equal(fixture.lastToCaller().header('warning'), '399 switchyard "edited"');
  });

  test('that throw or wait leave the reply unchanged', () => {
    const thrown = replying((r) => {
      r.append_hf('X-Half: 1\r\n');
      throw new Error('no reply');
    });
    thrown.answer(200);
    assert.deepEqual([thrown.lastToCaller().status, thrown.lastToCaller().header('x-half')], [200, undefined]);
    assert.match(thrown.faults()[0]?.message ?? '', /no reply/);
    const waits = replying((async () => {}) as unknown as () => undefined);
    waits.answer(200);
    assert.equal(waits.lastToCaller().status, 200);
    assert.match(waits.faults()[0]?.message ?? '', /must not wait/);
  });
});
