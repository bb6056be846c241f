import type { MessageRun } from '../../script/call.js';

/** A line of a body. */
export interface BodyLine {
  readonly text: string;
  /** Where it begins in the message, and where the next one does. */
  readonly start: number;
  readonly end: number;
}

interface Codec {
  readonly name: string;
  /** Empty where the line has none. */
  readonly clock: string;
}

/**
 * Streams of one body that are looked at: each has to be answered by the other side (RFC 3264 section 6), and no device has a hundred. Where
 * there are thousands, only to be looked through, those that follow stay as they are.
 */
const MOST_STREAMS = 1000;
const NO_CODECS: ReadonlyMap<string, Codec> = new Map();
const FEED = 10;
const RETURN = 13;

/**
 * An m line and what belongs to it (RFC 8866 section 5.14). Its lines and codecs are looked at when they are asked for: a body has
 * thousands of streams, or of lines, where somebody means harm.
 */
export class Stream {
  private list: readonly string[] | undefined;
  private found: ReadonlyMap<string, Codec> | undefined;

  /**
   * @param transport "RTP/AVP", "RTP/SAVPF" ...
   * @param head the m line
   * @param rest the m line from its payload types on
   * @param end where the last line of the stream ends in `text`
   */
  constructor(
    private readonly text: string,
    readonly media: string,
    readonly transport: string,
    readonly head: BodyLine,
    private readonly rest: string,
    readonly end: number,
  ) {}

  /** Its payload types, in order. */
  get payloads(): readonly string[] {
    this.list ??= words(this.rest);
    return this.list;
  }

  /** Its lines, the m line first. */
  get lines(): BodyLine[] {
    return linesBetween(this.text, this.head.start, this.end);
  }

  /** Its lines that begin with "a=". */
  get attributes(): BodyLine[] {
    const { start } = this.head;
    const lines: BodyLine[] = [];
    // A search in the whole text would go on to its end in each stream.
    const own = this.text.slice(start, this.end);
    for (let at = own.indexOf('\na='); at >= 0; ) {
      const line = lineAt(this.text, start + at + 1, this.end);
      lines.push(line);
      at = own.indexOf('\na=', line.end - 1 - start);
    }
    return lines;
  }

  /** Name and clock rate of payload types, as the first "a=rtpmap" line of each has them. */
  get codecs(): ReadonlyMap<string, Codec> {
    if (this.found === undefined) {
      let found: Map<string, Codec> | undefined;
      for (const line of this.attributes) {
        if (!line.text.startsWith('a=rtpmap:')) continue;
        const [, payload, name, clock = ''] = /^a=rtpmap:(\d+) ([^/\s]+)(?:\/(\d+))?/.exec(line.text) ?? [];
        if (payload !== undefined && name !== undefined && found?.has(payload) !== true) {
          found ??= new Map();
          found.set(payload, { name, clock });
        }
      }
      this.found = found ?? NO_CODECS;
    }
    return this.found;
  }

  /** The same with other payload types. */
  with(payloads: readonly string[]): Stream {
    const changed = new Stream(this.text, this.media, this.transport, this.head, '', this.end);
    changed.list = payloads;
    changed.found = this.found;
    return changed;
  }
}

/** What lies between white space. */
function words(text: string): string[] {
  // Splitting at one character is several times as fast as at an expression.
  const parts = /[^\S ]/.test(text) ? text.split(/\s+/) : text.split(' ');
  return parts.includes('') ? parts.filter((each) => each !== '') : parts;
}

/** The line that begins at `start`, without its line break. */
function lineAt(text: string, start: number, bodyEnd: number): BodyLine {
  const feed = text.indexOf('\n', start);
  const end = feed < 0 || feed >= bodyEnd ? bodyEnd : feed + 1;
  let last = end;
  if (last > start && text.charCodeAt(last - 1) === FEED) {
    last--;
    if (last > start && text.charCodeAt(last - 1) === RETURN) last--;
  }
  return { text: text.slice(start, last), start, end };
}

function linesBetween(text: string, start: number, end: number): BodyLine[] {
  const lines: BodyLine[] = [];
  for (let at = start; at < end; ) {
    const line = lineAt(text, at, end);
    lines.push(line);
    at = line.end;
  }
  return lines;
}

/** The lines of the body, without their line breaks. */
export function linesOf(run: MessageRun): BodyLine[] {
  const { text, bodyStart, bodyEnd } = run.message;
  return linesBetween(text, bodyStart, bodyEnd);
}

/** The first line of the body that begins so. */
export function lineStarting(run: MessageRun, start: string): BodyLine | undefined {
  const { text, bodyStart, bodyEnd } = run.message;
  if (start.includes('\n')) return undefined;
  if (bodyStart < bodyEnd && text.startsWith(start, bodyStart)) {
    const first = lineAt(text, bodyStart, bodyEnd);
    if (first.text.startsWith(start)) return first;
  }
  const wanted = `\n${start}`;
  for (let at = text.indexOf(wanted, bodyStart); at >= 0 && at < bodyEnd - 1; at = text.indexOf(wanted, at + 1)) {
    const line = lineAt(text, at + 1, bodyEnd);
    if (line.text.startsWith(start)) return line;
  }
  return undefined;
}

/** The streams of the body, in order. */
export function streamsOf(run: MessageRun): Stream[] {
  const { text, bodyStart, bodyEnd } = run.message;
  const heads: { readonly line: BodyLine; readonly match: RegExpExecArray }[] = [];
  let at = text.startsWith('m=', bodyStart) ? bodyStart : text.indexOf('\nm=', bodyStart) + 1;
  while (at > 0 && at < bodyEnd && heads.length <= MOST_STREAMS) {
    const line = lineAt(text, at, bodyEnd);
    const match = /^m=(\S{1,64}) \S{1,64} (\S{1,64}) ?(.*)$/.exec(line.text);
    if (match !== null) heads.push({ line, match });
    at = text.indexOf('\nm=', line.end - 1) + 1;
  }
  // The stream after the last one only says where that ends.
  return heads
    .slice(0, MOST_STREAMS)
    .map(
      ({ line, match: [, media = '', transport = '', rest = ''] }, i) =>
        new Stream(text, media, transport, line, rest, heads[i + 1]?.line.start ?? bodyEnd),
    );
}

/** Static payload types (RFC 3551) by the names scripts use. */
const STATIC: ReadonlyMap<string, string> = new Map([
  ['0', 'PCMU'],
  ['3', 'GSM'],
  ['4', 'G723'],
  ['8', 'PCMA'],
  ['9', 'G722'],
  ['15', 'G728'],
  ['18', 'G729'],
]);

const STATIC_NAMES: ReadonlySet<string> = new Set([...STATIC.values()].map((name) => name.toLowerCase()));

/** Whether a name is that of a static payload type, without letter case. */
export function isStaticName(name: string): boolean {
  return STATIC_NAMES.has(name.toLowerCase());
}

/** The name of a payload type; empty where nothing gives it one. */
export function nameOf({ codecs }: Stream, payload: string): string {
  return codecs.get(payload)?.name ?? STATIC.get(payload) ?? '';
}

/** Clock rate of a payload type; that of the static audio types is 8000 (RFC 3551 table 4). */
export function clockOf({ codecs }: Stream, payload: string): string {
  return codecs.get(payload)?.clock || (STATIC.has(payload) ? '8000' : '');
}

/** Takes out the streams that are wanted, each to its last line; whether there was one. */
export function deleteStream(run: MessageRun, wanted: (stream: Stream) => boolean): boolean {
  let found = false;
  for (const stream of streamsOf(run)) {
    if (!wanted(stream)) continue;
    found = true;
    run.edits.remove(stream.head.start, stream.end);
  }
  return found;
}
