import { trimmed } from './characters.js';

/** Maximum number of parts of a body that are read. */
const MAX_PARTS = 64;

/** The boundary of a multipart body; undefined for another Content-Type (RFC 2046 section 5.1.1). */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^multipart\//i.test(contentType)) return undefined;
  const match = /;[ \t\r\n]*boundary[ \t\r\n]*=[ \t\r\n]*(?:"([^"]{1,70})"|([^; \t\r\n]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** The type and subtype of a Content-Type, in small letters. */
export function mediaType(contentType: string): string {
  return trimmed(contentType.split(';', 1)[0] ?? '').toLowerCase();
}

/** The boundary lines of a body. */
export interface BoundaryLines {
  /** Their offsets in order, the closing one included; those beyond the maximum number of parts are left out. */
  readonly starts: readonly number[];
  /** Whether the last one closes the body ("--" follows the boundary). */
  readonly closed: boolean;
}

/**
 * Finds the boundary lines in a text. `mark` is what they begin with: "--" and the boundary, and the line break before
 * it where only the beginning of a line counts. A search begins at `from`, and lines that begin at `end` or later do
 * not belong to the body.
 */
export function boundaryLines(text: string, mark: string, from = 0, end = text.length): BoundaryLines {
  const starts: number[] = [];
  let at = text.indexOf(mark, from);
  while (at >= 0 && at < end && starts.length <= MAX_PARTS) {
    starts.push(at);
    if (text.startsWith('--', at + mark.length)) return { starts, closed: true };
    at = text.indexOf(mark, at + mark.length);
  }
  return { starts, closed: false };
}

/** The parts between boundary lines: from the beginning of one line to that of the next. */
export function partsBetween({ starts }: BoundaryLines): { readonly start: number; readonly end: number }[] {
  return starts.slice(1).map((end, i) => ({ start: starts[i] as number, end }));
}
