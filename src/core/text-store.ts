/** Bytes of one piece of memory. Texts are shorter. */
const CHUNK_BYTES = 65_536;
/** Pieces that are kept for reuse. */
const SPARE_CHUNKS = 4;

/** Memory outside the heap for some texts, released together. */
export class TextChunk {
  readonly bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** Bytes written. */
  used = 0;
  /** Texts in it that are still wanted. */
  wanted = 0;
  /** Grows when the memory is used for other texts. */
  generation = 0;
}

/**
 * Texts that are kept for seconds or minutes, outside the heap: the garbage collector would move each of them twice and look at it ever
 * after. Texts are released about in the order they came, so that memory is reused as a whole.
 */
export class TextStore {
  private current: TextChunk | undefined = undefined;
  private readonly spare: TextChunk[] = [];
  /** Pieces of memory in use. */
  chunks = 0;

  /** Keeps a text of one code unit a byte, of at most CHUNK_BYTES; it begins at `used` less its length. */
  put(text: string): TextChunk {
    let { current } = this;
    if (current === undefined || current.used + text.length > CHUNK_BYTES) current = this.next();
    current.bytes.write(text, current.used, text.length, 'latin1');
    current.used += text.length;
    current.wanted++;
    return current;
  }

  /** One text in it is no longer wanted. */
  release(chunk: TextChunk): void {
    if (--chunk.wanted > 0 || chunk === this.current) return;
    this.reuse(chunk);
  }

  private next(): TextChunk {
    const full = this.current;
    if (full !== undefined && full.wanted === 0) this.reuse(full);
    const chunk = this.spare.pop() ?? new TextChunk();
    this.chunks++;
    this.current = chunk;
    return chunk;
  }

  private reuse(chunk: TextChunk): void {
    chunk.generation++;
    chunk.used = 0;
    this.chunks--;
    if (this.spare.length < SPARE_CHUNKS) this.spare.push(chunk);
  }
}
