import { trimEnd } from '../../core/characters.js';
import type { MessageRun } from '../../script/call.js';
import type { TextEdit } from '../../sip/reply.js';
import { clockOf, lastUpTo, nameOf, type Stream, streamsOf } from './streams.js';

/** Changes of m= lines by earlier functions of the route, on which further changes are based. */
class EarlierEdits {
  /** New texts of lines, by the offset of the line. */
  private readonly rewritten = new Map<number, TextEdit>();
  /** Deleted spans in order: `reach` is the largest end of this span and the ones before it. */
  private readonly removed: { readonly start: number; readonly reach: number }[] = [];

  constructor(edits: readonly TextEdit[]) {
    const removals: TextEdit[] = [];
    for (const edit of edits) {
      // As recorded, streams of a description that a media proxy replaced can be changed no more.
      if (edit.text === '' || edit.text.includes('\n')) removals.push(edit);
      else if (edit.end > edit.start) this.rewritten.set(edit.start, edit);
    }
    let reach = 0;
    for (const { start, end } of removals.sort((a, b) => a.start - b.start)) {
      reach = Math.max(reach, end);
      this.removed.push({ start, reach });
    }
  }

  /** A stream after the earlier changes; undefined when it was deleted. */
  changed(stream: Stream): Stream | undefined {
    const { start, text } = stream.head;
    const end = start + text.length;
    if ((this.removed[lastUpTo(this.removed, start)]?.reach ?? 0) >= end) return undefined;
    const edit = this.rewritten.get(start);
    return edit?.end === end ? stream.with(edit.text.split(' ').slice(3)) : stream;
  }
}

/** Rewrites a stream with other payload types: changes its m= line, and deletes the lines of removed types. */
function rewriteStream(run: MessageRun, stream: Stream, payloads: readonly string[]): void {
  const { head } = stream;
  const first = head.text.split(' ', 3).join(' ');
  run.edits.replace(head.start, head.start + head.text.length, trimEnd(`${first} ${payloads.join(' ')}`));
  if (payloads.length === stream.payloads.length) return;
  const gone = new Set(stream.payloads);
  for (const each of payloads) gone.delete(each);
  for (const line of stream.attributes) {
    const of = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b/.exec(line.text)?.[1];
    if (of !== undefined && gone.has(of)) run.edits.remove(line.start, line.end);
  }
}

/** Returns the payload types that a stream has afterwards, in order, from those that match and the others. */
export type Choose = (
  matching: readonly string[],
  others: readonly string[],
  all: readonly string[],
) => readonly string[];

/** Matching payload types come first. */
export const moveUp: Choose = (matching, others) => [...matching, ...others];
/** Matching payload types come last. */
export const moveDown: Choose = (matching, others) => [...others, ...matching];
/** Matching payload types are removed. */
export const remove: Choose = (_matching, others) => others;
/** Only matching payload types stay. */
export const keep: Choose = (matching) => matching;
/** All payload types stay. */
export const leave: Choose = (_matching, _others, all) => all;

/** Whether a payload type of a stream is to be changed. */
export type Matches = (stream: Stream, payload: string) => boolean;

/**
 * Divides the payload types of a stream into those that match and the others. Each number is tested once: a line may
 * contain it thousands of times.
 */
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

/** Changes each stream in which a codec matches, or with `always` each stream; returns whether there was one. */
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

/** Matches by name, ignoring letter case. */
export function byName(names: readonly string[]): Matches {
  const wanted = new Set(names.map((each) => each.toLowerCase()));
  return (stream, payload) => wanted.has(nameOf(stream, payload).toLowerCase());
}

/** Matches by name, and by clock rate if one is given. */
export function byCodec(name: string, clock: string): Matches {
  const named = byName([name]);
  return (stream, payload) => named(stream, payload) && (clock === '' || clockOf(stream, payload) === clock);
}

/** Matches by payload type number. */
export function byId(ids: readonly string[]): Matches {
  const wanted = new Set(ids);
  return (_stream, payload) => wanted.has(payload);
}

/** Matches by a test of the name. Each name is tested once: a body may contain it thousands of times. */
export function byPattern(test: (name: string) => boolean): Matches {
  const known = new Map<string, boolean>();
  return (stream, payload) => {
    const name = nameOf(stream, payload);
    let matches = known.get(name);
    if (matches === undefined) known.set(name, (matches = test(name)));
    return matches;
  };
}
