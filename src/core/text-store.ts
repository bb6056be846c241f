/** Size of a chunk. Texts must be shorter. */
const CHUNK_BYTES = 65_536;
/** Free chunks kept for reuse. */
const SPARE_CHUNKS = 4;

/** Memory outside the heap for several texts, which is reused when all of them are released. */
export class TextChunk {
  readonly bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** Bytes written. */
  used = 0;
  /** Number of its texts that are still needed. */
  wanted = 0;
  /** Incremented when the chunk is reused. */
  generation = 0;
}

/**
 * Keeps texts outside the heap for seconds or minutes, since the garbage collector would move each twice and scan it in
 * each full collection. Texts are released roughly in the order in which they came, so that whole chunks become free.
 */
export class TextStore {
  private current: TextChunk | undefined = undefined;
  private readonly spare: TextChunk[] = [];
  /** Number of chunks in use. */
  chunks = 0;

  /** Stores a text (latin1, at most CHUNK_BYTES); it ends at `used` of the returned chunk. */
  put(text: string): TextChunk {
    let { current } = this;
    if (current === undefined || current.used + text.length > CHUNK_BYTES) current = this.next();
    current.bytes.write(text, current.used, text.length, 'latin1');
    current.used += text.length;
    current.wanted++;
    return current;
  }

  /** Releases one text of a chunk. */
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
