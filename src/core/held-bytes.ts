/**
 * A buffer for bytes that were received but not used yet. It grows by doubling, so that adding a byte takes constant
 * time on average.
 */
export class HeldBytes {
  private memory: Buffer = Buffer.allocUnsafeSlow(SMALLEST);
  private start = 0;
  private end = 0;
  private view: Buffer | undefined;

  /** Number of bytes held. */
  get length(): number {
    return this.end - this.start;
  }

  /** All bytes; valid until the next `add`. */
  get bytes(): Buffer {
    this.view ??= this.memory.subarray(this.start, this.end);
    return this.view;
  }

  /** Appends a copy of a chunk. */
  add(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.memory.length) this.makeRoom(chunk.length);
    this.memory.set(chunk, this.end);
    this.end += chunk.length;
    this.view = undefined;
  }

  /** Removes the first `count` bytes. */
  drop(count: number): void {
    this.start += Math.min(count, this.length);
    this.view = undefined;
    if (this.start < this.end) return;
    this.start = this.end = 0;
    // After a long request, the large memory is released.
    if (this.memory.length > LARGEST_KEPT) this.memory = Buffer.allocUnsafeSlow(SMALLEST);
  }

  /** The byte at an index; -1 beyond the end. */
  at(index: number): number {
    return index < this.length ? (this.memory[this.start + index] as number) : -1;
  }

  /** The index of a byte from `from` on; -1 if there is none. */
  indexOf(byte: number, from: number): number {
    const { memory, start, end } = this;
    const near = Math.min(end, start + from + NEAR);
    for (let at = start + from; at < near; at++) if (memory[at] === byte) return at - start;
    if (near === end) return -1;
    const found = memory.subarray(0, end).indexOf(byte, near);
    return found < 0 ? -1 : found - start;
  }

  /** The bytes between two indexes as latin1. */
  text(from: number, to: number): string {
    const { memory } = this;
    const first = this.start + from;
    const end = this.start + Math.min(to, this.length);
    if (end - first > SHORT) return memory.toString('latin1', first, end);
    let text = '';
    for (let at = first; at < end; at++) text += String.fromCharCode(memory[at] as number);
    return text;
  }

  /** The bytes between two indexes as UTF-8. */
  utf8(from: number, to: number): string {
    const text = to - from > SHORT ? '' : this.text(from, to);
    return text === '' || NOT_ASCII.test(text) ? this.bytes.toString('utf8', from, to) : text;
  }

  private makeRoom(count: number): void {
    const { memory, length } = this;
    const wanted = length + count;
    // Moving the bytes to the front pays only if that frees as much as is moved; otherwise the memory is enlarged.
    const into = wanted * 2 <= memory.length ? memory : Buffer.allocUnsafeSlow(Math.max(2 * memory.length, wanted));
    memory.copy(into, 0, this.start, this.end);
    this.memory = into;
    this.start = 0;
    this.end = length;
  }
}

/** Distance up to which a loop is faster than a call of indexOf. */
const NEAR = 64;
/** Length up to which a loop is faster than a call of latin1Slice. */
const SHORT = 24;
const NOT_ASCII = /[\x80-\xff]/;
const SMALLEST = 256;
const LARGEST_KEPT = 65_536;
