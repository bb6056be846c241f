import type { MessageRun } from '../../script/call.js';

/** A line of a body. */
export interface BodyLine {
  readonly text: string;
  /** Where it begins in the message, and where the next one does. */
  readonly start: number;
  readonly end: number;
}

/** An m line and what belongs to it (RFC 8866 section 5.14). */
export interface Stream {
  readonly media: string;
  /** "RTP/AVP", "RTP/SAVPF" ... */
  readonly transport: string;
  readonly head: BodyLine;
  readonly lines: readonly BodyLine[];
  readonly payloads: readonly string[];
  /** Name and clock rate of payload types, as the first "a=rtpmap" line of each has them. */
  readonly codecs: ReadonlyMap<string, Codec>;
}

interface Codec {
  readonly name: string;
  /** Empty where the line has none. */
  readonly clock: string;
}

/** The lines of the body, without their line breaks. */
export function linesOf(run: MessageRun): BodyLine[] {
  const { text, bodyStart, bodyEnd } = run.message;
  const lines: BodyLine[] = [];
  let at = bodyStart;
  while (at < bodyEnd) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 || feed >= bodyEnd ? bodyEnd : feed + 1;
    lines.push({ text: text.slice(at, end).replace(/\r?\n$/, ''), start: at, end });
    at = end;
  }
  return lines;
}

/** The streams of the body, in order. */
export function streamsOf(run: MessageRun): Stream[] {
  const streams: Stream[] = [];
  let current: (Stream & { lines: BodyLine[]; codecs: Map<string, Codec> }) | undefined;
  for (const line of linesOf(run)) {
    const media = /^m=(\S{1,64}) \S{1,64} (\S{1,64}) ?(.*)$/.exec(line.text);
    if (media !== null) {
      current = {
        media: media[1] ?? '',
        transport: media[2] ?? '',
        head: line,
        lines: [line],
        payloads: (media[3] ?? '').split(/\s+/).filter((each) => each !== ''),
        codecs: new Map(),
      };
      streams.push(current);
    } else if (current !== undefined) {
      current.lines.push(line);
      const [, payload, name, clock = ''] = /^a=rtpmap:(\d+) ([^/\s]+)(?:\/(\d+))?/.exec(line.text) ?? [];
      if (payload !== undefined && name !== undefined && !current.codecs.has(payload)) {
        current.codecs.set(payload, { name, clock });
      }
    }
  }
  return streams;
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
    const last = stream.lines[stream.lines.length - 1] as BodyLine;
    run.edits.remove(stream.head.start, last.end);
  }
  return found;
}
