import { trimmed } from '../../core/characters.js';
import type { PvarContext } from '../context.js';
import { eachOf, orNull, pickOf, type TextReader, type VariableDefinition } from './definition.js';

/** Maximum number of parts of a body that are looked at. */
const MAX_PARTS = 64;

/** The boundary of a multipart body; undefined for another Content-Type (RFC 2046 section 5.1.1). */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^multipart\//i.test(contentType)) return undefined;
  const match = /;[ \t\r\n]*boundary[ \t\r\n]*=[ \t\r\n]*(?:"([^"]{1,70})"|([^; \t\r\n]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

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
  let at = text.indexOf(mark);
  for (let i = 0; i < MAX_PARTS && at >= 0 && !text.startsWith('--', at + mark.length); i++) {
    const next = text.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const part = text.slice(at + mark.length, next);
    const empty = part.indexOf('\r\n\r\n');
    const head = empty < 0 ? part : part.slice(0, empty);
    const value = /^content-type[ \t]*:[ \t]*([^\r\n]*)/im.exec(head)?.[1] ?? '';
    if (mediaType(value) === type) parts.push(empty < 0 ? '' : part.slice(empty + 4));
    at = next;
  }
  return parts;
}

/** The type and subtype of a Content-Type, in small letters. */
export function mediaType(contentType: string): string {
  return trimmed(contentType.split(';', 1)[0] ?? '').toLowerCase();
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
