import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../../../src/engine/engine.js';
import { RequestScope } from '../../../../src/route/request-scope.js';
import { fromListMatcher, parseFromList } from '../../../../src/route/rules/from-list.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { partitionOptions, row, seededRandom } from '../../../support/partitions.js';
import { parsed, RecordingSocket, requestText, sourceOf } from '../../../support/sip-recorder.js';

const clock = new FakeClock();
const engine = new Engine({ clock, random: seededRandom() });
engine
  .addPartition(partitionOptions({ name: 'default' }))
  .load(
    [
      row('sip:192.0.2.1:5070', { attrs: 'pstn' }),
      row('sip:192.0.2.2', { setId: 2, state: 'inactive' }),
      row('sip:[2001:db8::1]', { setId: 3 }),
    ],
    { inheritState: true },
  );
engine
  .addPartition(partitionOptions({ name: 'kam', flavour: 'kamailio' }))
  .load([row('sip:192.0.2.9:5070')], { inheritState: true });
const udp = new RecordingSocket(clock, 'udp');

function matches(pattern: string, address: string, port = 5060): boolean {
  const formats = { hash: undefined, load: undefined, score: undefined, statistic: () => undefined };
  const scope = new RequestScope(parsed(requestText({})), sourceOf(udp, address, port), 'sip:a@b', formats);
  return fromListMatcher(pattern, (name) => engine.partition(name))(scope.pvars);
}

describe('a rule for requests that come from a destination (from_list)', () => {
  test('matches by address, in one set or in any', () => {
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((each) => matches('1', each)),
      [true, false, false],
    );
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((each) => matches('*', each)),
      [true, true, false],
    );
    assert.equal(matches('3', '2001:db8:0:0::1'), true);
  });

  test('matches by port, state and attributes if it has them', () => {
    assert.deepEqual([matches('1;port', '192.0.2.1', 5070), matches('1;port', '192.0.2.1', 5071)], [true, false]);
    assert.deepEqual([matches('2', '192.0.2.2'), matches('2;active', '192.0.2.2')], [true, false]);
    assert.deepEqual([matches('1;attrs=ps*', '192.0.2.1'), matches('1;attrs=x*', '192.0.2.1')], [true, false]);
  });

  test('matches destinations of another partition by the rules of its flavour', () => {
    assert.deepEqual([matches('kam:1', '192.0.2.9'), matches('kam:1', '192.0.2.1')], [true, false]);
    assert.deepEqual([matches('kam:1;port', '192.0.2.9', 5070), matches('kam:1;port', '192.0.2.9')], [true, false]);
    assert.equal(matches('nosuch:1', '192.0.2.9'), false);
  });

  test('is refused if its text is malformed', () => {
    for (const text of ['', 'x', '1;prot', 'a:b:1', '1,2', '-1']) {
      assert.throws(() => parseFromList(text), { code: 'CONFIG_INVALID' }, text);
    }
  });
});
