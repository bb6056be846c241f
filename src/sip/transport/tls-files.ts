import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf, SwitchyardError, unreadableReason } from '../../core/errors.js';
import type { TlsProtocol, TlsVersion } from '../../core/tls-peers.js';

/** Options for node:tls. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: readonly Buffer[];
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly dhparam?: Buffer;
  readonly crl?: readonly string[];
}

/** Files of a folder that are looked at, and bytes of one of them. */
const MAX_FILES = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** The ciphers of TLS 1.3, which Node takes away where a list names none of them; OpenSSL leaves them alone. */
const CIPHERS_OF_1_3 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/**
 * Reads what a connection is made with. Throws SwitchyardError TRANSPORT_BIND naming the file that is missing or wrong.
 */
export function readTlsFiles(
  paths: { readonly cert: string; readonly key: string },
  ca: string | undefined,
  protocol: TlsProtocol,
): TlsFiles {
  const { minVersion, maxVersion } = versionsOf(protocol);
  const { ciphers, ecdhCurve } = protocol;
  const [dhParams, crl, caDir] = [protocol.dhParams, protocol.crl, protocol.caDir].map((path) =>
    path === 'none' ? undefined : path,
  );
  const files = {
    cert: readPem(paths.cert, 'certificate'),
    key: readPem(paths.key, 'private key'),
    ...(ca === undefined && caDir === undefined ? {} : { ca: authorities(ca, caDir) }),
    minVersion,
    maxVersion,
    ...(ciphers === undefined && maxVersion > 'TLSv1.1' ? {} : { ciphers: cipherList(ciphers, maxVersion) }),
    ...(ecdhCurve === undefined ? {} : { ecdhCurve }),
    ...(dhParams === undefined ? {} : { dhparam: readPem(dhParams, 'Diffie-Hellman parameters') }),
    ...(crl === undefined ? {} : { crl: revocationLists(crl) }),
  };
  try {
    // The types know no readonly lists.
    createSecureContext(files as Parameters<typeof createSecureContext>[0]);
  } catch (error) {
    const why = `certificate ${paths.cert} and private key ${paths.key} cannot be used: ${messageOf(error)}`;
    throw new SwitchyardError('TRANSPORT_BIND', why, { cause: error });
  }
  return files;
}

/** The lowest and the highest version: TLS 1.2 and 1.3 unless others are asked for. */
function versionsOf({ minVersion, maxVersion = 'TLSv1.3' }: TlsProtocol): {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
} {
  return { minVersion: minVersion ?? (maxVersion < 'TLSv1.2' ? maxVersion : 'TLSv1.2'), maxVersion };
}

function cipherList(written: string | undefined, maxVersion: TlsVersion): string {
  // OpenSSL separates names by commas and blanks too, Node by colons alone.
  const list = (written ?? 'DEFAULT').split(/[:,; \t\r\n]+/).filter((each) => each !== '');
  const named = list.some((each) => each.startsWith('TLS_'));
  const lax = maxVersion < 'TLSv1.2' && !list.some((each) => each.includes('@SECLEVEL'));
  // OpenSSL 3 speaks versions before 1.2 on its lowest level alone.
  return [...(named ? [] : [CIPHERS_OF_1_3]), ...list, ...(lax ? ['@SECLEVEL=0'] : [])].join(':');
}

function authorities(file: string | undefined, folder: string | undefined): Buffer[] {
  const found = file === undefined ? [] : [readPem(file, 'certificate authorities')];
  if (folder !== undefined)
    // OpenSSL finds an authority in a folder by the hash of its name alone.
    for (const name of namesIn(folder, 'certificate authorities'))
      if (/^[0-9a-f]{8}\.\d+$/.test(name)) found.push(readPem(join(folder, name), 'certificate authorities'));
  return found;
}

/** All revocation lists of a file or a folder: without one nothing would be looked up. */
function revocationLists(path: string): string[] {
  const what = 'revocation lists';
  const files = isFolder(path) ? namesIn(path, what).map((name) => join(path, name)) : [path];
  const lists = files
    .filter((file) => !isFolder(file))
    .flatMap((file) => readSmall(file, what).toString('latin1').match(CRL) ?? []);
  if (lists.length === 0) throw new SwitchyardError('TRANSPORT_BIND', `${what}: none in ${path}`);
  return [...new Set(lists)];
}

const CRL = /-----BEGIN X509 CRL-----[A-Za-z0-9+/= \t\r\n]*-----END X509 CRL-----/g;

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesIn(folder: string, what: string): string[] {
  try {
    return readdirSync(folder).sort().slice(0, MAX_FILES);
  } catch (error) {
    const why = `${what}: cannot read ${folder}: ${unreadableReason(error)}`;
    throw new SwitchyardError('TRANSPORT_BIND', why, { cause: error });
  }
}

function readSmall(path: string, what: string): Buffer {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) throw new Error('it is larger than 64 MiB');
    return readFileSync(path);
  } catch (error) {
    const why = `${what}: cannot read ${path}: ${unreadableReason(error)}`;
    throw new SwitchyardError('TRANSPORT_BIND', why, { cause: error });
  }
}

function readPem(path: string, what: string): Buffer {
  const data = readSmall(path, what);
  if (!data.includes('-----BEGIN ')) throw new SwitchyardError('TRANSPORT_BIND', `${what}: ${path} is not a PEM file`);
  return data;
}
