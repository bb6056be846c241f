import type { MessageRun } from '../script/call.js';
import type { TextEdit } from '../sip/reply.js';
import { type FunctionSpec, intOf, KAMAILIO, OPENSIPS, optional, param, textOf } from './define.js';
import { sdpSpan, streamsOf } from './sdp/streams.js';
import { wordBits } from './word-bits.js';

/** Lines with an address, c= and o=, by the bits for which it is replaced. */
const ADDRESSES = [
  { bit: 2, letter: 'c', pattern: /^c=IN IP[46] ([^\r\n/ ]+)/gm },
  { bit: 8, letter: 'o', pattern: /^o=(?:[^ \t\r\n]+ ){3}IN IP[46] ([^\r\n/ ]+)/gm },
] as const;

/** The same of Kamailio: whole words after the digit of the IP version, and a=rtcp: for either bit, first. */
const KAMAILIO_ADDRESSES = [
  { bit: 2 | 8, pattern: /^a=rtcp:\d+ IN IP([46]) ([^\r\n ]+)/gm },
  { bit: 2, pattern: /^c=IN IP([46]) ([^\r\n ]+)/gm },
  { bit: 8, pattern: /^o=(?:[^ \t\r\n]+ ){3}IN IP([46]) ([^\r\n ]+)/gm },
] as const;

function isSdp({ message }: MessageRun): boolean {
  const type = message.header('content-type');
  return type === undefined || /^[ \t]*(?:application\/sdp|multipart\/)/i.test(type);
}

/**
 * Changes the SDP of a Kamailio message by bits: 1 adds a=direction:active to each stream, 2 writes an address into c=,
 * 4 adds a=nortpproxy:yes, 8 writes it into o=. The address that was there follows the last stream, once for each line
 * that changed; an address that is there already counts as unchanged.
 */
function fixKamailio(run: MessageRun, bits: number, address: string | undefined): number {
  const { message, edits, source } = run;
  const span = sdpSpan(run);
  if (span.start >= span.end || !isSdp(run)) return -1;
  const ip = address === undefined || address === '' ? source.address : address;
  const sdp = message.text.slice(span.start, span.end);
  const noted: string[] = [];
  let changed = 0;
  for (const { bit, pattern } of KAMAILIO_ADDRESSES) {
    if ((bits & bit) === 0) continue;
    const replacements: TextEdit[] = [];
    for (const match of sdp.matchAll(pattern)) {
      const found = match[2] ?? '';
      if (found === ip || found === '0.0.0.0') continue;
      const end = span.start + (match.index ?? 0) + match[0].length;
      replacements.push({ start: end - found.length, end, text: ip });
      noted.push(`a=oldmediaip${match[1] === '6' ? '6' : ''}:${found}`);
      changed++;
    }
    edits.replaceInBody(replacements);
  }
  const nathelper = run.env.modules.module('nathelper');
  const keeps = nathelper.flag('append_sdp_oldmediaip', true);
  const mark = nathelper.text('nortpproxy_str', 'a=nortpproxy:yes').replace(/\r?\n$/, '');
  const lines = (bits & 1) !== 0 ? ['a=direction:active'] : [];
  const last = [...lines, ...((bits & 4) !== 0 && mark !== '' ? [mark] : []), ...(keeps ? noted : [])];
  const ends = streamsOf(run, span).map(({ end }) => end);
  for (const end of ends.slice(0, -1)) addLines(run, end, lines);
  addLines(run, ends.at(-1) ?? span.end, last);
  return changed > 0 ? 1 : UNCHANGED;
}

/** Adds lines after the last line before `end` that is not empty. */
function addLines({ message, edits }: MessageRun, end: number, lines: readonly string[]): void {
  if (lines.length === 0) return;
  let at = end;
  while (at > message.bodyStart && (message.text[at - 1] === '\n' || message.text[at - 1] === '\r')) at--;
  edits.insert(at, lines.map((line) => `\r\n${line}`).join(''));
}

/**
 * Changes the SDP of an OpenSIPS message by bits: 1 adds a=direction:active, 2 writes an address into c=, 4 adds
 * a=nortpproxy:yes, 8 writes it into o=, 16 also replaces the null address. Each of `lines` begins with a line break,
 * so they are inserted before the last line break of the body.
 */
function fixSdp(run: MessageRun, bits: number, address: string | undefined, lines: string): number {
  const { message, edits, source } = run;
  const { body } = message;
  if (body === '') return -1;
  const ip = address ?? source.address;
  const skipped = run.env.modules.module('nathelper').text('oldip_skip', '');
  const added: string[] = [];
  if ((bits & 1) !== 0) added.push('a=direction:active');
  if ((bits & 4) !== 0) added.push('a=nortpproxy:yes');
  for (const { bit, letter, pattern } of ADDRESSES) {
    if ((bits & bit) === 0) continue;
    let first: string | undefined;
    const replacements: TextEdit[] = [];
    for (const match of body.matchAll(pattern)) {
      const found = match[1] ?? '';
      if ((bits & 16) === 0 && (found === '0.0.0.0' || found === '::')) continue;
      const end = message.bodyStart + (match.index ?? 0) + match[0].length;
      replacements.push({ start: end - found.length, end, text: ip });
      first ??= found;
    }
    edits.replaceInBody(replacements);
    if (first !== undefined && !skipped.includes(letter)) added.push(`a=old${letter}ip:${first}`);
  }
  const last = /\r?\n$/.exec(body)?.[0] ?? '';
  const text = added.map((line) => `\r\n${line}`).join('') + lines;
  if (text !== '') edits.insert(message.bodyEnd - last.length, text);
  return 1;
}

/** Kamailio's return code when no address was changed. */
const UNCHANGED = 2;

const SDP_WORDS: Readonly<Record<string, number>> = {
  'add-dir-active': 1,
  'rewrite-media-ip': 2,
  'add-no-rtpproxy': 4,
  'rewrite-origin-ip': 8,
  'rewrite-null-ips': 16,
};

/** Functions of nathelper that change the SDP. */
export const sdpFunctions: readonly FunctionSpec[] = [
  {
    name: 'fix_nated_sdp',
    dialects: OPENSIPS,
    parameters: [
      param('changes', 'string', {
        numbersUntil: 3,
        check: (v) => (wordBits(String(v), SDP_WORDS) === undefined ? `unknown change "${v}"` : undefined),
      }),
      optional('address', 'string'),
      optional('lines', 'string'),
    ],
    summary: 'changes the addresses of the SDP',
    compile:
      ([changes, address, lines]) =>
      (run) =>
        fixSdp(
          run,
          wordBits(textOf(changes, run), SDP_WORDS) ?? 0,
          address === undefined ? undefined : textOf(address, run),
          textOf(lines, run),
        ),
  },
  {
    name: 'fix_nated_sdp',
    dialects: KAMAILIO,
    parameters: [param('changes', 'int'), optional('address', 'string')],
    summary: 'changes the addresses of the SDP',
    compile:
      ([changes, address]) =>
      (run) =>
        fixKamailio(run, intOf(changes, run, 0), address === undefined ? undefined : textOf(address, run)),
  },
];
