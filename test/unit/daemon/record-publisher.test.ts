import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallEntry } from '../../../src/calls/call-entry-types.js';
import type { Settings } from '../../../src/config/settings.js';
import type { EventParts } from '../../../src/daemon/build-events.js';
import { RecordPublisher } from '../../../src/daemon/record-publisher.js';
import { FakeClock } from '../../support/fake-clock.js';

function publisher(nats: unknown) {
  const env = { settings: () => ({ node: 'n1' }) as Settings, clock: new FakeClock() };
  return new RecordPublisher(env, () => ({ nats }) as EventParts);
}

test('every record has an id of its own', () => {
  const ids: string[] = [];
  const nats = { records: { publish: (_partition: string, id: string) => ids.push(id) } };
  const records = publisher(nats);
  records.call({ partition: 'a', node: 'n1', time: '2026-01-01T00:00:00.000Z', seq: 7 } as unknown as CallEntry);
  assert.equal(records.ofScript('a', 'acc', '{}'), true);
  assert.equal(records.ofScript('a', 'acc', '{}'), true);
  assert.equal(ids[0], 'n1:2026-01-01T00:00:00.000Z:7');
  assert.match(ids[1] ?? '', /^n1:acc:1:/);
  assert.equal(new Set(ids).size, 3);
});

test('a script learns that its record is not published', () => {
  assert.equal(publisher(undefined).ofScript('a', 'acc', '{}'), false);
  assert.equal(publisher({ records: undefined }).ofScript('a', 'acc', '{}'), false);
});
