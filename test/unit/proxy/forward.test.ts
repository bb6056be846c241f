import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { forwardedRequest, loopHash, replyUpstream } from '../../../src/proxy/forward.js';
import type { TextEdit } from '../../../src/sip/reply.js';
import { FakeClock } from '../../support/fake-clock.js';
import { parsed, RecordingSocket, requestText, sourceOf } from '../../support/sip-recorder.js';

const clock = new FakeClock();
const udp = new RecordingSocket(clock, 'udp');
const tcp = new RecordingSocket(clock, 'tcp');

interface Options {
  readonly recordRoute?: boolean;
  readonly requestUri?: string;
  readonly edits?: readonly TextEdit[];
  readonly out?: RecordingSocket;
  readonly address?: string;
  readonly rport?: boolean;
}

function forward(text: string, options: Options = {}): string {
  return forwardedRequest({
    message: parsed(text),
    source: sourceOf(udp, options.address ?? '192.0.2.1', 5060),
    socket: options.out ?? udp,
    branch: 'z9hG4bKours',
    rport: options.rport ?? false,
    requestUri: options.requestUri,
    recordRoute: options.recordRoute ?? false,
    tokens: undefined,
    dialogTags: '',
    edits: options.edits ?? [],
    hopEdits: undefined,
  });
}

const OUR_VIA = 'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours\r\n';

describe('forwardedRequest (RFC 3261 section 16.6)', () => {
  test('property: every byte is unchanged except our Via and Max-Forwards', () => {
    const folding = fc.constantFrom('', ' ', '\t', '  ', ' \r\n ');
    const lettering = fc.constantFrom(
      (name: string) => name,
      (name: string) => name.toLowerCase(),
      (name: string) => name.toUpperCase(),
    );
    const extra = fc
      .tuple(fc.stringMatching(/^X-[a-z]{1,8}$/), folding, fc.stringMatching(/^[!-~]{1,20}$/))
      .map(([name, fold, value]) => `${name}:${fold}${value}`);
    const fixed = fc
      .tuple(lettering, folding, fc.boolean())
      .map(([letter, fold, compact]) => [
        `${letter(compact ? 'f' : 'From')}:${fold}<sip:a@example.org>;tag=1`,
        `${letter(compact ? 't' : 'To')}:${fold}<sip:b@example.org>`,
        `${letter(compact ? 'i' : 'Call-ID')}:${fold}c1@x`,
        `${letter('CSeq')}:${fold}1 INVITE`,
        `${letter('Max-Forwards')}:${fold}17`,
        `${letter(compact ? 'v' : 'Via')}:${fold}SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKup`,
      ]);
    fc.assert(
      fc.property(
        fixed
          .chain((lines) => fc.array(extra, { maxLength: 5 }).map((more) => [...lines, ...more]))
          .chain((lines) => fc.shuffledSubarray(lines, { minLength: lines.length })),
        fc.stringMatching(/^[a-z\r\n\x80-\xff]{0,30}$/),
        fc.boolean(),
        (lines, body, withLength) => {
          const all = withLength ? [...lines, `Content-Length: ${body.length}`] : lines;
          const text = `INVITE sip:b@example.org;x=1 SIP/2.0\r\n${all.join('\r\n')}\r\n\r\n${body}`;
          const out = forward(text);
          assert.equal(out.split(OUR_VIA).length, 2);
          const viaAt = out.indexOf(OUR_VIA);
          assert.match(out.slice(viaAt + OUR_VIA.length), /^v(?:ia)?:/i);
          const without = out.replace(OUR_VIA, '').replace(/^(max-forwards:[ \t\r\n]*)16$/im, '$117');
          assert.equal(without, text);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('Record-Route of a call to a sips URI is a sips URI (section 16.6 step 4)', () => {
    const tls = new RecordingSocket(clock, 'tls', '127.0.0.1', 5061);
    const routes = (uri: string, more: Options = {}) => {
      const out = parsed(forward(requestText({ uri }), { recordRoute: true, out: tls, ...more }));
      return [0, 1].map((index) => out.header('record-route', index));
    };
    assert.deepEqual(routes('sips:bob@example.com'), [
      '<sips:127.0.0.1:5061;transport=tls;r2=on;lr>',
      '<sip:127.0.0.1:5060;r2=on;lr>',
    ]);
    assert.deepEqual(routes('sip:bob@example.com', { requestUri: 'sips:gw' }), routes('sips:gw'));
    assert.deepEqual(routes('sips:bob@example.com', { requestUri: 'sip:gw' }), routes('sip:gw'));
    assert.match(routes('tel:+1')[0] ?? '', /^<sip:127/);
  });

  test('the body ends at Content-Length: what follows in the datagram is not passed on', () => {
    const out = forward(`${requestText({ body: 'abc' })}trailing`);
    assert.ok(out.endsWith('\r\n\r\nabc'));
  });

  for (const [came, went] of [
    ['70', '69'],
    ['1', '0'],
    ['255', '254'],
    ['0068', '67'],
  ] as const) {
    test(`Max-Forwards ${came} is forwarded as ${went}`, () => {
      assert.equal(parsed(forward(requestText({ maxForwards: came }))).header('max-forwards'), went);
    });
  }

  test('Max-Forwards 70 is added where there is none', () => {
    const out = parsed(forward(requestText({ maxForwards: null })));
    assert.deepEqual([out.headerCount('max-forwards'), out.maxForwards], [1, 70]);
  });

  test('received is added to the top Via (RFC 3261 section 18.2.1)', () => {
    const out = parsed(forward(requestText({ via: 'SIP/2.0/UDP h.example.com;branch=z9hG4bKup;rport' })));
    assert.equal(out.header('via', 1), 'SIP/2.0/UDP h.example.com;branch=z9hG4bKup;rport=5060;received=192.0.2.1');
  });

  test('rport is added if replies are datagrams and the setting says so (RFC 3581)', () => {
    const via = (options: Options) => parsed(forward(requestText(), options)).header('via');
    assert.equal(via({ rport: true }), 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours;rport');
    assert.equal(via({ rport: false }), 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours');
    assert.equal(via({ rport: true, out: tcp }), 'SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKours');
  });

  test('a new request-URI changes the request line alone', () => {
    const text = requestText();
    assert.equal(
      forward(text, { requestUri: 'sip:gw@192.0.2.9' }),
      forward(text).replace('INVITE sip:bob@example.com SIP', 'INVITE sip:gw@192.0.2.9 SIP'),
    );
  });

  test('Record-Route comes before the existing ones; one if the socket stays the same', () => {
    const out = parsed(forward(requestText({ headers: 'Record-Route: <sip:other;lr>\r\n' }), { recordRoute: true }));
    assert.equal(out.headerCount('record-route'), 2);
    assert.equal(out.header('record-route', 0), '<sip:127.0.0.1:5060;lr>');
  });

  test('two Record-Routes if the socket changes (RFC 5658): the outbound one on top', () => {
    const out = parsed(forward(requestText(), { recordRoute: true, out: tcp }));
    assert.deepEqual(
      [out.header('record-route', 0), out.header('record-route', 1), out.via?.transport],
      ['<sip:127.0.0.1:5060;transport=tcp;r2=on;lr>', '<sip:127.0.0.1:5060;r2=on;lr>', 'TCP'],
    );
  });

  test('edits before and after the first Via are made whatever their order', () => {
    const text = `INVITE sip:b SIP/2.0\r\nRoute: <sip:r1>\r\nX-Early: 1\r\nMax-Forwards: 5\r\n${requestText({ maxForwards: null, headers: 'X-Late: 2\r\n' }).split('\r\n').slice(1).join('\r\n')}`;
    const message = parsed(text);
    const cut = (name: string): TextEdit => {
      const field = [...message.fields(name)][0] ?? assert.fail();
      return { start: field.line, end: field.next, text: '' };
    };
    const added: TextEdit = { start: message.headersEnd, end: message.headersEnd, text: 'X-New: 3\r\n' };
    for (const requestUri of [undefined, 'sip:new']) {
      const out = parsed(
        forward(text, {
          edits: [added, cut('x-late'), cut('route')],
          ...(requestUri === undefined ? {} : { requestUri }),
        }),
      );
      assert.equal(out.defect, undefined);
      assert.deepEqual(
        ['route', 'x-early', 'x-late', 'x-new', 'max-forwards'].map((name) => out.header(name)),
        [undefined, '1', undefined, '3', '4'],
      );
      assert.equal(out.requestUri, requestUri ?? 'sip:b');
      assert.equal(out.headerCount('via'), 2);
    }
  });
});

describe('replyUpstream (RFC 3261 section 16.7 step 3)', () => {
  const reply = (vias: string) =>
    parsed(
      `SIP/2.0 200 OK\r\n${vias}From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 2\r\n\r\nxyz`,
    );

  for (const [what, vias, left] of [
    [
      'lines of their own',
      'Via: SIP/2.0/UDP us;branch=1\r\nVia: SIP/2.0/UDP up;branch=2\r\n',
      'Via: SIP/2.0/UDP up;branch=2\r\n',
    ],
    ['one line', 'Via: SIP/2.0/UDP us;branch=1,SIP/2.0/UDP up;branch=2\r\n', 'Via: SIP/2.0/UDP up;branch=2\r\n'],
    [
      'one line with blanks',
      'v: SIP/2.0/UDP us;branch=1 , \t SIP/2.0/UDP up;branch=2\r\n',
      'v: SIP/2.0/UDP up;branch=2\r\n',
    ],
    ['mixed', 'Via: SIP/2.0/UDP us\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n', 'Via: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n'],
    ['folded', 'Via: SIP/2.0/UDP us\r\n ;branch=1\r\nVia:\r\n SIP/2.0/UDP up\r\n', 'Via:\r\n SIP/2.0/UDP up\r\n'],
  ] as const) {
    test(what, () => {
      const message = reply(vias);
      assert.equal(replyUpstream(message), message.text.replace(vias, left).replace(/xyz$/, 'xy'));
    });
  }
});

test('loopHash depends on what decides the route, not on Via or Max-Forwards', () => {
  const hash = (parts: Parameters<typeof requestText>[0], address = '192.0.2.1') =>
    loopHash(parsed(requestText(parts)), sourceOf(udp, address));
  const base = hash({});
  assert.equal(hash({ branch: 'z9hG4bKother', maxForwards: '3', headers: 'X: y\r\n' }), base);
  assert.equal(hash({ method: 'ACK' }), base);
  const others = [
    hash({ uri: 'sip:carol@example.com' }),
    hash({ callId: 'c2' }),
    hash({ cseq: 2 }),
    hash({ headers: 'Route: <sip:r1;lr>\r\n' }),
    hash({ headers: 'Route: <sip:r2;lr>\r\n' }),
    hash({}, '192.0.2.2'),
  ];
  assert.equal(new Set([base, ...others]).size, others.length + 1);
});
