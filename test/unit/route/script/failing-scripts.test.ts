import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { scriptFixture, settled } from '../../../support/script-fixture.js';

const lines = readFileSync(import.meta.filename, 'utf8').split('\n');

describe('scripts that fail', () => {
  test('a route that throws answers 500, is logged with file and line, and disturbs no other call', () => {
    const fixture = scriptFixture(
      {
        request(r) {
          r.ds_select_dst(1, 8);
          r.t_relay();
          if (r.get('$rU') === 'bad') throw new TypeError('the script is wrong');
        },
      },
      { file: import.meta.filename },
    );
    fixture.call({ branch: 'z9hG4bKa', uri: 'sip:good@example.com' });
    fixture.call({ branch: 'z9hG4bKb', uri: 'sip:bad@example.com' });
    fixture.call({ branch: 'z9hG4bKc', uri: 'sip:good@example.com' });
    assert.deepEqual(fixture.codes(), [100, 500, 100]);
    assert.equal(fixture.relayed().length, 2);
    const { fields, message } = fixture.faults()[0] as (typeof fixture.log)[number];
    assert.equal(fields['file'], import.meta.filename);
    assert.match(lines[Number(fields['line']) - 1] ?? '', /throw new TypeError\('the script is wrong'\)/);
    assert.match(message, /failing-scripts\.test\.ts:[0-9]+: the script is wrong/);
  });

  test('a script that fails in each call does not fill the log', () => {
    const fixture = scriptFixture({
      request(r) {
        if (!r.ds_select_dst('$hdr(X-Set)', 4)) throw new Error('no set');
      },
    });
    const calls = (from: number, count: number): void => {
      for (let i = from; i < from + count; i++) fixture.call({ branch: `z9hG4bK${i}`, headers: `X-Set: s${i}\r\n` });
    };
    calls(0, 50);
    assert.deepEqual([fixture.codes().length, fixture.faults().length], [50, 10]);
    assert.equal(fixture.log.filter((each) => each.level === 'warn').length, 10);
    fixture.clock.advance(1000);
    calls(50, 1);
    assert.equal(fixture.faults().at(-1)?.fields['suppressed'], 40);
  });

  test('an unknown name of a route or variable is an error of the script, and the call is answered with 500', () => {
    const fixture = scriptFixture({
      request(r) {
        if (r.get('$rU') === 'route') r.t_on_failure('NEXT_ONE');
        else r.get('$nope');
      },
      failure: { NEXT: () => undefined },
    });
    fixture.call({ uri: 'sip:route@example.com' });
    fixture.call({ uri: 'sip:variable@example.com', branch: 'z9hG4bKv' });
    assert.deepEqual(fixture.codes(), [500, 500]);
    const messages = fixture.faults().map((each) => each.message);
    assert.match(messages[0] ?? '', /no failure route "NEXT_ONE"/);
    assert.match(messages[1] ?? '', /unknown variable \$nope/);
  });

  test('a route that waits is answered when it has ended; retransmissions do not start it again', async () => {
    let goOn = () => {};
    let runs = 0;
    const fixture = scriptFixture({
      async request(r) {
        runs++;
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        r.ds_select_dst(1, 8);
        r.t_relay();
      },
    });
    fixture.call();
    fixture.call();
    assert.deepEqual([runs, fixture.relayed().length], [1, 0]);
    goOn();
    await settled();
    assert.deepEqual([fixture.targets(), fixture.codes()], [['10.0.0.1:5060'], [100, 100]]);
  });

  test('a route that never ends is answered with 500, and has no effect later', async () => {
    let goOn = () => {};
    const later: unknown[] = [];
    const fixture = scriptFixture({
      async request(r) {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        try {
          r.send_reply(200, 'late');
        } catch (error) {
          later.push((error as Error).message);
        }
      },
    });
    fixture.call();
    fixture.clock.advance(10_001);
    await settled();
    assert.deepEqual(fixture.codes(), [100, 500]);
    assert.match(fixture.faults()[0]?.message ?? '', /took more than 10 s/);
    goOn();
    await settled();
    assert.match(String(later[0]), /called after the route had ended/);
  });

  test('a caller who cancels while a route waits gets 487, and no call is sent', async () => {
    let goOn = () => {};
    const fixture = scriptFixture({
      async request(r) {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        r.ds_select_dst(1, 8);
        r.t_relay();
      },
    });
    fixture.call();
    fixture.call({ method: 'CANCEL' });
    goOn();
    await settled();
    assert.deepEqual([fixture.codes(), fixture.relayed().length], [[100, 200, 487], 0]);
  });

  test('a route that waits and then drops leaves nothing behind', async () => {
    const fixture = scriptFixture({
      async request(r) {
        await settled();
        r.exit();
      },
    });
    fixture.call({ method: 'MESSAGE' });
    await settled();
    await settled();
    assert.deepEqual([fixture.udp.sent.length, fixture.layer.size, fixture.layer.unanswered], [0, 0, 0]);
  });
});
