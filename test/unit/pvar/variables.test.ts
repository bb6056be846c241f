import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PvarScope, type PvarValue } from '../../../src/pvar/context.js';
import { compileFormat, compileWritable } from '../../../src/pvar/format.js';
import { variableNames } from '../../../src/pvar/format-names.js';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, pvarMessage, REPLY } from '../../support/pvar-message.js';

function scope(text = INVITE): PvarScope {
  const context = new PvarScope(pvarMessage(text));
  context.sourceAddress = '203.0.113.9';
  context.sourcePort = 4000;
  context.receivedAddress = '2001:db8::5';
  context.receivedPort = 5060;
  context.protocol = 'tls';
  context.clock = new FakeClock(1_700_000_000_999);
  return context;
}

function value(text: string, context = scope()): PvarValue {
  return compileFormat(text).evaluateValue(context);
}

function table(cases: Readonly<Record<string, PvarValue>>, context = scope()): void {
  for (const [text, expected] of Object.entries(cases)) assert.equal(value(text, context), expected, text);
}

test('$shtag is whether this node is the active one of a sharing tag, null without a cluster', () => {
  assert.equal(value('$shtag(vip)'), null);
  const context = scope();
  context.lookUpTag = (name) => (name === 'vip' ? 'active' : 'backup');
  assert.equal(value('$shtag(vip)', context), 'active');
  assert.equal(value('$shtag(other)', context), 'backup');
});

test('$cluster.sh_tag is the same, in a text and with the name of the cluster too', () => {
  const context = scope();
  context.lookUpTag = (name) => (name === 'vip/edge' ? 'active' : 'backup');
  const texts = ['$cluster.sh_tag(vip/edge)', '$(cluster.sh_tag(vip/edge))', 'is $cluster.sh_tag(vip)!'];
  assert.deepEqual(
    texts.map((text) => value(text, context)),
    ['active', 'active', 'is backup!'],
  );
});

describe('variables of the message', () => {
  test('the request-URI has parts', () => {
    table({
      $ru: 'sip:bob:secret@example.com:5070;transport=tcp;lr?Subject=x',
      $rU: 'bob',
      $rd: 'example.com',
      $rp: 5070,
      $rP: 'TCP',
      $ou: 'sip:bob:secret@example.com:5070;transport=tcp;lr?Subject=x',
    });
  });

  test('From and To, with quoted display name and URI parameters', () => {
    table({
      $fu: 'sip:alice@atlanta.example;user=phone',
      $fU: 'alice',
      $fd: 'atlanta.example',
      $fn: '"Alice, \\"A\\" <x>"',
      $ft: 'from-tag',
      $tu: 'sips:bob@biloxi.example',
      $tU: 'bob',
      $td: 'biloxi.example',
      $tn: null,
      $tt: null,
    });
  });

  test('a port that is not written is the default of the transport', () => {
    const context = scope();
    for (const [uri, port] of [
      ['sip:a@x', 5060],
      ['sips:a@x', 5061],
      ['sip:a@x;transport=tls', 5061],
      ['sip:[::1]', 5060],
    ] as const) {
      context.destinationUri = uri;
      assert.equal(value('$dp', context), port, uri);
    }
    assert.equal(value('$dd', context), '[::1]');
  });

  test('$du and its parts are null until a destination is set', () => {
    table({ $du: null, $dd: null, $dp: null, $dP: null });
  });

  test('header fields by name, index and number', () => {
    table({
      '$hdr(x-set)': '7',
      '$(hdr(X-Set)[1])': '8',
      '$(hdr(X-Set)[-1])': '8',
      '$(hdr(X-Set)[2])': null,
      '$(hdr(X-Set)[-3])': null,
      '$(hdr(X-Set)[*])': '7, 8',
      '$hdrcnt(X-Set)': 2,
      '$hdrcnt(X-None)': 0,
      '$hdr(X-None)': null,
      '$(hdr(X-None)[*])': null,
    });
  });

  test('contacts over all header fields', () => {
    table({
      $ct: '"One" <sip:one@192.0.2.1;transport=tcp>;q=0.5',
      '$(ct[1])': '<sip:two@192.0.2.2>',
      '$(ct[-1])': '<sip:three@192.0.2.3>',
      '$ct.fields(uri)': 'sip:one@192.0.2.1;transport=tcp',
      '$ct.fields(q)': '0.5',
      '$(ct.fields(uri)[2])': 'sip:three@192.0.2.3',
    });
  });

  test('credentials, method, sizes', () => {
    table({
      $au: 'carol',
      $ad: 'chicago.example',
      $aU: 'carol@chicago.example',
      $ar: 'r.example',
      '$auth.nonce': 'n1',
      $rm: 'INVITE',
      $rs: null,
      $rr: null,
      $ci: 'abc@host',
      $cs: 314,
      $ua: 'Phone 1.0',
      $cT: 'application/sdp',
      $ml: INVITE.length,
      $mb: INVITE,
    });
  });

  test('a reply has status and reason; its method is the one of CSeq', () => {
    table(
      { $rs: 486, $rr: 'Busy Here', $rm: 'BYE', $ru: null, $rU: null, $tt: 'b', $tu: 'sip:bob@biloxi.example' },
      scope(REPLY),
    );
  });

  test('source address, port, protocol and socket are known', () => {
    table({ $si: '203.0.113.9', $sp: 4000, $Ri: '2001:db8::5', $Rp: 5060, $pr: 'TLS', $proto: 'TLS' });
    table({ '$socket_in(port)': 5060, $socket_in: 'tls:[2001:db8::5]:5060' });
    assert.equal(compileFormat('$pr').ignoreCase, true);
    assert.equal(compileFormat('$rm').ignoreCase, false);
  });

  test('tel URIs have a user and nothing else', () => {
    const context = scope(INVITE.replace(/^INVITE \S+/, 'INVITE tel:+4930;phone-context=x'));
    table({ $rU: '+4930', $rd: null }, context);
  });
});

describe('variables of the script', () => {
  test('$var, $avp, $stat, $param, $time and $Ts have their values', () => {
    const context = scope();
    context.vars.set('n', 3);
    context.avps.push('list', 'old');
    context.avps.push('list', 'new');
    context.avps.push('272', 5);
    context.lookUpStatistic = (name) => (name === 'load_sip:1.2.3.4' ? 17 : undefined);
    context.params = new Map<string, PvarValue>([
      ['1', 'one'],
      ['dst_uri', 'sip:x'],
    ]);
    table(
      {
        '$var(n)': 3,
        '$var(none)': null,
        '$avp(list)': 'new',
        '$(avp(list)[0])': 'new',
        '$(avp(list)[1])': 'old',
        '$(avp(list)[-1])': 'old',
        '$(avp(list)[*])': 'new, old',
        '$avp(i:272)': 5,
        '$(avp(list)[$var(zero)])': 'new',
        '$(avp(list)[$var(n)])': null,
        '$stat(load_sip:1.2.3.4)': 17,
        '$stat(none)': null,
        '$param(1)': 'one',
        '$param(dst_uri)': 'sip:x',
        '$avp($var(none))': null,
        $Ts: 1_700_000_000,
        '$time(%s %% %Y-%q)': '1700000000 % 2023-%q',
        $retcode: 1,
      },
      context,
    );
    assert.match(String(value('$time', context)), /^[A-Z][a-z]{2} [A-Z][a-z]{2} 1[345] \d\d:\d\d:\d\d 2023$/);
  });

  test('arguments may hold variables', () => {
    const context = scope();
    context.vars.set('h', 'X-Set');
    context.avps.push('p', 'acme');
    context.avps.push('set_acme', 9);
    table({ '$hdr($var(h))': '7', '$avp(set_$avp(p))': 9, '$(hdr($(avp(p){s.len}))[0])': null }, context);
  });

  test('placeholders have the text that the context gives', () => {
    const format = compileFormat('$avp(load_%u)', { placeholders: 'ui' });
    const context = scope();
    context.avps.push('load_sip:10.0.0.1:5060', 12);
    context.placeholders = { u: 'sip:10.0.0.1:5060', i: '4' };
    assert.equal(format.evaluateValue(context), 12);
    assert.equal(compileFormat('%i/%u %x', { placeholders: 'ui' }).evaluate(context), '4/sip:10.0.0.1:5060 %x');
    assert.equal(compileFormat('%u').constant, '%u');
  });
});

describe('assigning', () => {
  test('a part of the request-URI is replaced, and the others are kept', () => {
    const context = scope();
    const assign = (text: string, to: PvarValue) => {
      compileWritable(text).assign(context, to);
      return context.requestUri;
    };
    assert.equal(assign('$rd', '::1'), 'sip:bob:secret@[::1]:5070;transport=tcp;lr?Subject=x');
    assert.equal(assign('$rp', null), 'sip:bob:secret@[::1];transport=tcp;lr?Subject=x');
    assert.equal(assign('$rp', '5080'), 'sip:bob:secret@[::1]:5080;transport=tcp;lr?Subject=x');
    assert.equal(assign('$rU', null), 'sip:[::1]:5080;transport=tcp;lr?Subject=x');
    assert.equal(assign('$ru', 'sip:new@host'), 'sip:new@host');
  });

  test('a value that would change the structure of the URI or the message is not written', () => {
    const context = scope();
    const before = context.requestUri;
    for (const [text, to] of [
      ['$rd', 'evil;lr'],
      ['$rd', 'a\r\nb'],
      ['$rd', 'x@y'],
      ['$rU', 'a b'],
      ['$rp', 70000],
      ['$rp', 'http'],
      ['$ru', 'sip:a@b\r\nX: y'],
      ['$ru', null],
      ['$ru', 'no uri'],
    ] as const) {
      compileWritable(text).assign(context, to);
      assert.equal(context.requestUri, before, `${text} = ${to}`);
    }
  });

  test('$du, $var and $fs are written, $retcode is not', () => {
    const context = scope();
    compileWritable('$du').assign(context, 'sip:10.0.0.1:5060');
    assert.equal(context.destinationUri, 'sip:10.0.0.1:5060');
    compileWritable('$du').assign(context, 'bad uri');
    assert.equal(context.destinationUri, 'sip:10.0.0.1:5060');
    compileWritable('$du').assign(context, null);
    assert.equal(context.destinationUri, undefined);
    compileWritable(' $var(setid) ').assign(context, 4);
    assert.equal(context.vars.get('setid'), 4);
    compileWritable('$fs').assign(context, 'udp:127.0.0.1:5060');
    assert.equal(context.sendSocket, 'udp:127.0.0.1:5060');
    context.returnCode = -1;
    assert.equal(value('$retcode', context), -1);
    assert.throws(() => compileWritable('$rc'), /is not a single variable that can be set/);
  });

  test('AVPs are stacks of values', () => {
    const context = scope();
    const assign = (text: string, to: PvarValue) => {
      compileWritable(text).assign(context, to);
      return context.avps.all('x');
    };
    assert.deepEqual(assign('$avp(x)', 'a'), ['a']);
    assert.deepEqual(assign('$avp(x)', 'b'), ['b', 'a']);
    assert.deepEqual(assign('$(avp(x)[append])', 'z'), ['b', 'a', 'z']);
    assert.deepEqual(assign('$(avp(x)[1])', 'A'), ['b', 'A', 'z']);
    assert.deepEqual(assign('$(avp(x)[-1])', null), ['b', 'A']);
    assert.deepEqual(assign('$avp(x)', null), ['A']);
    assert.deepEqual(assign('$(avp(x)[*])', 1), [1]);
    assert.deepEqual(assign('$(avp(x)[*])', null), []);
  });

  test('only a single writable variable can be assigned', () => {
    for (const text of ['$ci', 'x$du', '$du$du', 'plain', '$(du{s.len})']) {
      assert.throws(() => compileWritable(text), { code: 'PVAR_SYNTAX', message: /not a single variable/ }, text);
    }
    assert.doesNotThrow(() => compileFormat('$ci').assign(scope(), 'x'));
  });
});

test('every documented name exists', () => {
  const names = new Set(variableNames());
  const promised =
    'ru rU rd rp rP du dd dp fu fU fd fn ft tu tU td tt ci cs rm rs rr si sp Ri Rp pr proto ua ct hdr hdrcnt var avp au ad aU ar time Ts retcode rc branch mb ml stat param';
  assert.deepEqual(
    promised.split(' ').filter((name) => !names.has(name)),
    [],
  );
});
