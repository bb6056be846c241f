import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeRecurrence } from '../../../src/core/time-recurrence.js';

/** The given times, in a zone without daylight saving, at which a recurrence holds. */
function holding(text: string, times: readonly string[]): string[] {
  const recurrence = timeRecurrence(`UTC|${text}`);
  return times.filter((each) => recurrence?.holds(Date.parse(`${each}Z`)) === true);
}

test('office hours hold on the days named, within the hours, from the first day on', () => {
  const office = '20240101T080000|PT10H|weekly|||MO,TU,WE,TH,FR';
  const times = [
    '2023-12-29T09:00',
    '2024-01-01T07:59',
    '2024-01-01T08:00',
    '2024-01-05T17:59',
    '2024-01-05T18:00',
    '2024-01-06T09:00',
  ];
  assert.deepEqual(holding(office, times), ['2024-01-01T08:00', '2024-01-05T17:59']);
});

test('an occurrence that began yesterday goes on past midnight', () => {
  const night = '20240101T200000|PT12H|daily';
  assert.deepEqual(holding(night, ['2024-01-01T06:00', '2024-01-02T06:00', '2024-01-02T09:00', '2024-03-01T23:00']), [
    '2024-01-02T06:00',
    '2024-03-01T23:00',
  ]);
});

test('interval, until and the end of a month count', () => {
  assert.deepEqual(
    holding('20240101T000000|P1D|daily|20240105T235959|2', [
      '2024-01-01T12:00',
      '2024-01-02T12:00',
      '2024-01-03T12:00',
      '2024-01-07T12:00',
    ]),
    ['2024-01-01T12:00', '2024-01-03T12:00'],
  );
  assert.deepEqual(
    holding('20240101T000000|P1D|monthly||||-1', ['2024-02-28T01:00', '2024-02-29T01:00', '2024-04-30T01:00']),
    ['2024-02-29T01:00', '2024-04-30T01:00'],
  );
  assert.deepEqual(holding('20240101T000000|P1D|monthly|||-1FR', ['2024-03-22T01:00', '2024-03-29T01:00']), [
    '2024-03-29T01:00',
  ]);
  assert.deepEqual(holding('20240101T000000|P1D|yearly|||||||12', ['2024-11-30T01:00', '2024-12-31T01:00']), [
    '2024-12-31T01:00',
  ]);
  assert.deepEqual(
    holding('20240101T000000|P1D|yearly||||||53', ['2026-12-31T01:00', '2027-01-01T01:00', '2027-01-05T01:00']),
    ['2026-12-31T01:00', '2027-01-01T01:00'],
  );
});

test('the first recurrence decides if nothing else does', () => {
  assert.deepEqual(holding('20240115T100000|PT1H|monthly', ['2024-02-15T10:30', '2024-02-16T10:30']), [
    '2024-02-15T10:30',
  ]);
  assert.deepEqual(holding('20240115T100000|PT1H|weekly||2', ['2024-01-22T10:30', '2024-01-29T10:30']), [
    '2024-01-29T10:30',
  ]);
  assert.deepEqual(holding('20240115T100000|20240115T120000|yearly', ['2025-01-15T11:59', '2025-01-16T11:59']), [
    '2025-01-15T11:59',
  ]);
  assert.deepEqual(holding('20240115T100000|PT1H', ['2024-01-15T10:30', '2024-01-16T10:30']), ['2024-01-15T10:30']);
});

test('a time recurrence with a zone uses the clock of that zone', () => {
  const morning = timeRecurrence('Asia/Tokyo|20240101T080000|PT1H|daily');
  assert.equal(morning?.holds(Date.parse('2024-06-30T23:30Z')), true);
  assert.equal(morning?.holds(Date.parse('2024-06-30T08:30Z')), false);
});

test('an empty recurrence always holds, and an unreadable one is refused', () => {
  assert.equal(timeRecurrence(''), undefined);
  assert.equal(timeRecurrence('||||'), undefined);
  for (const text of [
    '2024|PT1H',
    '20240101|1 hour',
    '20240101|PT1H|hourly',
    '20240101|PT1H|weekly|||XX',
    '20240101|PT1H|monthly||||32',
    'No/Where|20240101',
  ])
    assert.throws(() => timeRecurrence(text), text);
});
