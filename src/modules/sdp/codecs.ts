import type { MessageRun } from '../../script/call.js';
import type { TextEdit } from '../../sip/reply.js';
import { clockOf, nameOf, type Stream, streamsOf } from './streams.js';

/** What earlier functions of this route have done to the "m=" lines: further ones go on from there. */
class EarlierEdits {
  /** Texts that stand in place of a line, by where it begins. */
  private readonly rewritten = new Map<number, TextEdit>();
  /** Positions that were taken out, in order: where each begins, and how far this one and those before it reach. */
  private readonly removed: { readonly start: number; readonly reach: number }[] = [];

  constructor(edits: readonly TextEdit[]) {
    const removals: TextEdit[] = [];
    for (const edit of edits) {
      if (edit.text === '') removals.push(edit);
      else if (edit.end > edit.start) this.rewritten.set(edit.start, edit);
    }
    let reach = 0;
    for (const { start, end } of removals.sort((a, b) => a.start - b.start)) {
      reach = Math.max(reach, end);
      this.removed.push({ start, reach });
    }
  }

  /** A stream as it is now; undefined when it was deleted. */
  changed(stream: Stream): Stream | undefined {
    const { start, text } = stream.head;
    const end = start + text.length;
    let low = 0;
    let high = this.removed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.removed[middle]?.start ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    if ((this.removed[low - 1]?.reach ?? 0) >= end) return undefined;
    const edit = this.rewritten.get(start);
    return edit?.end === end ? stream.with(edit.text.split(' ').slice(3)) : stream;
  }
}

/** Rewrites a stream with other payload types: its m= line, and the lines of those that are gone. */
function rewriteStream(run: MessageRun, stream: Stream, payloads: readonly string[]): void {
  const { head } = stream;
  const first = head.text.split(' ', 3).join(' ');
  run.edits.replace(head.start, head.start + head.text.length, `${first} ${payloads.join(' ')}`.trimEnd());
  if (payloads.length === stream.payloads.length) return;
  const gone = new Set(stream.payloads);
  for (const each of payloads) gone.delete(each);
  for (const line of stream.attributes) {
    const of = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b/.exec(line.text)?.[1];
    if (of !== undefined && gone.has(of)) run.edits.remove(line.start, line.end);
  }
}

/** The payload types a stream has afterwards, in order, of those that match and the others. */
export type Choose = (
  matching: readonly string[],
  others: readonly string[],
  all: readonly string[],
) => readonly string[];

/** Those that match come first. */
export const moveUp: Choose = (matching, others) => [...matching, ...others];
/** Those that match come last. */
export const moveDown: Choose = (matching, others) => [...others, ...matching];
/** Those that match go. */
export const remove: Choose = (_matching, others) => others;
/** Only those that match stay. */
export const keep: Choose = (matching) => matching;
/** All stay as they are. */
export const leave: Choose = (_matching, _others, all) => all;

/** Whether a payload type of a stream is meant. */
export type Matches = (stream: Stream, payload: string) => boolean;

/** The payload types of a stream that are meant, and the others. Each number is looked at once: a line may have it thousands of times. */
function divided(stream: Stream, matches: Matches): { readonly matching: string[]; readonly others: string[] } {
  const known = new Map<string, boolean>();
  const matching: string[] = [];
  const others: string[] = [];
  for (const payload of stream.payloads) {
    let meant = known.get(payload);
    if (meant === undefined) known.set(payload, (meant = matches(stream, payload)));
    (meant ? matching : others).push(payload);
  }
  return { matching, others };
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i]);
}

/** Changes every stream in which a codec is found, or with `always` every stream; whether there was one. */
export function change(run: MessageRun, choose: Choose, matches: Matches, media?: string, always = false): boolean {
  const earlier = new EarlierEdits(run.edits.list);
  const rewritten: { readonly stream: Stream; readonly payloads: readonly string[] }[] = [];
  let found = false;
  for (const original of streamsOf(run)) {
    if (media !== undefined && original.media !== media) continue;
    const stream = earlier.changed(original);
    if (stream === undefined) continue;
    const { matching, others } = divided(stream, matches);
    if (matching.length > 0) found = true;
    else if (!always) continue;
    const payloads = choose(matching, others, stream.payloads);
    if (!same(payloads, stream.payloads)) rewritten.push({ stream, payloads });
  }
  if (rewritten.length > 0) {
    if (!run.edits.empty) {
      const lines = new Map(rewritten.map(({ stream: { head } }) => [head.start, head.start + head.text.length]));
      run.edits.drop((each) => each.text !== '' && lines.get(each.start) === each.end);
    }
    for (const { stream, payloads } of rewritten) rewriteStream(run, stream, payloads);
  }
  return found;
}

/** By name, without letter case. */
export function byName(names: readonly string[]): Matches {
  const wanted = new Set(names.map((each) => each.toLowerCase()));
  return (stream, payload) => wanted.has(nameOf(stream, payload).toLowerCase());
}

/** By name, and by clock rate where one is given. */
export function byCodec(name: string, clock: string): Matches {
  const named = byName([name]);
  return (stream, payload) => named(stream, payload) && (clock === '' || clockOf(stream, payload) === clock);
}

/** By number. */
export function byId(ids: readonly string[]): Matches {
  const wanted = new Set(ids);
  return (_stream, payload) => wanted.has(payload);
}

/** By a test of the name. Each name is tried once: a body may have it thousands of times. */
export function byPattern(test: (name: string) => boolean): Matches {
  const known = new Map<string, boolean>();
  return (stream, payload) => {
    const name = nameOf(stream, payload);
    let matches = known.get(name);
    if (matches === undefined) known.set(name, (matches = test(name)));
    return matches;
  };
}
