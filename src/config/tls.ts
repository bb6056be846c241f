import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../core/errors.js';
import { authoritiesOf, protocolOf, TLS_VERSIONS, type TlsProtocol, type TlsVersion } from '../core/tls-peers.js';
import { bracketed } from '../core/uri.js';
import { listOf, type RawSettings, type RawTlsProtocol } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import type { TlsConfig } from './settings.js';
import { parseHostPort } from './socket.js';

/** A host name, or "*." and a host name. */
const SERVER_NAME =
  /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** Reads "tls"; the certificate files are read when the sockets are created. */
export function readTls(raw: RawSettings, root: Location, findings: Findings): TlsConfig | undefined {
  const { tls } = raw;
  if (tls === undefined) return undefined;
  const at = inside(root, 'tls');
  const path = (file: string) => resolve(root.dir, file);
  const optional = (file: string | undefined): string | undefined => (file === undefined ? undefined : path(file));
  const common = readProtocol(tls, at, findings);
  const seen = new Set<string>();
  const contexts: TlsConfig['contexts'][number][] = [];
  for (const [index, context] of listOf(tls.contexts)) {
    const serverNames: string[] = [];
    for (const [position, written] of listOf<string>(context!.server_name)) {
      const name = written.toLowerCase();
      const location = inside(at, 'contexts', index ?? 0, 'server_name', ...(position === undefined ? [] : [position]));
      if (!SERVER_NAME.test(name)) findings.refuse(location, `bad server name "${written}": expected a host name`);
      else if (seen.has(name)) findings.refuse(location, `server name "${name}" occurs twice`);
      seen.add(name);
      serverNames.push(name);
    }
    const { ca, verify_client: verifyClient } = context!;
    contexts.push({
      serverNames,
      cert: path(context!.certificate),
      key: path(context!.private_key),
      ...(ca === undefined ? {} : { ca: path(ca) }),
      ...(verifyClient === undefined ? {} : { verifyClient }),
      ...readProtocol(context!, inside(at, 'contexts', index ?? 0), findings),
    });
  }
  return {
    cert: path(tls.certificate),
    key: path(tls.private_key),
    ca: optional(tls.ca),
    verifyClient: tls.verify_client,
    verifyServer: tls.verify_server,
    ...common,
    contexts,
    listeners: listOf(tls.listeners).map(([index, each]) => {
      const location = inside(at, 'listeners', index ?? 0);
      const own = { ...readProtocol(each!, location, findings), ca: optional(each!.ca) };
      return {
        addresses: addressesIn(each!.address, inside(location, 'address'), findings),
        cert: path(each!.certificate),
        key: path(each!.private_key),
        ...protocolOf(own, common),
        ca: authoritiesOf(own, { ca: optional(tls.ca) }),
        verifyClient: each!.verify_client,
      };
    }),
    clients: listOf(tls.clients).map(([index, each]) => {
      const { certificate, private_key: key } = each!;
      const location = inside(at, 'clients', index ?? 0);
      if ((certificate === undefined) !== (key === undefined))
        findings.refuse(location, 'certificate and private_key must both be given');
      const own = { ...readProtocol(each!, location, findings), ca: optional(each!.ca) };
      return {
        ...(each!.name === undefined ? {} : { name: each!.name }),
        addresses: addressesIn(each!.address ?? [], inside(location, 'address'), findings),
        serverNames: listOf<string>(each!.server_name ?? []).map(([, name]) => name.toLowerCase()),
        cert: optional(certificate),
        key: optional(key),
        ...protocolOf(own, common),
        ca: authoritiesOf(own, { ca: optional(tls.ca) }),
        verifyServer: each!.verify_server,
      };
    }),
  };
}

/** Addresses with port, in the form that identifies sockets and connections. */
function addressesIn(written: string | readonly (string | null)[], location: Location, findings: Findings): string[] {
  return listOf<string>(written).flatMap(([, text]) => {
    const parsed = findings.attempt(location, () => parseHostPort(text));
    if (parsed === undefined) return [];
    if (parsed.port === undefined) findings.refuse(location, `"${text}" has no port`);
    return [`${bracketed(parsed.host)}:${parsed.port ?? 5061}`];
  });
}

/**
 * What connections have to be like; the files are read with the certificates, names of ciphers and curves are tried.
 */
function readProtocol(raw: RawTlsProtocol, at: Location, findings: Findings): TlsProtocol {
  const path = (file: string | undefined) => (file === undefined || file === 'none' ? file : resolve(at.dir, file));
  const { min_version: minVersion, max_version: maxVersion, ciphers, ecdh_curve: ecdhCurve } = raw;
  const rank = (version: TlsVersion): number => TLS_VERSIONS.indexOf(version);
  if (minVersion !== undefined && maxVersion !== undefined && rank(minVersion) > rank(maxVersion))
    findings.refuse(inside(at, 'min_version'), `${minVersion} is above "max_version", ${maxVersion}`);
  const tried = (key: string, options: { readonly ciphers?: string; readonly ecdhCurve?: string }): void => {
    try {
      createSecureContext(options);
    } catch (error) {
      findings.refuse(inside(at, key), `OpenSSL refuses it: ${messageOf(error)}`);
    }
  };
  if (ciphers !== undefined) tried('ciphers', { ciphers });
  if (ecdhCurve !== undefined) tried('ecdh_curve', { ecdhCurve });
  return protocolOf({
    minVersion,
    maxVersion,
    ciphers,
    ecdhCurve,
    dhParams: path(raw.dh_params),
    crl: path(raw.crl),
    caDir: path(raw.ca_dir),
  });
}
