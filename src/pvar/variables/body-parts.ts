import { trimmed } from '../../core/characters.js';
import { boundaryLines, boundaryOf, mediaType, partsBetween } from '../../core/multipart.js';
import type { PvarContext } from '../context.js';
import { eachOf, orNull, pickOf, type TextReader, type VariableDefinition } from './definition.js';

/** Bodies of one type in a message: those parts of a multipart body, or the body itself. */
function partsOf({ message }: PvarContext, type: string): string[] {
  const body = message.body ?? '';
  const contentType = message.header('Content-Type');
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) {
    return body !== '' && mediaType(contentType ?? '') === type ? [body] : [];
  }
  const parts: string[] = [];
  // The line break before a boundary belongs to it.
  const text = `\r\n${body}`;
  const mark = `\r\n--${boundary}`;
  for (const { start, end } of partsBetween(boundaryLines(text, mark))) {
    const part = text.slice(start + mark.length, end);
    const empty = part.indexOf('\r\n\r\n');
    const head = empty < 0 ? part : part.slice(0, empty);
    const value = /^content-type[ \t]*:[ \t]*([^\r\n]*)/im.exec(head)?.[1] ?? '';
    if (mediaType(value) === type) parts.push(empty < 0 ? '' : part.slice(empty + 4));
  }
  return parts;
}

/** $rb: the body; $rb(application/sdp): its first part of a type; $(rb(application/isup)[-1]): the last one. */
export const bodyVariable: VariableDefinition = {
  argument: 'optional',
  indexed: true,
  compile(argument, index) {
    if (argument === undefined) {
      if (index !== undefined) throw new Error('an index needs a type of content, "$(rb(application/sdp)[1])"');
      return { get: ({ message }) => orNull(message.body) };
    }
    const type: TextReader = argument;
    const list = (context: PvarContext): string[] => partsOf(context, trimmed(type.read(context)).toLowerCase());
    return { get: pickOf(index, list), all: eachOf(index, list) };
  },
};
