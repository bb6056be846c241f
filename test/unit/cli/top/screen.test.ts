import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hitsOf, type Listing, linesOf, screen } from '../../../../src/cli/top/screen.js';

const NOW = Date.parse('2026-11-28T12:00:00Z');

function listing(hits: number): Listing {
  return {
    PARTITIONS: [
      {
        name: 'acme',
        SETS: [
          {
            id: 1,
            Destinations: [
              { URI: 'sip:10.0.0.1', state: 'Active', first_hit_counter: hits, description: 'fra-1' },
              {
                URI: 'sip:10.0.0.2',
                state: 'Probing',
                first_hit_counter: 0,
                last_probe: { time: '2026-11-28T11:59:59Z', ok: false, code: 408, cause: 'timeout' },
                last_change: {
                  time: '2026-11-28T11:55:00Z',
                  reason: 'negative probing reply',
                  code: 408,
                  cause: 'timeout',
                },
              },
            ],
          },
        ],
      },
    ],
  };
}

const options = { columns: 160, rows: 24, color: false, from: 0, now: NOW, message: '' };

describe('the screen of top', () => {
  test('shows inactive destinations first, with time and reason', () => {
    const [head, titles, first, second] = screen(linesOf(listing(0), new Map(), 1), options);
    assert.match(head ?? '', /^2 destinations, 1 off, 0\.0 selections\/s/);
    assert.match(titles ?? '', /^PARTITION +SET DESTINATION/);
    assert.match(first ?? '', /^acme +1 sip:10\.0\.0\.2 +Probing +5 min +timeout negative probing reply, 408 timeout$/);
    assert.match(second ?? '', /^acme +1 sip:10\.0\.0\.1 +Active .*fra-1$/);
  });

  test('rates are the difference of hits over the time between two listings', () => {
    const before = hitsOf(listing(100));
    const line = linesOf(listing(130), before, 2).find(({ destination }) => destination.state === 'Active');
    assert.equal(line?.rate, 15);
    assert.equal(linesOf(listing(130), new Map(), 2)[0]?.rate, undefined);
    // A restarted daemon counts from 0.
    assert.equal(linesOf(listing(1), before, 2).find(({ destination }) => destination.state === 'Active')?.rate, 0);
  });

  test('the screen has no line wider than the terminal, and no more lines than it', () => {
    const lines = Array.from({ length: 50 }, () => linesOf(listing(0), new Map(), 1)).flat();
    const shown = screen(lines, { ...options, columns: 40, rows: 10, from: 95, message: 'no answer' });
    assert.equal(shown.length, 10);
    assert.ok(shown.every((line) => line.length <= 40));
    assert.equal(shown[9], 'no answer');
  });

  test('control characters in a text of a table do not reach the terminal', () => {
    const evil = listing(0);
    const text = JSON.stringify(evil).replace('fra-1', '\\u001b[2Jx\\n');
    const shown = screen(linesOf(JSON.parse(text) as Listing, new Map(), 1), options);
    assert.ok(shown.every((line) => /^[\x20-\x7e]*$/.test(line)));
  });
});
