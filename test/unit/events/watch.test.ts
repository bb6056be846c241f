import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventIds, statusEvent } from '../../../src/events/catalogue.js';
import { encodeNotification } from '../../../src/events/encode.js';
import { parseEvent, renderEvent } from '../../../src/events/watch.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';

describe('watch', () => {
  test('a watched event is shown on one line', () => {
    const text = encodeNotification(statusEvent(flip(makeDestination()), new EventIds('sw1', fixedRandom)));
    const event = parseEvent(text);
    assert.ok(event);
    assert.equal(event.text, text);
    assert.equal(
      renderEvent(event),
      '2026-11-21T07:00:00.123Z acme 1 sip:10.0.0.2:5060 active -> inactive (negative probing reply, 503)',
    );
  });

  test('other text is not an event, and control characters do not reach the terminal', () => {
    for (const bad of [
      '',
      'x',
      'null',
      '[]',
      '{"method":1,"params":{}}',
      '{"method":"E","params":[]}',
      ' '.repeat(70_000),
    ]) {
      assert.equal(parseEvent(bad), undefined);
    }
    const event = parseEvent('{"method":"E_DISPATCHER_STATUS","params":{"address":"\\u001b[2J","status":"active"}}');
    assert.equal(event && renderEvent(event), '?[2J active');
    const other = parseEvent('{"method":"E_OTHER","params":{"a":1}}');
    assert.equal(other && renderEvent(other), 'E_OTHER {"a":1}');
  });
});
