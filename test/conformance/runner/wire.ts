/**
 * A SIP message as a recorder reads it: start line, header fields in order, body. It does not use the product's parser.
 */
export interface WireMessage {
  readonly text: string;
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The same header fields as single lines as received. */
  readonly lines: readonly string[];
  readonly body: string;
  /** Whether an empty line ended the header fields. */
  readonly ended: boolean;
}

const COMPACT: Readonly<Record<string, string>> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  l: 'content-length',
  c: 'content-type',
};

export function wireMessage(text: string): WireMessage {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const lines = head.split('\r\n');
  const fields: [string, string][] = [];
  const raw: string[] = [];
  for (const line of lines.slice(1)) {
    const last = fields[fields.length - 1];
    if (/^[ \t]/.test(line) && last !== undefined) {
      last[1] += `\r\n${line}`;
      raw[raw.length - 1] += `\r\n${line}`;
    } else if (line !== '') {
      raw.push(line);
      const colon = line.indexOf(':');
      if (colon < 0) fields.push([line, '']);
      else fields.push([line.slice(0, colon).trimEnd(), line.slice(colon + 1).trim()]);
    }
  }
  // When no empty line follows, the header fields end with the text; there is nothing after the last line break.
  if (end < 0 && head.endsWith('\r\n') && lines.length > 2) {
    fields.push(['', '']);
    raw.push('');
  }
  return {
    text,
    startLine: lines[0] ?? '',
    fields,
    lines: raw,
    body: end < 0 ? '' : text.slice(end + 4),
    ended: end >= 0,
  };
}

/** The long name of a header in lower case. */
export function longName(name: string): string {
  const lower = name.toLowerCase();
  return COMPACT[lower] ?? lower;
}

export function valuesOf(message: WireMessage, name: string): string[] {
  return message.fields.filter(([each]) => longName(each) === name).map(([, value]) => value);
}

export function firstValue(message: WireMessage, name: string): string | undefined {
  return valuesOf(message, name)[0];
}

export function isRequest(message: WireMessage): boolean {
  return !message.startLine.startsWith('SIP/2.0 ');
}

export function methodOf(message: WireMessage): string {
  return isRequest(message)
    ? (message.startLine.split(' ')[0] ?? '')
    : ((firstValue(message, 'cseq') ?? '').split(/\s+/)[1] ?? '');
}

export function statusOf(message: WireMessage): number {
  return Number(message.startLine.slice(8, 11));
}

/** The To tag of a message; undefined when it has none. */
export function toTag(message: WireMessage): string | undefined {
  return /;\s*tag=([^;>\s]+)/i.exec(firstValue(message, 'to') ?? '')?.[1];
}
