import { MAGIC, RECORD } from './binrpc-encode.js';

/** The longest body of a request that is taken in. */
export const MAX_PACKET_BODY = 64 * 1024;
/** Nesting of structures beyond this is refused. */
const MAX_DEPTH = 32;

/** What a buffer begins with. */
export type PacketRead =
  /** Not whole yet. */
  | { readonly kind: 'more' }
  /** No packet, or one too long. The cookie is that of the header, 0 where there is none to be trusted. */
  | { readonly kind: 'bad'; readonly reason: string; readonly cookie: number }
  | {
      readonly kind: 'packet';
      readonly type: number;
      readonly cookie: number;
      readonly body: Buffer;
      /** Bytes of the whole packet. */
      readonly size: number;
    };

/** One record, as it came. A structure's members and an array's items are records; names stand in `members`. */
export type BinrpcRecord =
  | { readonly type: 'int' | 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'struct'; readonly members: readonly (readonly [name: string, value: BinrpcRecord])[] }
  | { readonly type: 'array'; readonly items: readonly BinrpcRecord[] };

/** What is wrong with a body, in the words of the original where there are any. */
export class BinrpcFault extends Error {}

const MORE_DATA = 'more data needed';
const CORRUPTED = 'corrupted packet';

/** Looks at the packet `bytes` begin with. Never throws. */
export function readPacket(bytes: Buffer, maxBody = MAX_PACKET_BODY): PacketRead {
  if (bytes.length >= 1 && bytes[0] !== MAGIC) return { kind: 'bad', reason: 'it is no BINRPC packet', cookie: 0 };
  if (bytes.length < 2) return { kind: 'more' };
  const second = bytes[1] as number;
  const lengthBytes = ((second >> 2) & 3) + 1;
  const cookieBytes = (second & 3) + 1;
  const start = 2 + lengthBytes + cookieBytes;
  if (bytes.length < start) return { kind: 'more' };
  const length = bytes.readUIntBE(2, lengthBytes);
  const cookie = bytes.readUIntBE(2 + lengthBytes, cookieBytes);
  if (length > maxBody) return { kind: 'bad', reason: `its ${length} bytes are more than ${maxBody}`, cookie };
  if (bytes.length < start + length) return { kind: 'more' };
  return {
    kind: 'packet',
    type: second >> 4,
    cookie,
    body: bytes.subarray(start, start + length),
    size: start + length,
  };
}

/** Reads the records of a body one by one, so that the good ones before a bad one can be used. */
export class RecordReader {
  private at = 0;

  constructor(private readonly body: Buffer) {}

  /** Whether all of the body has been read. */
  get done(): boolean {
    return this.at >= this.body.length;
  }

  /** The next record. Throws BinrpcFault when there is none or it is malformed. */
  next(): BinrpcRecord {
    if (this.done) throw new BinrpcFault('end of packet encountered');
    return this.record(0);
  }

  private record(depth: number): BinrpcRecord {
    const first = this.byte();
    const type = first & 0x0f;
    if (type === RECORD.struct || type === RECORD.array) {
      if ((first & 0x80) !== 0 || depth >= MAX_DEPTH) throw new BinrpcFault(CORRUPTED);
      return type === RECORD.struct ? this.struct(depth + 1) : this.array(depth + 1);
    }
    const content = this.content(first);
    switch (type) {
      case RECORD.int:
        return { type: 'int', value: signed(content) };
      case RECORD.double:
        return { type: 'double', value: signed(content) / 1000 };
      case RECORD.string:
        return { type: 'string', value: text(content) };
      case RECORD.bytes:
        return { type: 'bytes', value: content };
      default:
        throw new BinrpcFault("record doesn't match type");
    }
  }

  private struct(depth: number): BinrpcRecord {
    const members: (readonly [string, BinrpcRecord])[] = [];
    for (;;) {
      const first = this.byte();
      if (first === (0x80 | RECORD.struct)) return { type: 'struct', members };
      if ((first & 0x0f) !== RECORD.name) throw new BinrpcFault(CORRUPTED);
      const name = text(this.content(first));
      members.push([name, this.record(depth)]);
    }
  }

  private array(depth: number): BinrpcRecord {
    const items: BinrpcRecord[] = [];
    for (;;) {
      if (this.body[this.at] === (0x80 | RECORD.array)) {
        this.at++;
        return { type: 'array', items };
      }
      items.push(this.record(depth));
    }
  }

  /** The bytes of a record whose first byte has been read. */
  private content(first: number): Buffer {
    let size = (first >> 4) & 7;
    if ((first & 0x80) !== 0) {
      if (size === 0 || size > 4) throw new BinrpcFault(CORRUPTED);
      if (this.at + size > this.body.length) throw new BinrpcFault(MORE_DATA);
      const length = this.body.readUIntBE(this.at, size);
      this.at += size;
      size = length;
    }
    if (this.at + size > this.body.length) throw new BinrpcFault(MORE_DATA);
    const content = this.body.subarray(this.at, this.at + size);
    this.at += size;
    return content;
  }

  private byte(): number {
    const value = this.body[this.at];
    if (value === undefined) throw new BinrpcFault(MORE_DATA);
    this.at++;
    return value;
  }
}

/** Two's complement of 32 bits; shorter ones are positive. */
function signed(content: Buffer): number {
  if (content.length > 4) throw new BinrpcFault(CORRUPTED);
  return content.length === 0 ? 0 : content.readUIntBE(0, content.length) | 0;
}

/** Strings carry their terminating zero; one without is taken too. */
function text(content: Buffer): string {
  const end = content.at(-1) === 0 ? content.length - 1 : content.length;
  return content.toString('utf8', 0, end);
}
