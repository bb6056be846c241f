import type { GrowthCase } from './growth.js';

/** Parts of inputs for the interfaces: characters, and words that begin something in one of their grammars. */
const ATOMS: readonly string[] = [
  ...' \t\r\n"\\,;=<>()[]{}:@/%*.-09aA\0\xff\'$&|?#+~^\x01\x03\x04\x21\x84\xf1',
  ...['\r\n ', '\r\n\t', '\r\n', '\\"', '%41', '%0', '::', '\\u0000', '1e9'],
  ...['sip:', 'sips:', 'tel:', '<sip:a@b>', '"a" <sip:a>', '127.0.0.1', '[::1]', ' SIP/2.0', 'SIP/2.0/UDP ', 'INVITE '],
  ...['z9hG4bK', 'branch=', 'tag=', ';lr', 'dt=', 'r2=on', 'q=0.5', 'rport', 'maddr=', 'transport=tcp', 'username="a"'],
  ...['Via: ', 'v:', 'Route: <sip:127.0.0.1;lr>', 'Contact: ', 'X: y', 'Content-Length: 5', 'boundary=', '--b\r\n'],
  ...['v=0\r\n', 'm=audio 1 RTP/AVP 0', ' 0', 'a=rtpmap:0 x', 'a=x\r\n', 'c=IN IP4 1.1.1.1', '\r\n\r\n'],
  ...['{"a":', '[1,', '"method":', 'null', 'ds_list', ':ds_list:', ':r\n', 'Content-Type: '],
];

/** Marks where fillers go, in templates. */
const SEAM = /[\w.]+|[^\w.]/g;

/** Numbers from 0 to below 1, reproducible by seed (Mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Templates with short random motifs repeated at one to three token boundaries, with or without an atom before and
 * after: combinations that no list of fillers contains. `fresh` makes each input different from all earlier ones.
 */
export function* motifCases(
  templates: readonly string[],
  count: number,
  seed: number,
  fresh: (text: string) => string = (text) => text,
): Generator<GrowthCase> {
  const random = seeded(seed);
  const int = (below: number): number => Math.floor(random() * below);
  const atom = (): string => ATOMS[int(ATOMS.length)] as string;
  const rarely = (): string => (random() < 0.3 ? atom() : '');
  for (let i = 0; i < count; i++) {
    const template = templates[int(templates.length)] as string;
    const seams = [0, ...[...template.matchAll(SEAM)].map((match) => match.index + match[0].length)];
    const parts = Array.from({ length: [1, 1, 1, 2, 2, 3][int(6)] as number }, () => ({
      at: seams[int(seams.length)] as number,
      before: rarely(),
      motif: Array.from({ length: 1 + int(4) }, atom).join(''),
      after: rarely() + rarely(),
    })).sort((a, b) => b.at - a.at);
    yield {
      name: `seed ${seed}, ${i}: ${JSON.stringify(template.slice(0, 40))} with ${JSON.stringify(parts)}`,
      make(length) {
        const each = Math.max(0, length - template.length) / parts.length;
        let text = template;
        for (const { at, before, motif, after } of parts) {
          const filler = before + motif.repeat(Math.floor(each / motif.length)) + after;
          text = text.slice(0, at) + filler + text.slice(at);
        }
        return fresh(text.slice(0, length));
      },
    };
  }
}
