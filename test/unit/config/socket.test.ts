import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseHostPort, parseSocket, socketKey } from '../../../src/config/socket.js';
import { SwitchyardError } from '../../../src/core/errors.js';

describe('socket descriptions', () => {
  test('[proto:]host[:port] is read, with defaults', () => {
    const cases: [string, string, string, number][] = [
      ['udp:127.0.0.1:5060', 'udp', '127.0.0.1', 5060],
      ['udp:192.168.1.100:5077', 'udp', '192.168.1.100', 5077],
      ['127.0.0.1', 'udp', '127.0.0.1', 5060],
      ['localhost:5080', 'udp', 'localhost', 5080],
      ['tcp:[::1]:5060', 'tcp', '::1', 5060],
      ['[2001:db8::1]', 'udp', '2001:db8::1', 5060],
      ['tls:sip.example', 'tls', 'sip.example', 5061],
      ['ws:0.0.0.0', 'ws', '0.0.0.0', 80],
      ['WSS:h', 'wss', 'h', 443],
      ['udp:127.0.0.1:0', 'udp', '127.0.0.1', 0],
    ];
    for (const [text, transport, host, port] of cases) {
      assert.deepEqual(parseSocket(text), { transport, host, port, text });
    }
  });

  test('a socket description may have a name', () => {
    const socket = parseSocket('udp:10.0.0.1:5060 as 203.0.113.7:5062 name "Edge-1"');
    assert.deepEqual([socket.name, socket.host, socket.advertise?.port], ['Edge-1', '10.0.0.1', 5062]);
    assert.equal(parseSocket('tcp:10.0.0.1 name edge').name, 'edge');
    assert.throws(() => parseSocket('udp:10.0.0.1 name a b'), /bad/);
  });

  test('a socket description may have an advertised address', () => {
    assert.deepEqual(parseSocket('udp:10.0.0.1:5060 as 203.0.113.7:5070').advertise, {
      host: '203.0.113.7',
      port: 5070,
    });
    assert.deepEqual(parseSocket('tcp:10.0.0.1:5062  AS  sip.example').advertise, { host: 'sip.example', port: 5062 });
    assert.deepEqual(parseSocket('tcp:10.0.0.1 as [2001:db8::7]').advertise, { host: '2001:db8::7', port: 5060 });
  });

  test('malformed socket descriptions are refused', () => {
    const bad =
      '|udp:|udp:1.2.3.4:99999|udp:1.2.3.4:x|udp:1.2.3|::1|udp:::1|udp:[::1|udp:[::1]5060|upd:1.2.3.4:5060|udp:5060|*:5060';
    for (const text of [
      ...bad.split('|'),
      'udp:a b',
      'udp:1.2.3.4:5060 as',
      'udp:h as x as y',
      'udp:h as h:0',
      'udp:-a',
    ]) {
      assert.throws(() => parseSocket(text), SwitchyardError, text);
    }
    assert.throws(() => parseSocket('upd:1.2.3.4:5060'), /did you mean "udp"/);
    assert.throws(() => parseSocket('udp:::1'), /needs brackets/);
  });

  test('two descriptions of the same socket have the same key', () => {
    assert.equal(socketKey(parseSocket('127.0.0.1')), socketKey(parseSocket('udp:127.0.0.1:5060')));
    assert.equal(socketKey(parseSocket('tls:[::1]')), 'tls:[::1]:5061');
  });

  test('any text gives a description or the documented error', () => {
    const token = fc.constantFrom(
      'udp',
      'tcp',
      ':',
      '[',
      ']',
      '::1',
      '127.0.0.1',
      '5060',
      ' as ',
      'host',
      ' ',
      '99999',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token).map((each) => each.join('')),
        ),
        (text) => {
          try {
            const socket = parseSocket(text);
            assert.ok(socket.port >= 0 && socket.port <= 65535);
            assert.deepEqual(socketKey(parseSocket(socketKey(socket))), socketKey(socket));
          } catch (error) {
            assert.ok(error instanceof SwitchyardError && error.code === 'CONFIG_INVALID', String(error));
          }
        },
      ),
    );
  });
});

test('a host is read with a port and without one', () => {
  assert.deepEqual(parseHostPort('127.0.0.1:8085'), { host: '127.0.0.1', port: 8085 });
  assert.deepEqual(parseHostPort('[::]:80'), { host: '::', port: 80 });
  assert.deepEqual(parseHostPort('h'), { host: 'h', port: undefined });
});

test('an error about a URL written in the place of a socket does not show its password', () => {
  for (const text of [
    'postgres://u:hunter2@h:99999/d',
    'udp:u:hunter2@h',
    'u:hunter2@[::1',
    'nats://u:hunter2@h as x:y',
    'udp:h as u:hunter2@h:1',
    '[::1]hunter2@h',
    'hunter2@h',
    'http://u:hunter2@h origins same',
    'ws:h origins http://u:hunter2@h',
    'udp:h:0 as a as u:hunter2@h',
  ]) {
    assert.throws(
      () => parseSocket(text),
      (error) => error instanceof SwitchyardError && !error.message.includes('hunter2'),
      text,
    );
  }
});
