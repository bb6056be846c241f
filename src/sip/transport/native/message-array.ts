import type { Libc } from './libc.js';

/** sizeof(struct mmsghdr) and sizeof(struct iovec) on 64-bit Linux; msg_len follows the msghdr. */
const HEADER_BYTES = 64;
const LENGTH_OFFSET = 56;
const IOVEC_BYTES = 16;

/** Memory for the datagrams of one recvmmsg or sendmmsg call: each slot has space for an address and a message. */
export class MessageArray {
  /** Address of the first struct mmsghdr. */
  readonly address: bigint;
  /** The messages of all slots, `slotBytes` each. */
  readonly data: Buffer;
  /** The socket addresses of all slots, `nameBytes` each. */
  readonly names: Buffer;
  private readonly headers: Uint32Array;
  private readonly vectors: Uint32Array;

  constructor(
    libc: Libc,
    readonly count: number,
    readonly slotBytes: number,
    readonly nameBytes: number,
  ) {
    const headers = libc.allocate(count * HEADER_BYTES);
    const vectors = libc.allocate(count * IOVEC_BYTES);
    const names = libc.allocate(count * nameBytes);
    const data = libc.allocate(count * slotBytes);
    for (let i = 0; i < count; i++) {
      vectors.bytes.writeBigUInt64LE(data.address + BigInt(i * slotBytes), i * IOVEC_BYTES);
      vectors.bytes.writeBigUInt64LE(BigInt(slotBytes), i * IOVEC_BYTES + 8);
      const at = i * HEADER_BYTES;
      headers.bytes.writeBigUInt64LE(names.address + BigInt(i * nameBytes), at);
      headers.bytes.writeUInt32LE(nameBytes, at + 8);
      headers.bytes.writeBigUInt64LE(vectors.address + BigInt(i * IOVEC_BYTES), at + 16);
      headers.bytes.writeBigUInt64LE(1n, at + 24);
    }
    this.address = headers.address;
    this.headers = new Uint32Array(headers.bytes.buffer, headers.bytes.byteOffset, (count * HEADER_BYTES) / 4);
    this.vectors = new Uint32Array(vectors.bytes.buffer, vectors.bytes.byteOffset, (count * IOVEC_BYTES) / 4);
    this.names = names.bytes;
    this.data = data.bytes;
  }

  /** Address of a slot's struct mmsghdr. */
  from(index: number): bigint {
    return index === 0 ? this.address : this.address + BigInt(index * HEADER_BYTES);
  }

  /** Number of bytes that the system wrote into a slot. */
  received(index: number): number {
    return this.headers[(index * HEADER_BYTES + LENGTH_OFFSET) / 4] as number;
  }

  /** Prepares a slot for receiving, since the system overwrites the length of the address. */
  prepare(index: number): void {
    this.headers[(index * HEADER_BYTES + 8) / 4] = this.nameBytes;
  }

  /** Sets the length of a slot's address. */
  setNameLength(index: number, bytes: number): void {
    this.headers[(index * HEADER_BYTES + 8) / 4] = bytes;
  }

  /** Sets the number of bytes to send. */
  setLength(index: number, bytes: number): void {
    this.vectors[(index * IOVEC_BYTES + 8) / 4] = bytes;
  }
}
