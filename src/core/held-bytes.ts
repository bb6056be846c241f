/**
 * Bytes that were read and are not used yet. They stand in one memory that grows by doubling, so that a byte costs the same whatever is
 * held already.
 */
export class HeldBytes {
  private memory: Buffer = Buffer.allocUnsafeSlow(SMALLEST);
  private start = 0;
  private end = 0;
  private view: Buffer | undefined;

  /** How many are held. */
  get length(): number {
    return this.end - this.start;
  }

  /** All of them, until the next `add`. */
  get bytes(): Buffer {
    this.view ??= this.memory.subarray(this.start, this.end);
    return this.view;
  }

  /** Appends a copy of what was read. */
  add(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.memory.length) this.makeRoom(chunk.length);
    this.memory.set(chunk, this.end);
    this.end += chunk.length;
    this.view = undefined;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.start += Math.min(count, this.length);
    this.view = undefined;
    if (this.start < this.end) return;
    this.start = this.end = 0;
    // A long request leaves no long memory behind.
    if (this.memory.length > LARGEST_KEPT) this.memory = Buffer.allocUnsafeSlow(SMALLEST);
  }

  /** The byte at a position; -1 beyond the last one. */
  at(index: number): number {
    return index < this.length ? (this.memory[this.start + index] as number) : -1;
  }

  /** Where a byte stands first from `from` on; -1 where it does not. */
  indexOf(byte: number, from: number): number {
    const { memory, start, end } = this;
    const near = Math.min(end, start + from + NEAR);
    for (let at = start + from; at < near; at++) if (memory[at] === byte) return at - start;
    if (near === end) return -1;
    const found = memory.subarray(0, end).indexOf(byte, near);
    return found < 0 ? -1 : found - start;
  }

  /** The bytes between two positions, one character each. */
  text(from: number, to: number): string {
    const { memory } = this;
    const first = this.start + from;
    const end = this.start + Math.min(to, this.length);
    if (end - first > SHORT) return memory.toString('latin1', first, end);
    let text = '';
    for (let at = first; at < end; at++) text += String.fromCharCode(memory[at] as number);
    return text;
  }

  /** The text in UTF-8 between two positions. */
  utf8(from: number, to: number): string {
    const text = to - from > SHORT ? '' : this.text(from, to);
    return text === '' || NOT_ASCII.test(text) ? this.bytes.toString('utf8', from, to) : text;
  }

  private makeRoom(count: number): void {
    const { memory, length } = this;
    const wanted = length + count;
    // Moving the bytes to the front makes room only where that is as much as what is moved.
    const into = wanted * 2 <= memory.length ? memory : Buffer.allocUnsafeSlow(Math.max(2 * memory.length, wanted));
    memory.copy(into, 0, this.start, this.end);
    this.memory = into;
    this.start = 0;
    this.end = length;
  }
}

/** What is so near is found quicker without a call into the runtime. */
const NEAR = 64;
/** So are texts of so many bytes made. */
const SHORT = 24;
const NOT_ASCII = /[\x80-\xff]/;
const SMALLEST = 256;
const LARGEST_KEPT = 65_536;
