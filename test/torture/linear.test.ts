import { describe, test } from 'node:test';
import { digestUsername } from '../../src/core/digest-username.js';
import { parseAddress } from '../../src/core/name-addr.js';
import { parseUri, uriParam, uriTransport } from '../../src/core/uri.js';
import { PvarScope } from '../../src/pvar/context.js';
import { compileFormat } from '../../src/pvar/format.js';
import { hasPassedHere, Redirects } from '../../src/route/rules/redirects.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import { routeValues } from '../../src/sip/route-set.js';
import { StreamFraming } from '../../src/sip/transport/stream-framing.js';
import { assertLinear, FILLERS, filled, type GrowthCase, STREAM_LENGTHS } from '../support/growth.js';
import { hopTo, ListPlan, proxyFixture } from '../support/proxy-fixture.js';
import { replyTo, requestText, sourceOf } from '../support/sip-recorder.js';

/** The start of the proxy's branches: a peer that has seen one may repeat it. */
const OUR_BRANCH = proxyFixture({ decide: () => ({ kind: 'drop' }) }).layer.branches.prefix;

const UNITS: readonly string[] = [
  ...FILLERS,
  OUR_BRANCH,
  `${OUR_BRANCH},`,
  `${OUR_BRANCH};`,
  `\r\nX: ${OUR_BRANCH}`,
  `SIP/2.0/UDP a;branch=${OUR_BRANCH},`,
  'SIP/2.0/UDP a,',
  'SIP/2.0/UDP a ,',
  'SIP/2.0/UDP [::1,',
  '\r\nVia: SIP/2.0/UDP a',
  '\r\nv:',
  '\r\nX: y',
  '\r\nX',
  '\r\nRoute: <sip:a;lr>',
  '<sip:127.0.0.1;lr>,',
  '<sip:a>;q=0.1,',
  '\r\nContact: <sip:a>',
  ';tag',
  ';tag ',
  ';alias',
  ';branch',
  ';lr',
  ' SIP/2.0',
  ' sip/1.',
  '\r\nl:',
  'Digest ',
];

/** Marks the position of a filler. */
const HERE = '\x01';

const SOUND = requestText({
  via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKsound;rport',
  headers:
    'Route: <sip:127.0.0.1;lr>\r\nContact: "A" <sip:a@192.0.2.1>;q=0.5\r\nSubject: x\r\nMax-Breadth: 60\r\n' +
    'Proxy-Require: a\r\nRequire: b\r\nTimestamp: 1\r\nAuthorization: Digest username="a", realm="b"\r\n' +
    'Via: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKolder\r\nRecord-Route: <sip:192.0.2.9;lr>\r\nDiversion: <sip:d@e>\r\n',
  body: 'v=0\r\n',
});

/**
 * Every position of a message at which a filler is possible: around and inside each part of the start line and of each
 * field.
 */
function positions(text: string): string[] {
  const found: string[] = [HERE + text];
  const end = text.indexOf('\r\n\r\n');
  // Grammar tokens can end between a letter and another character.
  const seam = /[\w.]+|[^\w.]/g;
  for (const match of text.slice(0, end + 4).matchAll(seam)) {
    const at = match.index + match[0].length;
    found.push(text.slice(0, at) + HERE + text.slice(at));
  }
  found.push(text + HERE);
  return found;
}

/** The token boundaries in one header field, or in the start line with ''. */
function within(text: string, field: string): string[] {
  const start = field === '' ? 0 : text.indexOf(`\r\n${field}:`) + 2;
  const end = text.indexOf('\r\n', start) + 2;
  return positions(text).filter((each) => {
    const at = each.indexOf(HERE);
    return at >= start && at <= end;
  });
}

let serial = 0;

/** `read` scans a message a dozen times. */
const LOOKUPS = { maxMs: 25, noiseMs: 6 };

function* casesOf(templates: readonly string[], units: readonly string[] = UNITS): Generator<GrowthCase> {
  for (const template of templates) {
    const at = template.indexOf(HERE);
    const around = template.slice(Math.max(0, at - 12), at + 13).replace(HERE, '^');
    for (const unit of units) {
      yield {
        name: `${JSON.stringify(unit)} at ${JSON.stringify(around)}`,
        make: (length) =>
          template
            .replaceAll('call-1@', `call-${serial++}@`)
            .replace(HERE, () => filled(unit, Math.max(0, length - template.length))),
      };
    }
  }
}

const FIELDS = [
  '',
  'Via',
  'Route',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Max-Forwards',
  'Contact',
  'Subject',
  'Content-Length',
];

describe('work on what a peer sends is linear in its length', () => {
  /** Parses and calls every getter. */
  const read = (text: string): void => {
    const message = parseMessage(text);
    if (message === undefined) return;
    void [message.via, message.parsedUri, message.callId, message.from, message.to, message.fromTag, message.toTag];
    void [message.reason, message.maxForwards, message.body, message.cseqNumber];
    for (const name of ['subject', 'contact', 'proxy-require', 'x']) {
      message.header(name);
      message.headerCount(name);
      routeValues(message, name);
    }
  };

  for (const field of FIELDS) {
    test(`reading ${field === '' ? 'a start line' : field}, with a long filler between any two of its parts`, () => {
      assertLinear('parseMessage', casesOf(within(SOUND, field).filter((_, i) => i % 5 === 1)), read, LOOKUPS);
    });
  }

  for (const kind of ['relay', 'stateless'] as const) {
    test(`a request through the proxy, ${kind}`, () => {
      const fixture = proxyFixture({
        config: { maxTransactions: 1e9 },
        decide: ({ message }) => {
          hasPassedHere(message, fixture.sockets);
          if (kind === 'stateless') {
            return { kind, hop: hopTo('sip:192.0.2.7'), recordRoute: true, edits: [] };
          }
          return { kind, plan: new ListPlan([hopTo('sip:192.0.2.7')], [], true) };
        },
      });
      const sound = SOUND.replace('Proxy-Require: a\r\n', '').replace('Route: <sip:127.0.0.1;lr>\r\n', '');
      const plain = positions(sound).filter((_, i) => i % 5 === (kind === 'relay' ? 0 : 2));
      const routed = within(SOUND, 'Route');
      const required = within(SOUND, 'Proxy-Require');
      assertLinear('proxy', casesOf([...plain, ...routed, ...required]), (text) => {
        fixture.layer.receive(text, fixture.caller);
        fixture.udp.sent.length = 0;
      });
    });
  }

  test('the work for a reply through the proxy is linear in its length', () => {
    const fixture = proxyFixture({
      config: { maxTransactions: 1e9 },
      decide: () => ({ kind: 'relay', plan: new ListPlan([hopTo('sip:192.0.2.7')], [], true) }),
    });
    const gateway = sourceOf(fixture.udp, '192.0.2.7');
    fixture.call();
    const sent = fixture.sentTo('192.0.2.7')[0] as string;
    const headers = 'Contact: <sip:a@b>;q=0.5\r\nWWW-Authenticate: Digest realm="a"\r\nServer: x\r\n';
    // A provisional reply does not change the call.
    const ringing = replyTo(sent, 183, 'b1', headers);
    const stray = ringing.replace('z9hG4bKcaller1', 'z9hG4bKother').replace(/branch=\S+/, `branch=${OUR_BRANCH}x-s`);
    const templates = [ringing, stray].flatMap((each) => positions(each).filter((_, i) => i % 4 === 0));
    assertLinear('proxy', casesOf(templates), (text) => {
      fixture.layer.receive(text, gateway);
      fixture.udp.sent.length = 0;
    });
  });

  test('the work for a redirection is linear in its length', () => {
    const sound = replyTo(SOUND, 302, 'b1', 'Contact: "A" <sip:a@192.0.2.1;method=x>;q=0.5, sip:b@c;q=1\r\n');
    assertLinear('Redirects', casesOf(within(sound, 'Contact').filter((_, i) => i % 4 === 1)), (text) => {
      const message = parseMessage(text);
      if (message !== undefined) new Redirects('sip:x@y', [], 10).follow(message);
    });
  });

  test('URIs, addresses and credentials', () => {
    const templates = [
      `sip:a${HERE}@b;c=d?e`,
      `sip:a@b${HERE}`,
      `sip:a@b;c${HERE}`,
      `sip:a@b;c=d;${HERE}`,
      `"a${HERE}" <sip:b>`,
    ];
    const names = [`a${HERE} <sip:b>;c`, `<sip:b${HERE}>;c=d`, `<sip:b>;c${HERE}`, `Digest ${HERE}username="a"`];
    assertLinear('core', casesOf([...templates, ...names, `Digest a="b"${HERE}, username=c`]), (text) => {
      const uri = parseUri(text);
      if (uri !== undefined) {
        uriTransport(uri);
        uriParam(uri.params, 'nothing');
      }
      uriParam(text, 'nothing');
      parseAddress(text);
      digestUsername(text);
    });
  });

  test('variables and their transformations', () => {
    const formats = [
      ...['$ru', '$rU', '$rd', '$rp', '$fu', '$fU', '$fd', '$fn', '$ft', '$tu', '$tn', '$tt', '$ct', '$ct(*)'],
      ...[
        '$ct.fields(uri)',
        '$ct.fields(q)',
        '$au',
        '$ad',
        '$ar',
        '$an',
        '$di',
        '$ai',
        '$rt',
        '$hdr(Subject)',
        '$(hdr(X)[*])',
      ],
      ...['$(hdr(Subject){uri.user})', '$(hdr(Subject){uri.param,a})', '$(hdr(Subject){param.value,a})'],
      ...['$(hdr(Subject){csv.count})', '$(hdr(Subject){csv.value,1})', '$(hdr(Subject){nameaddr.uri})'],
      ...['$(hdr(Subject){nameaddr.param,a})', '$(hdr(Subject){via.host})', '$(hdr(Subject){via.param,a})'],
      ...['$(hdr(Subject){s.int})', '$(hdr(Subject){s.escape.common})', '$(hdr(Subject){s.unescape.common})'],
      ...['$(hdr(Subject){s.escape.user})', '$(hdr(Subject){s.unescape.user})', '$(hdr(Subject){s.tolower})'],
      ...[
        '$(hdr(Subject){s.trim})',
        '$(hdr(Subject){s.select,1,a})',
        '$(hdr(Subject){s.hex2dec})',
        '$(hdr(Subject){s.md5})',
      ],
    ].flatMap((text) => {
      try {
        return [compileFormat(text)];
      } catch {
        return [];
      }
    });
    const evaluate = (text: string): void => {
      const message = parseMessage(text);
      if (message === undefined) return;
      const scope = new PvarScope(message);
      for (const format of formats) format.evaluateValue(scope);
    };
    const templates = ['From', 'Subject', 'Contact', 'Authorization'].flatMap((field) =>
      within(SOUND, field).filter((_, i) => i % 12 === 3),
    );
    assertLinear(`${formats.length} variables`, casesOf(templates), evaluate, {
      maxMs: formats.length * 1.5,
      noiseMs: formats.length * 0.3,
    });
  });

  test('WebSocket messages of up to 1 MB', () => {
    const templates = ['Via', 'From', 'Contact', 'Subject'].flatMap((field) => within(SOUND, field).slice(-3, -2));
    const once = (text: string): void => {
      const message = parseMessage(text);
      void [message?.via, message?.toTag, message?.from, message?.header('subject'), message?.header('nothing')];
    };
    assertLinear('parseMessage', casesOf(templates), once, { lengths: STREAM_LENGTHS, maxMs: 80, noiseMs: 25 });
  });

  test('a stream of up to 1 MB, in segments', () => {
    const templates = [HERE + SOUND, SOUND + HERE, ...within(SOUND, ''), ...within(SOUND, 'Content-Length')];
    const cut = (text: string): void => {
      const framing = new StreamFraming();
      for (let at = 0; at < text.length; at += 1448) framing.push(text.slice(at, at + 1448));
    };
    assertLinear('StreamFraming', casesOf(templates), cut, { lengths: STREAM_LENGTHS, maxMs: 80, noiseMs: 25 });
    assertLinear(
      'StreamFraming',
      [
        {
          name: 'a body',
          make: (length) => SOUND.replace('Content-Length: 5', `Content-Length: ${length}`) + 'x'.repeat(length),
        },
      ],
      cut,
      { lengths: STREAM_LENGTHS, maxMs: 80, noiseMs: 25 },
    );
  });
});
