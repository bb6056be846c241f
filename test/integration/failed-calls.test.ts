import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { diagnosed, type FailedCall, FailingTargets, inviteWithoutHops } from '../support/failed-calls.js';
import { freePort } from '../support/ports.js';
import type { Caller } from '../support/sip-endpoints.js';

const rule = (user: string, set: number, more: object = {}) => ({
  match: { $rU: user },
  select: { set, alg: 0, flags: 'f' },
  failover: { codes: ['408', '503'] },
  ...more,
});

/** Ten kinds of calls that fail, each diagnosed from `switchyard calls` and `switchyard explain` alone. */
describe('a failed call is logged with its cause', { timeout: 60_000 }, () => {
  let daemon: DaemonFixture;
  let caller: Caller;
  let sip = 0;
  let targets: FailingTargets;

  before(async () => {
    targets = await FailingTargets.open('127.0.0.85');
    caller = targets.caller;
    const silent = await targets.gateway('127.0.0.81', () => 'silent');
    const busy = await targets.gateway('127.0.0.82', () => 503);
    const ringing = await targets.gateway('127.0.0.83', () => ({ status: 200, ringMs: 5000 }));
    const barred = await targets.gateway('127.0.0.84', () => 200);
    const refusing = `sip:127.0.0.1:${await freePort()};transport=tcp`;
    sip = await freePort();
    const itself = `sip:127.0.0.1:${sip}`;
    daemon = await startDaemon(
      {
        listen: [`udp:127.0.0.1:${sip}`, `tcp:127.0.0.1:${sip}`, `tls:127.0.0.1:${await freePort()}`],
        tls: targets.tls(),
        tm: { fr_timeout: 1 },
        partitions: [{ name: 'acme', db_url: 'sqlite:./acme.db', ds_define_blacklist: 'closed= 8' }],
        default: 'acme',
        routing: [
          rule('timeout', 1),
          rule('busy', 2),
          rule('refused', 3),
          rule('none', 4),
          rule('cancel', 5),
          rule('loop', 6),
          rule('name', 7),
          rule('barred', 8, { use_blacklist: 'closed' }),
        ],
      },
      {
        acme: [
          { setid: 1, destination: silent },
          { setid: 2, destination: busy },
          { setid: 3, destination: refusing },
          { setid: 4, destination: 'sip:127.0.0.1:9', state: 1 },
          { setid: 5, destination: ringing },
          { setid: 6, destination: itself },
          { setid: 7, destination: targets.wrongName },
          { setid: 8, destination: barred },
        ],
      },
    );
  });

  after(async () => {
    await daemon?.stop();
    await targets?.close();
  });

  const proxy = () => `sip:127.0.0.1:${sip}`;

  const diagnosis = (user: string, callId: string) =>
    diagnosed({ to: `udp:127.0.0.1:${daemon.miPort}`, source: '127.0.0.85' }, user, callId);

  const CASES: readonly FailedCall[] = [
    {
      user: 'timeout',
      code: 408,
      record: /1\. .*: 408 \(our own\) timeout after 1\d\d\d/,
      why: /rule \/routing\/0 matches[\s\S]*tried in this order\n {4}1\. sip:127\.0\.0\.81/,
    },
    {
      user: 'busy',
      code: 500,
      record: /1\. .*: 503 after/,
      why: /rule \/routing\/0 does not match\n {4}\$rU is "busy": does not match "timeout"\nrule \/routing\/1 matches/,
    },
    {
      user: 'refused',
      code: 500,
      record: /1\. .*: 503 \(our own\) refused/,
      why: /set 3, algorithm 0 hash-call-id: 1 of 1 active\n {4}hash 0x[0-9a-f]{8} of Call-ID/,
    },
    {
      user: 'none',
      code: 503,
      record: /no active destination/,
      why: /0 of 1 active[\s\S]*inactive[\s\S]*no active destination/,
    },
    { user: 'nobody', code: 404, record: /no rule matched/, why: /no rule matched\nthe caller gets 404/ },
    { user: 'loop', code: 482, record: /1\. .*: 482 after/, why: /ourselves: a loop/ },
    { user: 'name', code: 500, record: /1\. .*: 503 \(our own\) tls/, why: /1\. sip:127\.0\.0\.1:\d+;transport=tls/ },
    {
      user: 'barred',
      code: 473,
      record: /\(not sent\): 473 \(our own\) blacklisted/,
      why: /blacklisted, skipped/,
    },
  ];

  for (const { user, code, record, why } of CASES) {
    test(user, async () => {
      const result = await caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: proxy() });
      assert.equal(result.status, code);
      const found = await diagnosis(user, result.callId);
      assert.match(found.record, record);
      assert.match(found.why, why);
    });
  }

  test('a cancelled call is logged with its cause', async () => {
    const result = await caller.placeCall({ ruri: 'sip:cancel@example.com', proxy: proxy(), cancelOn: 180 });
    assert.equal(result.status, 487);
    const { record, why } = await diagnosis('cancel', result.callId);
    assert.match(record, /487 after .*the caller gave up, rang after/);
    assert.match(why, /1\. sip:127\.0\.0\.83/);
  });

  test('a call with too many hops is logged with its cause', async (t) => {
    t.after(await inviteWithoutHops('127.0.0.86', sip));
    const { record, why } = await diagnosis('hops', 'hops@1');
    assert.match(record, /483 after 0 ms\n.*\n {4}Too Many Hops/);
    assert.match(why, /Max-Forwards is 0\nthe caller gets 483/);
  });

  test('an explanation changes nothing: the next call goes to the destination that it names', async () => {
    const { engine } = daemon.daemon;
    const set = engine.partition('acme')?.snapshot.sets.get(1);
    const hits = set?.destinations[0]?.health.hits;
    await diagnosis('timeout', (await caller.placeCall({ ruri: 'sip:busy@example.com', proxy: proxy() })).callId);
    assert.equal(set?.destinations[0]?.health.hits, hits);
  });
});
