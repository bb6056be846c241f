import type { DispatcherEvent } from './event.js';

const PLAIN = /^[A-Za-z0-9_-]+$/;

/**
 * Encodes a text as one token of a NATS subject or of a bucket's key. Letters, digits, "-" and "_" stay; every other
 * byte of its UTF-8 form becomes "=XX" (two upper-case hexadecimal digits); the empty text becomes "=". Reversible.
 */
export function encodeToken(text: string): string {
  if (text === '') return '=';
  if (PLAIN.test(text)) return text;
  let token = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte);
    token += PLAIN.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** Decodes a token; undefined when `encodeToken` cannot have written it. */
export function decodeToken(token: string): string | undefined {
  if (token === '=') return '';
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i++) {
    if (token[i] === '=') {
      bytes.push(Number.parseInt(token.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(token.charCodeAt(i));
  }
  return Buffer.from(bytes).toString('utf8');
}

/** "<prefix>.E_DISPATCHER_STATUS.<partition>.<group>" */
export function subjectOf(prefix: string, event: DispatcherEvent): string {
  const tokens = event.subject.map(encodeToken);
  return [prefix, event.name, ...tokens].join('.');
}

/**
 * Whether a text is a subject that may be published to: tokens without white space and wildcards, none empty, and not a
 * subject of the server itself ("$...", "_INBOX").
 */
export function isPublishSubject(subject: string): boolean {
  return (
    subject.length <= 512 &&
    !/^(?:\$|_INBOX\b)/.test(subject) &&
    /^[^\s.*>\x00-\x1f]+(?:\.[^\s.*>\x00-\x1f]+)*$/.test(subject)
  );
}
