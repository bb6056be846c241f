import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES, type ErrorCode, SwitchyardError } from '../../../src/core/errors.js';

test('every error code says who has to correct the error', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    assert.match(new SwitchyardError(code, 'x').source, /^(caller|configuration|database|network|program)$/, code);
  }
});

test('an error is not retried unless it says so, and keeps its cause', () => {
  const cause = new Error('refused');
  const error = new SwitchyardError('STORE_UNREACHABLE', 'no answer', { cause, retryable: true });
  assert.deepEqual([error.source, error.retryable, error.cause], ['database', true, cause]);
  assert.deepEqual(
    [new SwitchyardError('USAGE', 'x').source, new SwitchyardError('USAGE', 'x').retryable],
    ['caller', false],
  );
});
