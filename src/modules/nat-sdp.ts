import type { MessageRun } from '../script/call.js';
import { type FunctionSpec, intOf, KAMAILIO, OPENSIPS, optional, param, textOf } from './define.js';
import { wordBits } from './word-bits.js';

/**
 * Changes the SDP by bits: 1 adds a=direction:active, 2 writes an address into c=, 4 adds a=nortpproxy:yes, 8 writes it
 * into o=, 16 also replaces the null address. In OpenSIPS each of `lines` begins with a line break, so they are
 * inserted before the last line break of the body.
 */
function fixSdp(run: MessageRun, bits: number, address: string | undefined, lines: string): number {
  const { message, edits, source } = run;
  const { body } = message;
  if (body === '') return -1;
  const ip = address ?? source.address;
  const opensips = run.env.dialect === 'opensips';
  const parameters = run.env.modules.module('nathelper');
  const skipped = opensips
    ? parameters.text('oldip_skip', '')
    : parameters.flag('append_sdp_oldmediaip', true)
      ? ''
      : 'co';
  const added: string[] = [];
  let changed = false;
  if ((bits & 1) !== 0) added.push('a=direction:active');
  if ((bits & 4) !== 0) added.push('a=nortpproxy:yes');
  for (const [bit, pattern, old, letter] of [
    [2, /^c=IN IP[46] ([^\r\n/ ]+)/gm, opensips ? 'oldcip' : 'oldmediaip', 'c'],
    [8, /^o=(?:\S+ ){3}IN IP[46] ([^\r\n/ ]+)/gm, opensips ? 'oldoip' : '', 'o'],
  ] as const) {
    if ((bits & bit) === 0) continue;
    let first: string | undefined;
    for (const match of body.matchAll(pattern)) {
      const found = match[1] ?? '';
      if (opensips && (bits & 16) === 0 && (found === '0.0.0.0' || found === '::')) continue;
      const end = message.bodyStart + (match.index ?? 0) + match[0].length;
      // As recorded of Kamailio, an address that is there already counts as unchanged.
      if (!opensips && found === ip) continue;
      edits.replace(end - found.length, end, ip);
      first ??= found;
    }
    changed ||= first !== undefined;
    if (first !== undefined && old !== '' && !skipped.includes(letter)) added.push(`a=${old}:${first}`);
  }
  const last = /\r?\n$/.exec(body)?.[0] ?? '';
  const text = added.map((line) => `\r\n${line}`).join('') + (opensips ? lines : '');
  if (text !== '') edits.insert(message.bodyEnd - last.length, text);
  return opensips || changed ? 1 : UNCHANGED;
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
        fixSdp(run, intOf(changes, run, 0), address === undefined ? undefined : textOf(address, run), ''),
  },
];
