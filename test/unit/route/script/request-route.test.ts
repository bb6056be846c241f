import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { RequestRoute } from '../../../../src/route/script/request-route.js';
import { row } from '../../../support/partitions.js';
import { GATEWAYS, scriptFixture, settled } from '../../../support/script-fixture.js';

const lines = readFileSync(import.meta.filename, 'utf8').split('\n');
const P2 = { rows: [row('sip:10.2.0.1:5060', { setId: 7 })], options: { dstAvp: 'p2_dst', attrsAvp: 'p2_attrs' } };

/** Runs a request route for one INVITE. */
function run(request: (r: RequestRoute) => unknown, options: Parameters<typeof scriptFixture>[1] = {}) {
  const fixture = scriptFixture({ request }, options);
  fixture.call();
  return fixture;
}

describe('selections in a request route', () => {
  test('ds_select_dst sets $du and t_relay goes there', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      seen.push(r.ds_select_dst(1, 4), r.du, r.retcode, r.get('$avp(attrs)'), r.get('$avp(ds_grp_failover)'));
      r.t_relay();
    });
    assert.deepEqual(seen, [true, 'sip:10.0.0.1:5060', 1, 'first', 1]);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060']);
    assert.equal(fixture.relayed()[0]?.requestUri, 'sip:bob@example.com');
    assert.equal(fixture.counted.selected, 1);
  });

  test('ds_select_domain rewrites the request-URI, ds_next_domain does so again', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      r.ds_select_domain(1, 8, 'f');
      seen.push(r.ru, r.du);
      r.ds_next_domain();
      seen.push(r.ru);
      r.t_relay();
    });
    assert.deepEqual(seen, ['sip:bob@10.0.0.1:5060', null, 'sip:bob@10.0.0.2:5060']);
    assert.equal(fixture.relayed()[0]?.requestUri, 'sip:bob@10.0.0.2:5060');
    assert.deepEqual(fixture.targets(), ['10.0.0.2:5060']);
  });

  test('a strict ds_select_domain of a sips destination writes a sip URI, which does not leave in clear', () => {
    const seen: unknown[] = [];
    const fixture = run(
      (r) => {
        r.ds_select_domain(1, 8);
        r.set('$rU', 'eve');
        seen.push(r.ru);
        r.t_relay();
      },
      { partitions: { default: { rows: [row('sips:10.0.0.1:5070')], options: { compat: 'strict' } } } },
    );
    assert.deepEqual([seen, fixture.targets()], [['sip:eve@10.0.0.1:5070'], []]);
  });

  test('the form of 2.1 and the form of today choose the same', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        r.set('$var(p)', 'p2');
        seen.push(r.ds_select_dst('p2 : 7', '8', 'f'), r.du);
        r.set('$du', null);
        seen.push(r.ds_select_dst('$var(p):7', 8, 'fM5'), r.du);
        r.set('$du', null);
        seen.push(r.ds_select_dst(7, 'first', 'f', '$var(p)', 5), r.du);
      },
      { partitions: { default: { rows: GATEWAYS }, p2: P2 } },
    );
    const there = [true, 'sip:10.2.0.1:5060'];
    assert.deepEqual(seen, [...there, ...there, ...there]);
  });

  test('a failed selection is false, returns -1, and changes nothing', () => {
    const seen: unknown[] = [];
    const fixture = run((r) => {
      seen.push(r.ds_select_dst(99, 0), r.retcode, r.du);
      seen.push(r.ds_select_dst('nobody:1', 0), r.retcode);
      seen.push(r.ds_select_dst('one', 0), r.retcode);
      seen.push(r.ds_select_dst('$avp(unset)', 0), r.retcode);
      seen.push(r.ds_next_dst(), r.retcode, r.ds_next_dst('nobody'), r.ds_mark_dst());
    });
    assert.deepEqual(seen, [false, -1, null, false, -1, false, -1, false, -1, false, -1, false, false]);
    assert.equal(fixture.counted.failed, 1);
    assert.match(fixture.log.map((each) => each.message).join('\n'), /ds_select_dst\(\): no partition "nobody"/);
  });

  test('flag s keeps a destination that is set', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.set('$du', 'sip:10.9.9.9');
      seen.push(r.ds_select_dst(1, 8, 's'), r.du, r.ds_select_dst(1, 8), r.du);
    });
    assert.deepEqual(seen, [true, 'sip:10.9.9.9', true, 'sip:10.0.0.1:5060']);
  });

  test('AVPs of a partition show and replace the failover list', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.ds_select_dst(1, 8, 'f');
      seen.push(r.avps.all('ds_dst_failover'), r.get('$avp(ds_cnt_failover)'), r.get('$(avp(ds_dst_failover)[1])'));
      r.avps.replace('ds_dst_failover', ['sip:10.0.0.1:5060', 'sip:10.0.0.3:5060', 'sip:10.7.7.7']);
      seen.push(r.ds_next_dst(), r.du, r.ds_next_dst(), r.du, r.ds_next_dst());
    });
    const [list, count, second, ...rest] = seen;
    assert.deepEqual(list, ['sip:10.0.0.1:5060', 'sip:10.0.0.2:5060', 'sip:10.0.0.3:5060']);
    assert.deepEqual([count, second], [3, 'sip:10.0.0.2:5060']);
    assert.deepEqual(rest, [true, 'sip:10.0.0.3:5060', true, 'sip:10.7.7.7', false]);
  });

  test('a list written before any selection is followed', () => {
    const seen: unknown[] = [];
    run((r) => {
      r.avps.replace('ds_dst_failover', ['sip:x.example', 'sip:10.0.0.2:5060']);
      seen.push(r.ds_next_dst(), r.du);
    });
    assert.deepEqual(seen, [true, 'sip:10.0.0.2:5060']);
  });

  test('a second selection without a socket keeps the socket of the first, as recorded', () => {
    for (const compat of ['default', 'strict'] as const) {
      const seen: unknown[] = [];
      scriptFixture(
        {
          request(r) {
            for (const set of [1, 2]) {
              r.ds_select_dst(set, 8);
              seen.push(r.get('$fs'));
            }
          },
        },
        {
          partitions: {
            default: {
              options: { compat },
              rows: [row('sip:10.0.0.1', { socket: 'udp:127.0.0.1:5060' }), row('sip:10.0.0.2', { setId: 2 })],
            },
          },
        },
      ).call();
      assert.deepEqual(seen, ['udp:127.0.0.1:5060', 'udp:127.0.0.1:5060']);
    }
  });

  test('requests leave from the socket of the destination, until it is replaced', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        r.ds_select_dst(1, 8, 'f');
        seen.push(r.get('$fs'));
        r.ds_next_dst();
        seen.push(r.get('$fs'));
      },
      {
        partitions: {
          default: { rows: [row('sip:10.0.0.1', { socket: 'udp:127.0.0.1:5060' }), row('sip:10.0.0.2')] },
        },
      },
    );
    assert.deepEqual(seen, ['udp:127.0.0.1:5060', null]);
  });

  test('hash_pvar and script_attrs_avp are served', () => {
    const seen: unknown[] = [];
    run(
      (r) => {
        seen.push(r.ds_select_dst(1, 7));
        r.ds_push_script_attrs('fast', '10.0.0.1', 5060, 1);
        r.ds_select_dst(1, 8);
        seen.push(r.get('$avp(pushed)'));
      },
      { hashPvar: '$fU' },
    );
    assert.deepEqual(seen, [true, 'fast']);
  });
});

describe('ds_mark_dst', () => {
  const marked = (...args: [string?, string?]) => {
    let code: unknown;
    const fixture = run((r) => {
      r.ds_select_dst(1, 8);
      code = [r.ds_mark_dst(...args), r.retcode];
    });
    return [fixture.state('sip:10.0.0.1:5060'), code];
  };

  test('marks as recorded: nothing and i at once, p by the threshold, a and others not', () => {
    const ok = [true, 1];
    assert.deepEqual(marked(), ['inactive', ok]);
    for (const state of ['i', 'I', '0']) assert.deepEqual(marked(state), ['inactive', ok]);
    for (const state of ['p', 'P', '2', 'a', 'x']) assert.deepEqual(marked(state), ['active', ok]);
  });

  test('understands both orders of its arguments', () => {
    assert.deepEqual(marked('default', 'i'), ['inactive', [true, 1]]);
    assert.deepEqual(marked('i', 'default'), ['inactive', [true, 1]]);
    assert.deepEqual(marked('nobody', 'i'), ['active', [false, -1]]);
  });

  test('three times p make a destination probing, reported with the recorded reason', () => {
    const reasons: string[] = [];
    const fixture = scriptFixture({
      request(r) {
        r.ds_select_dst(1, 8);
        r.ds_mark_dst('p');
      },
    });
    fixture.engine.states.onChange((change) => reasons.push(`${change.edge} ${change.reason} ${change.origin}`));
    for (const branch of ['1', '2', '3']) fixture.call({ branch: `z9hG4bK${branch}` });
    assert.equal(fixture.state('sip:10.0.0.1:5060'), 'probing');
    assert.deepEqual(reasons, ['inactive script function ds_mark() script']);
  });
});

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

  test('a reply cannot be split by what a caller sent', () => {
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

  test('provisional replies are sent at once', () => {
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

  test('forward() goes without a transaction', () => {
    const fixture = run((r) => {
      r.ds_select_dst(1, 8);
      r.forward();
    });
    assert.deepEqual([fixture.targets(), fixture.layer.size], [['10.0.0.1:5060'], 0]);
  });

  test('record_route keeps the proxy in the path, loose_route follows it', () => {
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

  test('mf_process_maxfwd_header: 0, present, missing', () => {
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

  test('variables, formats, methods and the log', () => {
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

describe('black lists', () => {
  const options = {
    partitions: { default: { rows: [...GATEWAYS, row('sip:10.0.0.1:5060', { setId: 4 })] } },
    blacklists: { blocked: [4] },
  };

  test('a blocked next hop is replaced by the next one', () => {
    const seen: boolean[] = [];
    const fixture = run((r) => {
      seen.push(r.use_blacklist('blocked'), r.use_blacklist('none'));
      r.ds_select_dst(1, 8, 'f');
      r.t_relay();
    }, options);
    assert.deepEqual([seen, fixture.targets()], [[true, false], ['10.0.0.2:5060']]);
  });

  test('473 if none is left', () => {
    const fixture = run((r) => {
      r.use_blacklist('blocked');
      r.ds_select_dst(1, 8);
      assert.equal(r.t_relay(), true);
    }, options);
    assert.deepEqual([fixture.codes(), fixture.relayed().length], [[100, 473], 0]);
  });

  test('nothing is blocked without use_blacklist', () => {
    const fixture = run((r) => {
      r.use_blacklist('blocked');
      r.unuse_blacklist('blocked');
      r.ds_select_dst(1, 8);
      r.t_relay();
    }, options);
    assert.deepEqual(fixture.targets(), ['10.0.0.1:5060']);
  });
});

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
    assert.match(message, /request-route\.test\.ts:[0-9]+: the script is wrong/);
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

  test('unknown names of routes and variables are faults of the script', () => {
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
