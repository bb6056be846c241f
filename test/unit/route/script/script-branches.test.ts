import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scriptFixture } from '../../../support/script-fixture.js';

/** A script that forks to 10.0.0.1 of set 1, 10.8.8.8 and 10.9.9.9, with a failure route. */
function forking(more: { blacklists?: Record<string, number[]>; drop?: number } = {}) {
  const failures: number[] = [];
  const fixture = scriptFixture(
    {
      request(r) {
        r.ds_select_dst(1, 8, 'f');
        if (more.blacklists !== undefined) r.use_blacklist('all');
        assert.equal(r.append_branch('sip:x@10.8.8.8'), true);
        r.set('$branch', 'sip:y@10.9.9.9');
        assert.equal(r.get('$(branch(uri)[1])'), 'sip:y@10.9.9.9');
        r.t_on_branch('OUT');
        r.t_on_failure('NEXT');
        if (!r.t_relay()) r.send_reply(503, 'dropped');
        assert.equal(r.get('$(branch(uri)[0])'), null);
      },
      branch: {
        OUT(r) {
          if (r.get('$T_branch_idx') === more.drop) r.drop();
        },
      },
      failure: {
        NEXT(r) {
          failures.push(r.code);
          if (r.ds_next_dst()) r.t_relay();
        },
      },
    },
    more.blacklists === undefined ? {} : { blacklists: more.blacklists },
  );
  fixture.call();
  const answer = (address: string, status: number) =>
    fixture.answer(fixture.sentTo(address).find((each) => each.startsWith('INVITE')) ?? '', status);
  return { ...fixture, failures, answerFrom: answer };
}

describe('branches of a script', () => {
  test('all leave at once with their own request-URI; the first 2xx cancels the others', () => {
    const { relayed, answerFrom, codes, sentTo } = forking();
    assert.deepEqual(
      relayed().map((each) => each.requestUri),
      ['sip:bob@example.com', 'sip:x@10.8.8.8', 'sip:y@10.9.9.9'],
    );
    for (const address of ['10.0.0.1', '10.9.9.9']) answerFrom(address, 180);
    answerFrom('10.8.8.8', 200);
    assert.equal(codes().at(-1), 200);
    for (const address of ['10.0.0.1', '10.9.9.9']) assert.match(sentTo(address).at(-1) ?? '', /^CANCEL/);
  });

  test('the failure route runs once, when all have failed, with the best answer', () => {
    const { answerFrom, failures, targets } = forking();
    answerFrom('10.0.0.1', 503);
    answerFrom('10.8.8.8', 404);
    assert.deepEqual(failures, []);
    answerFrom('10.9.9.9', 486);
    assert.deepEqual(failures, [404]);
    assert.deepEqual(targets().slice(3), ['10.0.0.2:5060']);
  });

  test('a 6xx ends them all, and the failure route runs once', () => {
    const { answerFrom, failures } = forking();
    answerFrom('10.8.8.8', 180);
    answerFrom('10.9.9.9', 180);
    answerFrom('10.0.0.1', 603);
    answerFrom('10.8.8.8', 487);
    answerFrom('10.9.9.9', 487);
    assert.deepEqual(failures, [603]);
  });

  test('a branch that the branch route drops is not sent', () => {
    const { targets } = forking({ drop: 0 });
    assert.deepEqual(targets(), ['10.8.8.8:5060', '10.9.9.9:5060']);
  });

  test('a blacklisted branch is skipped, and the failure route still runs for the others', () => {
    const { targets, answerFrom, failures } = forking({ blacklists: { all: [1] } });
    assert.deepEqual(targets(), ['10.8.8.8:5060', '10.9.9.9:5060']);
    answerFrom('10.8.8.8', 500);
    answerFrom('10.9.9.9', 500);
    assert.deepEqual(failures, [500]);
  });

  test('twelve branches at most; what is not a SIP URI is refused', () => {
    const results: boolean[] = [];
    const fixture = scriptFixture({
      request(r) {
        r.set('$du', 'sip:10.0.0.1');
        results.push(r.append_branch('not a uri'), r.append_branch('tel:+4930'));
        for (let i = 0; i < 12; i++) results.push(r.append_branch(`sip:10.1.0.${i}`));
        r.t_relay();
      },
    });
    fixture.call();
    assert.deepEqual(results, [false, false, ...Array.from({ length: 11 }, () => true), false]);
    assert.equal(fixture.relayed().length, 12);
  });

  test('without a URI the current target becomes the branch', () => {
    const fixture = scriptFixture({
      request(r) {
        r.ds_select_dst(1, 8, 'f');
        r.append_branch();
        r.ds_next_dst();
        r.t_relay();
      },
    });
    fixture.call();
    assert.deepEqual(fixture.targets(), ['10.0.0.2:5060', '10.0.0.1:5060']);
  });
});
