import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributeLog, compileChanges } from '../../../../src/route/rules/destination-changes.js';
import { makeDestination } from '../../../support/event-fixtures.js';
import { recordingLog } from '../../../support/recording-log.js';

/** The user part of a request for a destination with these attributes, and the parts that could not be applied. */
function changed(attrs: string, times = 1): { uri: string; parts: readonly string[] } {
  const parts: string[] = [];
  const changes = compileChanges({ strip: '{cut}', prefix: '{tech}', headers: new Map() }, (_row, part, value) => {
    parts.push(`${part} ${value}`);
  });
  const plain = makeDestination();
  const destination = { ...plain, row: { ...plain.row, attrs } };
  let uri = '';
  for (let i = 0; i < times; i++) uri = changes.requestUri('sip:12345@a.example', destination);
  return { uri, parts };
}

test('a strip or prefix that cannot be used is reported once for each row, and left out', () => {
  assert.deepEqual(changed('cut=2;tech=99'), { uri: 'sip:99345@a.example', parts: [] });
  assert.deepEqual(changed('tech=7'), { uri: 'sip:712345@a.example', parts: [] });
  for (const cut of ['-1', 'abc', '1.5', '1e2', '0x2', '12345678901']) {
    assert.deepEqual(changed(`cut=${cut};tech=8`, 3), { uri: 'sip:812345@a.example', parts: [`strip ${cut}`] });
  }
  assert.deepEqual(changed('cut=1;tech=9@evil', 3), { uri: 'sip:12345@a.example', parts: ['prefix 9@evil'] });
});

test('the log names set, destination, part and value', () => {
  const { log, lines } = recordingLog();
  attributeLog(log)(makeDestination({ setId: 3, uri: 'sip:10.0.0.9' }).row, 'strip', 'abc');
  assert.deepEqual(lines.at(-1)?.fields, { set: 3, destination: 'sip:10.0.0.9', part: 'strip', value: 'abc' });
});
