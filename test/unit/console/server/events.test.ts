import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PastEvents } from '../../../../src/console/server/events.js';

const ALL = { role: 'viewer', partitions: undefined } as const;
const ACME = { role: 'viewer', partitions: new Set(['acme']) } as const;
const event = (id: number, partition: string | undefined) => ({
  name: 'E_DISPATCHER_STATUS',
  params: { id, ...(partition === undefined ? {} : { partition }) },
});
const ids = (list: { readonly events: readonly { readonly params: Readonly<Record<string, unknown>> }[] }) =>
  list.events.map(({ params }) => params['id']);

describe('past events', () => {
  test('without a stream they are those in memory, newest first, page by page', async () => {
    const past = new PastEvents(undefined);
    assert.deepEqual(await past.page(ALL, undefined), { from: 'memory', events: [] });
    for (let id = 1; id <= 1250; id++) past.add(event(id, id % 2 === 0 ? 'acme' : 'globex'));
    const seen: unknown[] = [];
    let before: number | undefined;
    do {
      const page = await past.page(ALL, before);
      seen.push(...ids(page));
      before = page.before;
    } while (before !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 1000 }, (_, i) => 1250 - i),
    );
    assert.deepEqual(ids(await past.page(ACME, undefined)).slice(0, 3), [1250, 1248, 1246]);
    assert.deepEqual(ids(await past.page(ALL, 9_999)).slice(0, 1), [1250]);
    assert.deepEqual(ids(await past.page(ALL, 0)), []);
  });

  test('a user of one partition gets the stream of that partition, and no event without a partition', async () => {
    const asked: unknown[] = [];
    const past = new PastEvents(async ({ before, partition, wants }) => {
      asked.push([before, partition]);
      return {
        events: [event(3, 'acme'), event(2, 'globex'), event(1, undefined)]
          .filter(wants)
          .map((each) => ({ event: each })),
        before: 7,
      };
    });
    assert.deepEqual(await past.page(ACME, 9), { from: 'stream', events: [event(3, 'acme')], before: 7 });
    assert.deepEqual(ids(await past.page(ALL, undefined)), [3, 2, 1]);
    const two = { role: 'viewer', partitions: new Set(['acme', 'globex']) } as const;
    assert.deepEqual(ids(await past.page(two, undefined)), [3, 2]);
    assert.deepEqual(asked, [
      [9, 'acme'],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  test('a stream that cannot be read is reported along with the events in memory; reading on fails', async () => {
    const past = new PastEvents(() => Promise.reject(new Error('NATS is not connected')));
    past.add(event(1, 'acme'));
    assert.deepEqual(await past.page(ALL, undefined), {
      from: 'memory',
      events: [event(1, 'acme')],
      problem: 'NATS is not connected',
    });
    await assert.rejects(past.page(ALL, 5), /not connected/);
  });

  test('one client reads the stream at a time, and few wait', async () => {
    let running = 0;
    let max = 0;
    const past = new PastEvents(async () => {
      max = Math.max(max, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      return { events: [], before: undefined };
    });
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => past.page(ALL, 5)));
    assert.equal(max, 1);
    assert.equal(asked.filter(({ status }) => status === 'rejected').length, 12);
    assert.deepEqual(ids(await past.page(ALL, 5)), []);
  });
});
