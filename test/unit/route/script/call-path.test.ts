import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PvarScope } from '../../../../src/pvar/context.js';
import { CallPath } from '../../../../src/route/script/call-path.js';
import { EXIT } from '../../../../src/route/script/exit.js';
import { parseMessage } from '../../../../src/sip/parse-message.js';
import { requestText } from '../../../support/sip-recorder.js';

function world(bounds = { steps: 10, characters: 20 }) {
  const pvars = new PvarScope(parseMessage(requestText({ uri: 'sip:bob@example.com' }))!);
  const path = new CallPath({ file: '/scripts/route.js', source: 'one\ntwo' }, bounds);
  const route = path.watched(
    {
      secret: 7,
      get me() {
        return this.secret;
      },
      relay(_to: string) {
        pvars.destinationUri = 'sip:10.0.0.1';
        return this.me === 7;
      },
      exit() {
        throw EXIT;
      },
      fail() {
        throw new Error('x');
      },
    },
    pvars,
    1,
  );
  return { route, path };
}

test('a function call is recorded with its result, its variables and its changes', () => {
  const { route, path } = world();
  assert.equal(route.relay('to $rU and no more of it'), true);
  assert.deepEqual(
    path.steps.map(({ result, values }) => [result, values]),
    [
      [
        'returns true',
        [
          ['to $rU and no more of', 'to bob and no more o'],
          ['$du', 'sip:10.0.0.1'],
        ].map(([name = '', value = '']) => [name.slice(0, 20), value]),
      ],
    ],
  );
  assert.equal(route.me, 7);
  assert.equal(path.steps.length, 1);
});

test('an end or error of a route is passed on', () => {
  const { route, path } = world();
  assert.throws(() => route.exit(), EXIT);
  assert.throws(() => route.fail(), /x/);
  assert.deepEqual(
    path.steps.map(({ result }) => result),
    ['ends', 'throws'],
  );
});

test('calls beyond the recorded number still run', () => {
  const { route, path } = world({ steps: 2, characters: 20 });
  for (let i = 0; i < 5; i++) assert.equal(route.relay('x'), true);
  assert.equal(path.steps.length, 2);
});
