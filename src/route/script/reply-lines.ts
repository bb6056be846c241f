/** Why these lines, each with its line break, cannot be header fields of a reply; undefined where they can. */
export function replyLinesFault(lines: string): string | undefined {
  return /^(?:[!-9;-~]+[ \t]*:[^\r\n\0]*\r\n)+$/.test(lines) ? undefined : 'not a header line';
}
