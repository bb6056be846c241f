import { trimEnd, trimmed } from '../../core/characters.js';
import type { TextReader } from '../variables/definition.js';
import { integerArgument, position, type TransformationDefinition } from './definition.js';

/** The lines of a body, including their line ends. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 ? text.length : feed + 1;
    lines.push(text.slice(at, end));
    at = end;
  }
  return lines;
}

/** The blocks of an SDP, each beginning with "m=" (one stream); the first element is what precedes them. */
function blocksOf(text: string): string[] {
  const blocks = [''];
  for (const line of linesOf(text)) {
    if (line.startsWith('m=')) blocks.push(line);
    else blocks[blocks.length - 1] += line;
  }
  return blocks;
}

/** Index of the wanted stream, given by a number or a media type. */
function streamAt(blocks: readonly string[], wanted: string): number | undefined {
  if (/^-?[0-9]{1,4}$/.test(wanted)) {
    const at = position(Number(wanted), blocks.length - 1);
    return at === undefined ? undefined : at + 1;
  }
  const start = `m=${wanted.toLowerCase()} `;
  const found = blocks.findIndex((each) => each.slice(0, start.length).toLowerCase() === start);
  return found < 0 ? undefined : found;
}

function onStream(run: (blocks: string[], at: number) => string): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make([which]) {
      const name = which as TextReader;
      return (value, context) => {
        const blocks = blocksOf(String(value));
        const at = streamAt(blocks, trimmed(name.constant ?? name.read(context)));
        return at === undefined ? null : run(blocks, at);
      };
    },
  };
}

/** Class "sdp": the value as an SDP body. */
export const sdpTransformations: readonly [string, TransformationDefinition][] = [
  [
    'sdp.line',
    {
      least: 1,
      max: 2,
      make([type, index]) {
        const letter = type as TextReader;
        const wanted = integerArgument(index, 0, 'index');
        return (value, context) => {
          const start = `${trimmed(letter.constant ?? letter.read(context)).slice(0, 1)}=`;
          const lines = linesOf(String(value)).filter((each) => each.startsWith(start));
          const at = position(wanted(context), lines.length);
          return at === undefined ? null : trimEnd(lines[at] as string);
        };
      },
    },
  ],
  ['sdp.stream', onStream((blocks, at) => blocks[at] ?? '')],
  ['sdp.stream-delete', onStream((blocks, at) => blocks.filter((_, i) => i !== at).join(''))],
];
