import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  BinrpcFault,
  type BinrpcRecord,
  MAX_PACKET_BODY,
  RecordReader,
  readPacket,
} from '../../../../src/management/rpc/binrpc-decode.js';
import { encodeFault, encodeReply, encodeRequest, packetHeader } from '../../../../src/management/rpc/binrpc-encode.js';
import { double, list, type RpcValue, struct, valuesResult } from '../../../../src/management/rpc/value.js';

const pause = async (): Promise<void> => {};

/** All records of a complete packet. */
function recordsOf(bytes: Buffer): BinrpcRecord[] {
  const packet = readPacket(bytes);
  assert.equal(packet.kind, 'packet');
  assert(packet.kind === 'packet');
  assert.equal(packet.size, bytes.length);
  const reader = new RecordReader(packet.body);
  const records: BinrpcRecord[] = [];
  while (!reader.done) records.push(reader.next());
  return records;
}

describe('recorded bytes', () => {
  test('numbers take as few bytes as hold them, negative ones four', async () => {
    const reply = await encodeReply(0x12345678, valuesResult(0, 1, 255, 256, 65536, 0x1000000, -1), pause);
    assert.equal(
      reply.subarray(7).toString('hex'),
      '00' + '1001' + '10ff' + '200100' + '30010000' + '4001000000' + '40ffffffff',
    );
  });

  test('the length of a long string is in bytes of its own', async () => {
    const reply = await encodeReply(1, valuesResult('abcdef', 'abcdefg', 'x'.repeat(300)), pause);
    assert.ok(reply.includes(Buffer.from('71' + '61626364656600', 'hex')));
    assert.ok(reply.includes(Buffer.from('9108' + '6162636465666700', 'hex')));
    assert.ok(reply.includes(Buffer.from('a1012d' + '7878', 'hex')));
  });

  test('a double is a number of thousandths, cut off; null is a text; a double without fraction stays a double', async () => {
    const reply = await encodeReply(1, valuesResult(double(0.9996), double(0), null, 2.5), pause);
    assert.equal(
      reply.subarray(4).toString('hex'),
      `2203e7${'02'}910e${Buffer.from('<null string>\0').toString('hex')}2209c4`,
    );
  });

  test('cookies are answered in as few bytes as hold them', () => {
    assert.equal(packetHeader(1, 0x7f, 0x21).toString('hex'), 'a110217f');
    assert.equal(packetHeader(3, 0, 0x23).toString('hex'), 'a1302300');
    assert.equal(packetHeader(1, 0x7f8c90d7, 0x120).toString('hex'), 'a11701207f8c90d7');
  });

  test('the recorded bytes of a BINRPC fault are reproduced', () => {
    assert.equal(
      encodeFault(0x1ce3203c, 500, 'State Update Failed').toString('hex'),
      'a133191ce3203c2001f49114537461746520557064617465204661696c656400',
    );
  });
});

const leaf: fc.Arbitrary<RpcValue> = fc.oneof(
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  fc.string({ unit: 'grapheme', maxLength: 400 }).map((text) => text.replaceAll('\0', '.')),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((thousandths) => double(thousandths / 1000)),
);
const name = fc.stringMatching(/^[A-Za-z_]{1,12}$/);
const value = fc.letrec<{ value: RpcValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((members) => struct(...members)),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((items) => list(items)),
  ),
})).value;

/** The records that reading returns for a written value. */
function expected(written: RpcValue): BinrpcRecord {
  if (typeof written === 'number') return { type: 'int', value: written };
  if (typeof written === 'string') return { type: 'string', value: written };
  if (written === null) return { type: 'string', value: '<null string>' };
  if (written.kind === 'double') return { type: 'double', value: Math.trunc(written.value * 1000) / 1000 };
  assert.ok(written.kind === 'struct' || written.kind === 'list');
  const members = written.kind === 'struct' ? written.members : written.items;
  return { type: 'struct', members: members.map(([key, inner]) => [key, expected(inner)] as const) };
}

describe('codec', () => {
  test('a packet is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.array(value, { maxLength: 5 }), (cookie, values) => {
        const bytes = encodeRequest(cookie, 'core.echo', values);
        const packet = readPacket(bytes);
        assert.ok(packet.kind === 'packet' && packet.cookie === cookie);
        assert.deepEqual(recordsOf(bytes), [{ type: 'string', value: 'core.echo' }, ...values.map(expected)]);
      }),
      { numRuns: 200 },
    );
  });

  test('malformed packets are refused without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, headed) => {
        const buffer = headed ? Buffer.concat([packetHeader(0, 5, bytes.length), bytes]) : Buffer.from(bytes);
        const packet = readPacket(buffer);
        if (packet.kind !== 'packet') return;
        const reader = new RecordReader(packet.body);
        for (let i = 0; !reader.done; i++) {
          assert.ok(i <= bytes.length);
          try {
            reader.next();
          } catch (error) {
            assert.ok(error instanceof BinrpcFault);
            return;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a packet that arrives byte by byte is read', () => {
    const bytes = encodeRequest(77, 'dispatcher.list', ['short']);
    for (let i = 0; i < bytes.length; i++) assert.equal(readPacket(bytes.subarray(0, i)).kind, 'more');
    assert.equal(readPacket(bytes).kind, 'packet');
  });

  test('a length above the limit is refused before its bytes arrive', () => {
    const packet = readPacket(packetHeader(0, 9, MAX_PACKET_BODY + 1));
    assert.deepEqual(packet, {
      kind: 'bad',
      reason: `its ${MAX_PACKET_BODY + 1} bytes are more than ${MAX_PACKET_BODY}`,
      cookie: 9,
    });
  });

  test('nesting in BINRPC is limited', () => {
    const deep = (levels: number) => new RecordReader(Buffer.from('04'.repeat(levels) + '84'.repeat(levels), 'hex'));
    assert.equal(deep(32).next().type, 'array');
    assert.throws(() => deep(33).next(), BinrpcFault);
    assert.throws(() => deep(60_000).next(), BinrpcFault);
  });
});
