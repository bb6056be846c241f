import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { run } from '../../../support/request-route-fixture.js';
import { scriptFixture } from '../../../support/script-fixture.js';

describe('relaying and answering', () => {
  test('without $du a request goes to its request-URI', () => {
    const fixture = run((r) => {
      r.set('$ru', 'sip:carol@10.3.3.3:5070');
      r.t_relay();
    });
    assert.deepEqual(fixture.targets(), ['10.3.3.3:5070']);
    assert.equal(fixture.relayed()[0]?.requestUri, 'sip:carol@10.3.3.3:5070');
  });

  test('a second reply is ignored; a request that is neither relayed nor answered is dropped', () => {
    const seen: boolean[] = [];
    const replied = run((r) => {
      seen.push(r.send_reply('403', 'No $rm here'), r.send_reply(404, 'x'), r.t_relay());
    });
    assert.deepEqual(seen, [true, false, false]);
    assert.deepEqual(replied.codes(), [403]);
    assert.equal(replied.lastToCaller().reason, 'No INVITE here');
    const dropped = run((r) => r.exit());
    assert.deepEqual([dropped.udp.sent.length, dropped.layer.size], [0, 0]);
  });

  test('text of a caller cannot add lines to a reply', () => {
    const fixture = run((r) => {
      r.set('$var(x)', 'a\r\nEvil: 1\r\n\r\nbody');
      r.append_to_reply('X-Note: $var(x)');
      r.append_to_reply('Retry-After: 30');
      r.send_reply(480, '$var(x)');
    });
    const last = fixture.lastToCaller();
    assert.equal(last.reason, 'a Evil: 1 body');
    assert.equal(last.header('evil'), undefined);
    assert.equal(last.header('retry-after'), '30');
  });

  test('a provisional reply is sent at once', () => {
    const fixture = run((r) => {
      r.send_reply(180, 'Ringing');
      r.send_reply(486, 'Busy');
    });
    assert.deepEqual(fixture.codes(), [180, 486]);
  });

  test('a second t_relay is refused, and so is what is not a SIP URI', () => {
    const seen: boolean[] = [];
    const fixture = run((r) => {
      r.ds_select_dst(1, 8);
      seen.push(r.t_relay(), r.t_relay(), r.send_reply(200, 'x'));
    });
    assert.deepEqual(seen, [true, false, false]);
    assert.equal(fixture.relayed().length, 1);
    const nowhere = scriptFixture({
      request(r) {
        if (!r.t_relay()) r.send_reply(416, 'Unsupported');
      },
    });
    nowhere.call({ uri: 'tel:+4912345' });
    assert.deepEqual(nowhere.codes(), [416]);
  });

  test('forward() sends without a transaction', () => {
    const fixture = run((r) => {
      r.ds_select_dst(1, 8);
      r.forward();
    });
    assert.deepEqual([fixture.targets(), fixture.layer.size], [['10.0.0.1:5060'], 0]);
  });

  test('record_route adds the proxy to the route set, and loose_route follows the Route', () => {
    const fixture = scriptFixture({
      request(r) {
        if (r.has_totag()) {
          if (r.loose_route()) r.t_relay();
          else r.send_reply(404, 'Not here');
          return;
        }
        r.ds_select_dst(1, 8);
        r.record_route();
        r.t_relay();
      },
    });
    fixture.call();
    assert.equal(fixture.relayed()[0]?.header('record-route'), '<sip:127.0.0.1:5060;lr>');
    fixture.call({
      method: 'BYE',
      branch: 'z9hG4bKbye',
      toTag: 'b1',
      uri: 'sip:bob@10.0.0.9:5080',
      headers: 'Route: <sip:127.0.0.1:5060;lr>\r\n',
    });
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060', '10.0.0.9:5080']);
    assert.equal(fixture.relayed()[1]?.header('route'), undefined);
    fixture.call({ method: 'BYE', branch: 'z9hG4bKlost', toTag: 'b1' });
    assert.equal(fixture.codes().at(-1), 404);
  });

  test('loose_route follows no Route without the dialog proof that the settings require', () => {
    const asked: string[] = [];
    const fixture = scriptFixture(
      {
        request(r) {
          if (r.loose_route()) r.t_relay();
          else r.send_reply(404, 'Not here');
        },
      },
      {
        dialogs: {
          mayPass({ message }) {
            asked.push(message.callId);
            return message.callId === 'ours' ? { tags: '', allowed: () => true } : undefined;
          },
        },
      },
    );
    const route = { toTag: 'b1', uri: 'sip:bob@10.0.0.9:5080', headers: 'Route: <sip:127.0.0.1:5060;lr>\r\n' };
    fixture.call({ ...route, method: 'BYE', branch: 'z9hG4bKa', callId: 'foreign' });
    assert.equal(fixture.codes().at(-1), 404);
    fixture.call({ ...route, method: 'BYE', branch: 'z9hG4bKb', callId: 'ours' });
    assert.deepEqual(fixture.targets(), ['10.0.0.9:5080']);
    assert.deepEqual(asked, ['foreign', 'ours']);
  });

  test('an ACK for a 2xx goes through the request route', () => {
    const fixture = scriptFixture({
      request(r) {
        if (r.is_method('ACK')) r.send_reply(500, 'never');
        r.ds_select_dst(1, 8);
        r.t_relay();
      },
    });
    fixture.call({ method: 'ACK', toTag: 'b1' });
    assert.deepEqual(
      fixture.udp.sent.map((each) => [each.address, each.text.slice(0, 3)]),
      [['10.0.0.1', 'ACK']],
    );
  });
});

describe('messages in a request route', () => {
  test('header fields are appended and removed', () => {
    const seen: unknown[] = [];
    const fixture = scriptFixture({
      request(r) {
        seen.push(r.append_hf('X-From: $fU\r\nX-Two: 2\r\n'), r.append_hf('X-Three: 3'));
        seen.push(r.remove_hf('X-Gone'), r.remove_hf('X-None'), r.is_present_hf('X-Gone'));
        r.ds_select_dst(1, 8);
        r.t_relay();
        // For the script the request has already been sent.
        r.append_hf('X-Late: 1');
      },
    });
    fixture.call({ headers: 'X-Gone: 1\r\nX-Kept: k\r\nx-gone: 2\r\n', body: 'v=0' });
    const [sent] = fixture.relayed();
    assert.deepEqual(seen, [true, true, true, false, true]);
    const headers = ['x-from', 'x-two', 'x-three', 'x-kept', 'x-gone', 'x-late'].map((name) => sent?.header(name));
    assert.deepEqual(headers, ['alice', '2', '3', 'k', undefined, undefined]);
    assert.equal(sent?.body, 'v=0');
  });

  test('changes that would break the message are refused', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      r.set('$var(x)', 'a\r\n\r\nINVITE sip:evil SIP/2.0');
      r.set('$var(y)', 'a\r\nX: injected');
      seen.push(r.append_hf('X: $var(y)\r\n'), r.append_to_reply('X: $var(y)'));
      seen.push(r.append_hf('X: $var(x)\r\n'), r.append_hf('no header'), r.append_hf('From: <sip:x@y>'));
      seen.push(r.append_hf(`X: ${'x'.repeat(20_000)}`));
      for (const name of ['Via', 'from', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length', 'l']) {
        seen.push(r.remove_hf(name));
      }
      r.ds_select_dst(1, 8);
      r.t_relay();
    });
    assert.ok(seen.every((each) => each === false));
    assert.equal(fixture.relayed()[0]?.defect, undefined);
    assert.equal(fixture.relayed()[0]?.header('x'), undefined);
  });

  test('mf_process_maxfwd_header handles a value of 0, other values and a missing field', () => {
    const codes: number[] = [];
    const fixture = scriptFixture({
      request(r) {
        if (!r.mf_process_maxfwd_header('10')) r.send_reply('483', 'To Many Hops');
        else r.t_relay();
        codes.push(r.retcode);
      },
    });
    fixture.call({ maxForwards: '0', uri: 'sip:10.0.0.1' });
    assert.deepEqual([fixture.codes(), fixture.lastToCaller().reason], [[483], 'To Many Hops']);
    fixture.call({ maxForwards: null, uri: 'sip:10.0.0.1', branch: 'z9hG4bK2' });
    fixture.call({ maxForwards: '5', uri: 'sip:10.0.0.1', branch: 'z9hG4bK3' });
    assert.deepEqual(
      fixture.relayed().map((each) => each.maxForwards),
      [10, 4],
    );
  });

  test('a script without Max-Forwards handling still stops a loop', () => {
    const fixture = scriptFixture({ request: (r) => r.t_relay() });
    fixture.call({ maxForwards: '0', uri: 'sip:10.0.0.1' });
    assert.deepEqual([fixture.codes(), fixture.relayed().length], [[483], 0]);
  });

  test('variables, formats, methods and the log work in scripts', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      r.set('$avp(a)', 'one');
      r.set('$avp(a)', 2);
      seen.push(r.get('$avp(a)'), r.format('$fU@$rd <$avp(none)>'), r.get('$(ru{uri.user})'), r.avps.count('a'));
      seen.push(r.is_method('BYE|INVITE'), r.is_method('BYE'), r.has_totag(), r.t_was_cancelled(), r.t_check_trans());
      r.xlog('L_WARN', 'from $fU\n');
      r.xlog('plain');
      r.xlog('error', 'failed');
    });
    assert.deepEqual(seen, [2, 'alice@example.com <<null>>', 'bob', 2, true, false, false, false, false]);
    assert.deepEqual(
      fixture.log.map(({ level, message }) => `${level} ${message}`),
      ['warn from alice', 'info plain', 'error failed'],
    );
  });
});
