import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { unfold } from '../../../src/sip/header-lines.js';
import { parseMessage } from '../../../src/sip/parse-message.js';
import { parsed, requestText } from '../../support/sip-recorder.js';

/** A message made of lines, with an empty line and a body. */
function lines(...all: string[]): string {
  return `${all.join('\r\n')}\r\n\r\n`;
}

const BASE = [
  'Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1',
  'From: <sip:a@example.com>;tag=1',
  'To: <sip:b@example.com>',
  'Call-ID: c1',
  'CSeq: 7 OPTIONS',
];

describe('start line', () => {
  test('a request line is parsed', () => {
    const message = parsed(lines('OPTIONS sip:b@example.com SIP/2.0', ...BASE));
    assert.deepEqual(
      [message.isRequest, message.method, message.requestUri, message.status, message.defect],
      [true, 'OPTIONS', 'sip:b@example.com', 0, undefined],
    );
  });

  test('a reply takes its method from CSeq', () => {
    const message = parsed(lines('SIP/2.0 486 Busy  Here', ...BASE));
    assert.deepEqual(
      [message.isRequest, message.method, message.status, message.reason, message.requestUri],
      [false, 'OPTIONS', 486, 'Busy  Here', ''],
    );
  });

  test('an empty reason phrase is legal', () => {
    assert.equal(parsed(lines('SIP/2.0 100 ', ...BASE)).reason, '');
  });

  for (const line of [
    'SIP/2.0 099 Low',
    'SIP/2.0 700 High',
    'SIP/2.0 1e2 Exponent',
    'SIP/2.0 4294967301 Large',
    'SIP/2.0 +20 Sign',
    'SIP/2.0 20 Short',
    'GET / HTTP/1.1',
    'INVITE sip:b@example.com',
    ' SIP/2.0',
    '',
    `${'A'.repeat(65)} sip:b@example.com SIP/2.0`,
  ]) {
    test(`"${line.slice(0, 40)}" is not a SIP message`, () => {
      assert.equal(parseMessage(lines(line, ...BASE)), undefined);
    });
  }

  // RFC 3261 section 7.1: the version is case-insensitive, and sent in upper case.
  for (const line of ['OPTIONS sip:b@example.com sip/2.0', 'sip/2.0 200 OK', 'Sip/2.0 200 OK']) {
    test(`"${line}" has a version in other letter case`, () => {
      const message = parseMessage(lines(line, ...BASE));
      assert.equal(message?.defect, undefined);
      assert.ok(message?.text.startsWith(line.replace(/sip\/2/i, 'SIP/2')));
    });
  }

  test('of a wrong request-URI and another defect the other one is reported, and the body ends at Content-Length', () => {
    const broken = lines('OPTIONS <sip:b@example.com> SIP/2.0', ...BASE);
    assert.equal(parseMessage(broken.replace(/^CSeq.*\r\n/m, ''))?.defect, 'no CSeq header');
    const longer = parseMessage(`${broken.replace(/^CSeq/m, 'Content-Length: 0\r\nCSeq')}more`);
    assert.equal(longer?.defect, 'malformed request-URI');
    assert.equal(longer?.bodyEnd, longer?.bodyStart);
  });

  for (const [line, defect] of [
    ['OPTIONS  sip:b@example.com SIP/2.0', 'malformed request-URI'],
    ['OPTIONS sip:b@example.com  SIP/2.0', 'malformed request-URI'],
    ['OPTIONS sip:b@example.com; lr SIP/2.0', 'malformed request-URI'],
    ['OPTIONS <sip:b@example.com> SIP/2.0', 'malformed request-URI'],
    ['OPTIONS sip:b@example.com SIP/2.0 ', 'malformed request line'],
    ['OPTIONS sip:b@example.com SIP/7.0', 'unsupported SIP version'],
    ['OPTIONS  SIP/2.0', 'empty request-URI'],
    [`OPTIONS sip:${'a'.repeat(9000)} SIP/2.0`, 'request line of more than 8192 bytes'],
  ] as const) {
    test(`"${line.slice(0, 40)}": ${defect}`, () => {
      assert.equal(parseMessage(lines(line, ...BASE))?.defect, defect);
    });
  }
});

describe('headers', () => {
  test('names are found in compact form, any letter case, and with blanks before the colon', () => {
    const text = lines(
      'OPTIONS sip:b@example.com SIP/2.0',
      'v : SIP/2.0/UDP a.example.com;branch=z9hG4bK1',
      'F\t: <sip:a@example.com>;tag=1',
      'tO: <sip:b@example.com>;tag=2',
      'i:c1',
      'CSEQ:7 OPTIONS',
      'S: subject',
      'K: 100rel',
      'MAX-forwards: 0068',
      'L: 0',
    );
    const message = parsed(text);
    assert.equal(message.defect, undefined);
    assert.deepEqual(
      [message.via?.branch, message.fromTag, message.toTag, message.callId, message.cseqNumber, message.maxForwards],
      ['z9hG4bK1', '1', '2', 'c1', 7, 68],
    );
    assert.deepEqual([message.header('Subject'), message.header('supported')], ['subject', '100rel']);
  });

  test('a folded header value is one value', () => {
    const message = parsed(
      lines(
        'OPTIONS sip:b@example.com SIP/2.0',
        'Via: SIP/2.0/UDP a.example.com\r\n ;branch=z9hG4bK1',
        'From:\r\n <sip:a@example.com>\r\n\t;tag=1',
        'To: <sip:b@example.com>',
        'Call-ID:\r\n  c1',
        'CSeq: 7\r\n OPTIONS',
        'Max-Forwards:\r\n 5',
        'Subject: one\r\n two\r\n\t three',
      ),
    );
    assert.equal(message.defect, undefined);
    assert.deepEqual([message.callId, message.cseqNumber, message.fromTag, message.maxForwards], ['c1', 7, '1', 5]);
    assert.equal(message.header('subject'), 'one two three');
    assert.equal(message.from, '<sip:a@example.com> ;tag=1');
    assert.equal(message.via?.branch, 'z9hG4bK1');
  });

  test('repeated fields are found by index, and counted', () => {
    const message = parsed(lines('OPTIONS sip:b@example.com SIP/2.0', ...BASE, 'X: 1', 'x : 2', 'XX: 3', 'X: '));
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => message.header('x', i)),
      ['1', '2', '', undefined],
    );
    assert.equal(message.headerCount('X'), 3);
    assert.equal([...message.fields()].length, BASE.length + 4);
  });

  test('a folded line that looks like a header is not one', () => {
    const message = parsed(lines('OPTIONS sip:b@example.com SIP/2.0', ...BASE, 'Subject: x\r\n Call-ID: other'));
    assert.equal(message.callId, 'c1');
    assert.equal(message.defect, undefined);
  });

  for (const [what, line, defect] of [
    ['From', 'f: <sip:x@example.com>', 'more than one From header'],
    ['To', 'To: <sip:x@example.com>', 'more than one To header'],
    ['Call-ID', 'i: c2', 'more than one Call-ID header'],
    ['CSeq', 'CSeq: 8 OPTIONS', 'more than one CSeq header'],
    ['Content-Length', 'l: 0\r\nContent-Length: 0', 'more than one Content-Length header'],
    ['Max-Forwards', 'Max-Forwards: 1\r\nMax-Forwards: 2', 'more than one Max-Forwards header'],
    ['no colon', 'what is this', 'a header line has no colon'],
    ['no name', ': value', 'a header line has no colon'],
  ] as const) {
    test(`${what}: ${defect}`, () => {
      assert.equal(parseMessage(lines('OPTIONS sip:b@example.com SIP/2.0', ...BASE, line))?.defect, defect);
    });
  }

  for (const [i, defect] of [
    'no Via header',
    'no From header',
    'no To header',
    'no Call-ID header',
    'no CSeq header',
  ].entries()) {
    test(defect, () => {
      const rest = BASE.filter((_, index) => index !== i);
      assert.equal(parseMessage(lines('OPTIONS sip:b@example.com SIP/2.0', ...rest))?.defect, defect);
    });
  }

  for (const [value, defect] of [
    ['x OPTIONS', 'malformed CSeq header'],
    ['36893488147419103232 OPTIONS', 'malformed CSeq header'],
    ['4294967296 OPTIONS', 'malformed CSeq header'],
    ['7 INVITE', 'CSeq method differs from the request line'],
    ['7 options', 'CSeq method differs from the request line'],
    ['7', 'CSeq method differs from the request line'],
  ] as const) {
    test(`CSeq "${value}": ${defect}`, () => {
      const rest = BASE.map((line) => (line.startsWith('CSeq') ? `CSeq: ${value}` : line));
      assert.equal(parseMessage(lines('OPTIONS sip:b@example.com SIP/2.0', ...rest))?.defect, defect);
    });
  }

  test('a blank before the first header name is a defect', () => {
    const message = parseMessage(lines('OPTIONS sip:b@example.com SIP/2.0', ' : x', ...BASE));
    assert.equal(message?.defect, 'the first header line begins with a blank');
    assert.equal([...(message?.fields() ?? [])].length, BASE.length);
  });

  test('more header lines than the limit are a defect', () => {
    const many = Array.from({ length: 600 }, (_, i) => `X-${i}: v`);
    assert.equal(
      parseMessage(lines('OPTIONS sip:b@example.com SIP/2.0', ...BASE, ...many))?.defect,
      'too many header fields',
    );
  });

  test('a header section without an end is a defect', () => {
    assert.equal(
      parseMessage(`OPTIONS sip:b@example.com SIP/2.0\r\n${BASE.join('\r\n')}\r\n`)?.defect,
      'headers do not end with an empty line',
    );
  });

  test('the positions of Timestamp and Proxy-Require are known', () => {
    const message = parsed(requestText({ headers: 'Timestamp: 54.21\r\nProxy-Require: a, b\r\n' }));
    assert.equal(message.text.slice(message.timestampLine, message.timestampEnd), 'Timestamp: 54.21');
    assert.equal(message.hasProxyRequire, true);
  });
});

describe('tags', () => {
  for (const [value, tag] of [
    ['<sip:a@example.com>;tag=x1', 'x1'],
    ['<sip:a@example.com>; TAG = x1 ;other=2', 'x1'],
    ['sip:a@example.com;tag=x1', 'x1'],
    ['sip:a@example.com', ''],
    ['<sip:a@example.com;tag=uri>', ''],
    ['"tag=no; <x>;tag=no" <sip:a@example.com>;tag=yes', 'yes'],
    ['"escaped \\" ;tag=no" <sip:a@example.com>;x=1;tag=yes', 'yes'],
    ['<sip:a@example.com>;tagx=no;tag=yes', 'yes'],
    ['<sip:a@example.com>;tag', ''],
    ['<sip:a@example.com', ''],
  ] as const) {
    test(`From: ${value}`, () => {
      const rest = BASE.map((line) => (line.startsWith('From') ? `From: ${value}` : line));
      assert.equal(parsed(lines('OPTIONS sip:b@example.com SIP/2.0', ...rest)).fromTag, tag);
    });
  }
});

describe('body', () => {
  const head = (length: string) => `OPTIONS sip:b@example.com SIP/2.0\r\n${BASE.join('\r\n')}\r\n${length}\r\n`;

  test('ends at Content-Length; later bytes are not part of the message', () => {
    const message = parsed(`${head('Content-Length: 3\r\n')}abcdef`);
    assert.deepEqual([message.body, message.defect], ['abc', undefined]);
  });

  test('without Content-Length extends to the end of a datagram', () => {
    assert.equal(parsed(`${head('')}abcdef`).body, 'abcdef');
    assert.equal(parseMessage(`${head('')}abcdef`, false)?.defect, 'no Content-Length header on a stream');
  });

  test('shorter than Content-Length is a defect', () => {
    assert.equal(parseMessage(`${head('Content-Length: 7\r\n')}abcdef`)?.defect, 'body shorter than Content-Length');
  });

  for (const value of ['-1', '3, 4', 'x', '', '1234567890', '3 4']) {
    test(`Content-Length "${value}" is malformed`, () => {
      assert.equal(
        parseMessage(`${head(`Content-Length: ${value}\r\n`)}abc`)?.defect,
        'malformed Content-Length header',
      );
    });
  }

  test('may contain empty lines and CRLFs', () => {
    assert.equal(parsed(`${head('l: 8\r\n')}a\r\n\r\nb\r\n`).body, 'a\r\n\r\nb\r\n');
  });
});

describe('Max-Forwards', () => {
  for (const [value, wanted] of [
    ['70', 70],
    ['0', 0],
    ['256', 256],
    ['', Number.NaN],
    ['-1', Number.NaN],
    ['7x', Number.NaN],
    ['99999999999', Number.NaN],
  ] as const) {
    test(`"${value}"`, () => assert.equal(parsed(requestText({ maxForwards: value })).maxForwards, wanted));
  }
  test('a message without Max-Forwards has -1', () =>
    assert.equal(parsed(requestText({ maxForwards: null })).maxForwards, -1));
});

test('unfold leaves a line alone and joins several', () => {
  assert.equal(unfold('a  b'), 'a  b');
  assert.equal(unfold('a \r\n \t b\r\n\tc'), 'a b c');
});

test('property: every header that was written is found, with its value', () => {
  const name = fc.stringMatching(/^[A-Z][A-Za-z0-9-]{2,12}$/).map((each) => `X-${each}`);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
  const blanks = fc.constantFrom('', ' ', '\t', '  ', '\r\n ');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value, blanks), { maxLength: 20 }), (headers) => {
      const text = requestText({ headers: headers.map(([n, v, b]) => `${n}${b.trim()}:${b}${v}\r\n`).join('') });
      const message = parsed(text);
      assert.equal(message.defect, undefined);
      for (const [n] of headers) {
        const wanted = headers.filter(([each]) => each.toLowerCase() === n.toLowerCase()).map(([, v]) => v);
        const found = wanted.map((_, i) => message.header(n.toUpperCase(), i));
        assert.deepEqual(found, wanted);
        assert.equal(message.headerCount(n), wanted.length);
      }
    }),
    { numRuns: 200 },
  );
});

test('only white space of SIP is removed around values: the last byte of a text in UTF-8 remains', () => {
  // The last letter of each is D0 A0 or C3 A0 as bytes.
  const [er, voila] = ['\xd0\xa0', 'voil\xc3\xa0'];
  const text = `INVITE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=${er}\r\nTo: ${voila}\r\nCall-ID: 1\r\nX-Name: \t${er} \r\nX-Name: ${voila}\r\n\r\n`;
  const message = parseMessage(text);
  assert.deepEqual(message?.headers('x-name'), [er, voila]);
  assert.equal(message.header('x-name', 1), voila);
  assert.deepEqual([message.to, message.fromTag], [voila, er]);
});
