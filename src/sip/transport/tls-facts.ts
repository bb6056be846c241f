import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The contents of a certificate. */
export interface CertificateFacts {
  /** 3 for today's certificates (RFC 5280 section 4.1.2.1). */
  readonly version: number;
  /** Serial number, decimal. */
  readonly serial: string;
  /** Attributes of the subject in order: "C", "O", "CN" ... */
  readonly subject: readonly NameAttribute[];
  readonly issuer: readonly NameAttribute[];
  /** Names in the extension subjectAltName, in order. */
  readonly altNames: readonly { readonly kind: 'email' | 'DNS' | 'URI' | 'IP'; readonly name: string }[];
  /** For example "Nov 29 13:37:00 2026 GMT". */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly pem: string;
}

/** One attribute of a distinguished name. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/**
 * Data about a TLS connection: its cipher, the certificates of both sides, and whether that of the peer was verified.
 */
export interface TlsFacts {
  /** For example "TLSv1.3". */
  readonly version: string;
  /** OpenSSL's name of the cipher. */
  readonly cipher: string;
  readonly cipherBits: number;
  /** Undefined if the peer showed none. */
  readonly peer: CertificateFacts | undefined;
  readonly own: CertificateFacts | undefined;
  /** Whether the peer showed a certificate that was verified. */
  readonly verified: boolean;
  /** The name that the client asked for (SNI): the peer, or we on an outbound connection. */
  readonly serverName: string | undefined;
  /** OpenSSL's reason why the peer's certificate was not verified: "CERT_HAS_EXPIRED" ... */
  readonly fault: string | undefined;
}

/**
 * The data of a connection; undefined without TLS. It is read from the connection each time, so callers that need it
 * often should keep it.
 */
export function tlsFactsOf(socket: Socket): TlsFacts | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { name = '' } = socket.getCipher() ?? {};
  const peer = factsOf(socket.getPeerX509Certificate());
  const fault: unknown = socket.authorizationError;
  return {
    version: socket.getProtocol() ?? '',
    cipher: name,
    cipherBits: bitsOf(name),
    peer,
    own: factsOf(socket.getX509Certificate()),
    serverName: serverNameOf(socket),
    verified: peer !== undefined && socket.authorized,
    fault: peer === undefined || fault === null || fault === undefined ? undefined : codeOf(fault),
  };
}

/** Whether the peer showed a certificate that is not trusted. */
export function showsUntrusted(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** The server name in the TLS handshake (SNI); undefined without one. */
export function serverNameOf(socket: TLSSocket): string | undefined {
  const { servername } = socket as TLSSocket & { servername?: unknown };
  return typeof servername === 'string' && servername !== '' ? servername : undefined;
}

function codeOf(fault: unknown): string {
  return fault instanceof Error ? String((fault as NodeJS.ErrnoException).code ?? fault.message) : String(fault);
}

/** Length of a cipher's key in bits, by its name. */
function bitsOf(cipher: string): number {
  const [, bits] = /(?:AES|CAMELLIA|ARIA)[_-]?(128|256)/.exec(cipher) ?? [];
  if (bits !== undefined) return Number(bits);
  return /CHACHA20/.test(cipher) ? 256 : /3DES|DES-CBC3/.test(cipher) ? 168 : 0;
}

function factsOf(certificate: X509Certificate | undefined): CertificateFacts | undefined {
  if (certificate === undefined) return undefined;
  return {
    version: versionOf(certificate.raw),
    serial: BigInt(`0x${certificate.serialNumber || '0'}`).toString(),
    subject: attributesOf(certificate.subject),
    issuer: attributesOf(certificate.issuer),
    altNames: altNamesOf(certificate.subjectAltName),
    notBefore: certificate.validFrom,
    notAfter: certificate.validTo,
    pem: certificate.toString(),
  };
}

/** The version is first in the signed part, tagged [0]; version 1 is not written (RFC 5280 section 4.1). */
function versionOf(der: Buffer): number {
  const signed = contentAt(der, contentAt(der, 0));
  return der[signed] === 0xa0 && der[signed + 1] === 3 && der[signed + 2] === 2 ? (der[signed + 4] ?? 0) + 1 : 1;
}

/** Where the content of the DER element at a position begins. */
function contentAt(der: Buffer, at: number): number {
  const length = der[at + 1] ?? 0;
  return at + 2 + (length > 0x80 ? length - 0x80 : 0);
}

/** Parses "C=AT\nCN=one.example": one attribute per line; Node escapes unprintable characters. */
function attributesOf(name: string | undefined): NameAttribute[] {
  return (name ?? '').split('\n').flatMap((line) => {
    const equals = line.indexOf('=');
    return equals < 0 ? [] : [{ type: line.slice(0, equals), value: line.slice(equals + 1) }];
  });
}

const ALT_KINDS: ReadonlyMap<string, CertificateFacts['altNames'][number]['kind']> = new Map([
  ['email', 'email'],
  ['DNS', 'DNS'],
  ['URI', 'URI'],
  ['IP Address', 'IP'],
]);

/**
 * Parses a subjectAltName as Node writes it: "DNS:one.example, URI:sip:one.example"; a name with a comma is quoted as
 * JSON. The names are read one after the other, so that text within a name ("DirName:CN = DNS:two.example") is not
 * taken for another name.
 */
export function altNamesOf(text: string | undefined): CertificateFacts['altNames'][number][] {
  return [...(text ?? '').matchAll(/([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy)].flatMap(
    ([, kind = '', name = '']) => {
      const known = ALT_KINDS.get(kind);
      return known === undefined ? [] : [{ kind: known, name: name.startsWith('"') ? unquoted(name) : name }];
    },
  );
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
