import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PRIVACY, shownUri } from '../../../src/calls/privacy.js';

test('a URI in a call record has neither a password nor the value of a parameter "password"', () => {
  const short = { keepDigits: 2, hashKey: undefined };
  assert.equal(shownUri('sip:gw:hidden@192.0.2.1;password=hidden', NO_PRIVACY), 'sip:gw@192.0.2.1;password=***');
  assert.equal(shownUri('sip:192.0.2.1;lr;Password=hidden;x=1', NO_PRIVACY), 'sip:192.0.2.1;lr;Password=***;x=1');
  assert.equal(shownUri('sip:4930:hidden@192.0.2.1;x=1', short), 'sip:xx30@192.0.2.1;x=1');
  assert.equal(shownUri('tel:4930;x=1', short), 'tel:xx30;x=1');
});
