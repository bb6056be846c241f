import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What a certificate says. */
export interface CertificateFacts {
  /** 3 for those in use (RFC 5280 section 4.1.2.1). */
  readonly version: number;
  /** Serial number, decimal. */
  readonly serial: string;
  /** Attributes of the subject in their order: "C", "O", "CN" ... */
  readonly subject: readonly NameAttribute[];
  readonly issuer: readonly NameAttribute[];
  /** Names of the extension subjectAltName, in their order. */
  readonly altNames: readonly { readonly kind: 'email' | 'DNS' | 'URI' | 'IP'; readonly name: string }[];
  /** "Nov 29 13:37:00 2026 GMT" */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly pem: string;
}

/** One attribute of a distinguished name. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** What is known of a TLS connection: its cipher, the certificates of both sides, whether that of the peer was verified. */
export interface TlsFacts {
  /** "TLSv1.3" */
  readonly version: string;
  /** Name of the cipher, as OpenSSL has it. */
  readonly cipher: string;
  readonly cipherBits: number;
  /** Undefined where the peer has shown none. */
  readonly peer: CertificateFacts | undefined;
  readonly own: CertificateFacts | undefined;
  /** The peer has shown a certificate that was verified. */
  readonly verified: boolean;
  /** The name a client asked for (SNI); of a connection of ours, the one we asked for. */
  readonly serverName: string | undefined;
  /** OpenSSL's word for why the certificate of the peer was not verified: "CERT_HAS_EXPIRED" ... */
  readonly fault: string | undefined;
}

/** Facts of a connection; undefined for one without TLS. They are read anew: a caller that asks often keeps them. */
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

/** Whether a peer has shown a certificate that is not trusted. */
export function showsUntrusted(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** The name a client asked for (SNI), or we did; undefined for none. */
export function serverNameOf(socket: TLSSocket): string | undefined {
  const { servername } = socket as TLSSocket & { servername?: unknown };
  return typeof servername === 'string' && servername !== '' ? servername : undefined;
}

function codeOf(fault: unknown): string {
  return fault instanceof Error ? String((fault as NodeJS.ErrnoException).code ?? fault.message) : String(fault);
}

/** Bits of the key of a cipher, by its name. */
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

/** The version stands first in what is signed, tagged [0]; version 1 is not written (RFC 5280 section 4.1). */
function versionOf(der: Buffer): number {
  const signed = contentAt(der, contentAt(der, 0));
  return der[signed] === 0xa0 && der[signed + 1] === 3 && der[signed + 2] === 2 ? (der[signed + 4] ?? 0) + 1 : 1;
}

/** Where the content of the DER element at a position begins. */
function contentAt(der: Buffer, at: number): number {
  const length = der[at + 1] ?? 0;
  return at + 2 + (length > 0x80 ? length - 0x80 : 0);
}

/** "C=AT\nCN=one.example": an attribute a line, where Node escapes what is not printed. */
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
 * Names of a subjectAltName as Node writes them: "DNS:one.example, URI:sip:one.example"; a name with a comma in it stands in quotes, as
 * JSON. Each is read after the one before: within a name of another kind ("DirName:CN = DNS:two.example") there is none.
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
