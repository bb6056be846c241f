import type { RpcList, RpcMember, RpcResult, RpcStruct, RpcStructs, RpcValue } from './value.js';

/** Types of BINRPC records: the lower four bits of a record's first byte. */
export const RECORD = { int: 0, string: 1, double: 2, struct: 3, array: 4, name: 5, bytes: 6 } as const;
/** Types of packets: the upper four bits of a packet's second byte. */
export const PACKET = { request: 0, reply: 1, fault: 3 } as const;
/** Magic number 0xA and version 1. */
export const MAGIC = 0xa1;

/** How null is written, which BINRPC does not have (recorded). */
const NULL_TEXT = '<null string>';
/** Records written between two yields. */
const SLICE = 4000;

/** A growing buffer of records. */
class BinrpcBody {
  private bytes = Buffer.allocUnsafe(1024);
  private length = 0;
  /** Number of records. */
  records = 0;

  /** The records so far; what is written next reuses the buffer. */
  take(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Writes a 32-bit integer in two's complement, in as few bytes as possible; a larger number is written as text. */
  int(value: number): void {
    if (!Number.isInteger(value) || value < -0x80000000 || value > 0xffffffff) this.string(String(value));
    else this.number(RECORD.int, value);
  }

  /** Writes thousandths; further digits are cut off. */
  double(value: number): void {
    const thousandths = Math.trunc(value * 1000);
    const bounded = Number.isNaN(thousandths) ? 0 : Math.max(-0x80000000, Math.min(0x7fffffff, thousandths));
    this.number(RECORD.double, bounded);
  }

  /** Writes a text. */
  string(text: string): void {
    this.text(RECORD.string, text);
  }

  /** Writes a member of a structure: name and value. */
  member([name, value]: RpcMember): void {
    this.text(RECORD.name, name);
    this.value(value);
  }

  /** Writes a value at once. */
  value(value: RpcValue): void {
    for (const _ of this.steps(value)) {
      // Runs the generator to its end.
    }
  }

  /** Writes a value; yields now and then, so that a long one can be written in slices. */
  *steps(value: RpcValue): Generator<void> {
    if (++this.records % SLICE === 0) yield;
    if (value === null) this.string(NULL_TEXT);
    else if (typeof value === 'number') {
      if (Number.isInteger(value)) this.int(value);
      else this.double(value);
    } else if (typeof value === 'string') this.string(value);
    else if (value.kind === 'double') this.double(value.value);
    else {
      this.byte(RECORD.struct);
      for (const [name, inner] of membersOf(value)) {
        this.text(RECORD.name, name);
        if (typeof inner === 'object' && inner !== null) yield* this.steps(inner);
        else this.value(inner);
      }
      this.byte(0x80 | RECORD.struct);
    }
  }

  private number(type: number, value: number): void {
    const word = value >>> 0;
    const size = bytesOf(word);
    this.byte((size << 4) | type);
    this.bigEndian(word, size);
  }

  private text(type: number, text: string): void {
    // The length includes the final zero byte.
    const length = Buffer.byteLength(text, 'utf8') + 1;
    if (length < 8) this.byte((length << 4) | type);
    else {
      const size = bytesOf(length);
      this.byte(0x80 | (size << 4) | type);
      this.bigEndian(length, size);
    }
    this.reserve(length);
    this.bytes.write(text, this.length, 'utf8');
    this.length += length;
    this.bytes[this.length - 1] = 0;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  private bigEndian(value: number, size: number): void {
    this.reserve(size);
    for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) this.bytes[this.length++] = (value >>> shift) & 0xff;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Number of bytes for an unsigned 32-bit number; 0 for 0. */
function bytesOf(value: number): number {
  if (value === 0) return 0;
  if (value < 0x100) return 1;
  if (value < 0x10000) return 2;
  return value < 0x1000000 ? 3 : 4;
}

/**
 * The header of a packet with a body of `length` bytes. Length and cookie have as few bytes as possible, at least one.
 */
export function packetHeader(type: number, cookie: number, length: number): Buffer {
  const lengthBytes = Math.max(1, bytesOf(length));
  const cookieBytes = Math.max(1, bytesOf(cookie));
  const header = Buffer.alloc(2 + lengthBytes + cookieBytes);
  header[0] = MAGIC;
  header[1] = (type << 4) | ((lengthBytes - 1) << 2) | (cookieBytes - 1);
  header.writeUIntBE(length, 2, lengthBytes);
  header.writeUIntBE(cookie >>> 0, 2 + lengthBytes, cookieBytes);
  return header;
}

/** A packet with these records as body. */
function packet(type: number, cookie: number, body: BinrpcBody): Buffer {
  const bytes = body.take();
  return Buffer.concat([packetHeader(type, cookie, bytes.length), bytes]);
}

/** A request; integers are sent as such. */
export function encodeRequest(cookie: number, method: string, args: readonly RpcValue[] = []): Buffer {
  const body = new BinrpcBody();
  body.string(method);
  for (const arg of args) body.value(arg);
  return packet(PACKET.request, cookie, body);
}

/** An answer, written in slices: `pause` is awaited between them. */
export async function encodeReply(cookie: number, result: RpcResult, pause: () => Promise<void>): Promise<Buffer> {
  const body = new BinrpcBody();
  if (result.kind === 'text') body.string(result.text);
  else {
    for (const value of result.values) for (const _ of body.steps(value)) await pause();
  }
  return packet(PACKET.reply, cookie, body);
}

/** An error answer with code and text. */
export function encodeFault(cookie: number, code: number, message: string): Buffer {
  const body = new BinrpcBody();
  body.int(code);
  body.string(message);
  return packet(PACKET.fault, cookie, body);
}

function membersOf(value: RpcStruct | RpcList | RpcStructs): readonly RpcMember[] {
  if (value.kind === 'struct') return value.members;
  return value.kind === 'list' ? value.items : value.structs.flatMap(({ members }) => members);
}
