import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import type { Rights } from '../../../../src/access/rights.js';
import { FEED_MS, Feed, type RowPair } from '../../../../src/console/server/feed.js';
import type { Delta, WireSnapshot } from '../../../../src/console/server/wire.js';
import { FakeClock } from '../../../support/fake-clock.js';

const ALL: Rights = { role: 'viewer', partitions: undefined };
const ACME: Rights = { role: 'viewer', partitions: new Set(['acme']) };

/** A response that records what was written, as server-sent events. */
class Page extends EventEmitter {
  destroyed = false;
  writableLength = 0;
  status = 0;
  text = '';
  writeHead(status: number): this {
    this.status = status;
    return this;
  }
  flushHeaders(): void {}
  write(text: string): boolean {
    this.text += text;
    return true;
  }
  end(): void {
    this.destroy();
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
  events(): { id: string; event: string; data: WireSnapshot & Delta }[] {
    return this.text
      .split('\n\n')
      .filter(Boolean)
      .map((block) => {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) as WireSnapshot & Delta };
      });
  }
}

function pair(id: number, partition: string, calls: number, attrs = ''): RowPair {
  return {
    row: { id, partition, set: 1, uri: `sip:${id}`, attrs, description: '', weight: 1, priority: 0, socket: '' },
    live: [id, 0, 0, calls, 0, 0, 0, 0, -1, -1, -1, ''],
  };
}

function setUp() {
  const clock = new FakeClock();
  let rows: RowPair[] = [pair(1, 'acme', 0), pair(2, 'globex', 0)];
  let reads = 0;
  const source = {
    node: 'n1',
    version: '1',
    partitions: () => [
      { name: 'acme', flavour: 'opensips' },
      { name: 'globex', flavour: 'opensips' },
    ],
    rows() {
      reads++;
      return rows;
    },
  };
  const feed = new Feed(
    source,
    clock,
    'boot',
    async () => {},
    (error) => assert.fail(error as Error),
  );
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    feed,
    reads: () => reads,
    set: (next: RowPair[]) => {
      rows = next;
    },
    open: async (rights = ALL, last?: string, page = new Page()) => {
      assert.equal(feed.open(page as unknown as ServerResponse, rights, last), true);
      await settle();
      return page;
    },
    tick: async () => {
      clock.advance(FEED_MS);
      await settle();
    },
  };
}

describe('the console feed', () => {
  test('the feed sends a snapshot, then only changes', async () => {
    const { open, tick, set } = setUp();
    const page = await open();
    set([pair(1, 'acme', 5), pair(2, 'globex', 0)]);
    await tick();
    await tick();
    const [snapshot, first, second] = page.events();
    assert.equal(snapshot?.event, 'snapshot');
    assert.deepEqual(
      snapshot?.data.rows.map((row) => row.id),
      [1, 2],
    );
    assert.equal(first?.event, 'delta');
    assert.deepEqual(
      first?.data.live.map((row) => [row[0], row[3]]),
      [[1, 5]],
    );
    assert.deepEqual(second?.data.live, []);
  });

  test('the feed reads nothing while no page is open', async () => {
    const { open, tick, reads } = setUp();
    await tick();
    assert.equal(reads(), 0);
    const page = await open();
    await tick();
    const before = reads();
    page.destroy();
    await tick();
    await tick();
    assert.equal(reads(), before);
  });

  test('a user restricted to a partition gets rows, changes and events of that partition only', async () => {
    const { open, tick, set, feed } = setUp();
    const page = await open(ACME);
    set([pair(1, 'acme', 1), pair(2, 'globex', 1), pair(3, 'globex', 0)]);
    await tick();
    set([pair(1, 'acme', 1)]);
    await tick();
    feed.publish('status', 'globex', { secret: true });
    feed.publish('status', 'acme', { mine: true });
    feed.publish('audit', undefined, { secret: true });
    assert.doesNotMatch(page.text, /globex|secret|sip:2|sip:3/);
    const events = page.events();
    assert.deepEqual(
      events[0]?.data.partitions.map(({ name }) => name),
      ['acme'],
    );
    assert.equal(events[2]?.data.gone, undefined);
    assert.equal(events[3]?.event, 'status');
  });

  test('a row that was removed or edited is reported once', async () => {
    const { open, tick, set } = setUp();
    const page = await open();
    set([pair(1, 'acme', 0, 'cc=44')]);
    await tick();
    const same = pair(1, 'acme', 0, 'cc=44');
    set([same]);
    await tick();
    set([same]);
    await tick();
    const [, first, , third] = page.events();
    assert.deepEqual(first?.data.gone, [2]);
    assert.equal(first?.data.rows?.[0]?.attrs, 'cc=44');
    assert.equal(third?.data.rows, undefined);
  });

  test('a page that reconnects gets what it missed, or a snapshot when that is too long ago or the daemon was restarted', async () => {
    const { open, tick, set } = setUp();
    const stays = await open();
    const leaves = await open();
    await tick();
    const last = leaves.events().at(-1)?.id;
    leaves.destroy();
    set([pair(1, 'acme', 7), pair(2, 'globex', 0)]);
    await tick();
    const back = await open(ALL, last);
    assert.deepEqual(
      back.events().map(({ event, data }) => [event, data.live.map((row) => row[3])]),
      [['delta', [7]]],
    );
    for (const id of ['other-1', 'boot-9999', 'boot-x', '', 'boot']) {
      const page = await open(ALL, id);
      assert.equal(page.events()[0]?.event, 'snapshot', id);
    }
    for (let i = 0; i < 70; i++) await tick();
    assert.equal((await open(ALL, last)).events()[0]?.event, 'snapshot');
    assert.equal(stays.destroyed, false);
  });

  test('a page that does not read is disconnected; the others stay', async () => {
    const { open, tick } = setUp();
    const slow = await open();
    const quick = await open();
    slow.writableLength = 2 * 1024 * 1024;
    await tick();
    assert.deepEqual([slow.destroyed, quick.destroyed], [true, false]);
    await tick();
    assert.equal(quick.events().length, 3);
  });

  test('a snapshot still being sent does not count toward the unread bytes of a page', async () => {
    const { open, tick, feed } = setUp();
    const MIB = 1024 * 1024;
    const page = new Page();
    page.writableLength = 3 * MIB;
    await open(ALL, undefined, page);
    page.writableLength = 3.9 * MIB;
    await tick();
    assert.equal(page.destroyed, false);
    page.writableLength = 0;
    await tick();
    page.writableLength = 1.1 * MIB;
    await tick();
    assert.equal(page.destroyed, true);
    feed.stop();
  });

  test('at most a hundred pages are connected', async () => {
    const { open, feed } = setUp();
    for (let i = 0; i < 100; i++) await open();
    assert.equal(feed.open(new Page() as unknown as ServerResponse, ALL, undefined), false);
  });
});
