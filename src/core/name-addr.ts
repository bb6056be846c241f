/**
 * The addr-spec of a From, To or Contact value: without display name, angle brackets and header parameters (RFC 3261
 * section 20.10). Without angle brackets everything from the first ";" on belongs to the header. Never throws; '' when
 * there is none.
 */
export function addrSpecOf(value: string): string {
  const text = value.trim();
  const open = text.indexOf('<', text.charCodeAt(0) === 34 ? endOfQuoted(text, 0) : 0);
  if (open < 0) {
    const semicolon = text.indexOf(';');
    return (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  }
  const close = text.indexOf('>', open);
  return text.slice(open + 1, close < 0 ? text.length : close).trim();
}

/** Index just behind the quoted string that begins at `start`; the length of the text when it is not closed. */
export function endOfQuoted(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 92 /* \ */) i++;
    else if (c === 34 /* " */) return i + 1;
  }
  return text.length;
}
