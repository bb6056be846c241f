import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionShares, type SharedConnection } from '../../../src/core/connection-shares.js';

class Connection implements SharedConnection {
  evicted = false;
  constructor(
    readonly source: string,
    public idleSince: number | undefined,
  ) {}
  evict(): void {
    this.evicted = true;
  }
}

describe('shares of connections', () => {
  test('the connection that was idle for longest is closed for a new one, of the source with the most first', () => {
    const shares = new ConnectionShares(4, 4);
    const old = new Connection('b', 1);
    const [first, second, busy] = [new Connection('a', 5), new Connection('a', 3), new Connection('a', undefined)];
    for (const each of [old, first, second, busy]) assert.equal(shares.admit(each), true);
    assert.equal(shares.admit(new Connection('c', 9)), true);
    assert.deepEqual([old.evicted, first.evicted, second.evicted, busy.evicted], [false, false, true, false]);
    assert.equal(shares.size, 4);
  });

  test('a source gets no more than its share', () => {
    const shares = new ConnectionShares(10, 2);
    const own = [new Connection('a', undefined), new Connection('a', undefined)];
    for (const each of own) shares.admit(each);
    assert.equal(shares.admit(new Connection('a', 1)), false);
    assert.equal(shares.admit(new Connection('b', 1)), true);
    (own[0] as Connection).idleSince = 4;
    assert.equal(shares.admit(new Connection('a', 1)), true);
    assert.deepEqual(
      own.map((each) => each.evicted),
      [true, false],
    );
  });

  test('a new connection is refused while every other one is being served', () => {
    const shares = new ConnectionShares(1, 1);
    const busy = new Connection('', undefined);
    assert.equal(shares.admit(busy), true);
    assert.equal(shares.admit(new Connection('', 1)), false);
    shares.release(busy);
    assert.equal(shares.admit(new Connection('', 1)), true);
  });
});
