import { MAGIC, RECORD } from './binrpc-encode.js';

/** Longest body of a request. */
export const MAX_PACKET_BODY = 64 * 1024;
/** Deepest nesting of structures. */
const MAX_DEPTH = 32;

/** The packet at the beginning of a buffer. */
export type PacketRead =
  /** Incomplete. */
  | { readonly kind: 'more' }
  /** Not a packet, or too long. The cookie is that of the header, or 0 if that cannot be trusted. */
  | { readonly kind: 'bad'; readonly reason: string; readonly cookie: number }
  | {
      readonly kind: 'packet';
      readonly type: number;
      readonly cookie: number;
      readonly body: Buffer;
      /** Length of the whole packet in bytes. */
      readonly size: number;
    };

/** A record. Members of a structure and items of an array are records; names are in `members`. */
export type BinrpcRecord =
  | { readonly type: 'int' | 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'struct'; readonly members: readonly (readonly [name: string, value: BinrpcRecord])[] }
  | { readonly type: 'array'; readonly items: readonly BinrpcRecord[] };

/** A fault in a body, in Kamailio's words if recorded. */
export class BinrpcFault extends Error {}

const MORE_DATA = 'more data needed';
const CORRUPTED = 'corrupted packet';

/** Reads the packet at the beginning of `bytes`. Never throws. */
export function readPacket(bytes: Buffer, maxBody = MAX_PACKET_BODY): PacketRead {
  if (bytes.length >= 1 && bytes[0] !== MAGIC) return { kind: 'bad', reason: 'it is not a BINRPC packet', cookie: 0 };
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

/** Reads the records of a body one by one, so that valid ones before an invalid one can be used. */
export class RecordReader {
  private at = 0;

  constructor(private readonly body: Buffer) {}

  /** Whether the whole body was read. */
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

  /** The content of a record whose first byte was read. */
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

/** A string ends with a zero byte; one without it is accepted too. */
function text(content: Buffer): string {
  const end = content.at(-1) === 0 ? content.length - 1 : content.length;
  return content.toString('utf8', 0, end);
}
