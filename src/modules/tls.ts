import type { DialectName } from '../cfg/function-table.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import type { CertificateFacts, NameAttribute, TlsFacts } from '../sip/transport/tls-facts.js';
import { BOTH, moduleFunctions, type ScriptFunction } from './define.js';
import { own } from './script-variable.js';

type Value = string | number | null;

/** A variable that reads the TLS connection of the message; null without TLS. */
function ofTls(read: (facts: TlsFacts) => Value): VariableDefinition {
  return own((scope: CfgScope) => {
    const facts = scope.source?.flow?.tls;
    return facts === undefined ? null : read(facts);
  });
}

/** A variable that reads the peer's or our certificate; null when there is none. */
function ofCertificate(whose: 'peer' | 'my', read: (certificate: CertificateFacts) => Value): VariableDefinition {
  return ofTls(({ peer, own: mine }) => {
    const certificate = whose === 'peer' ? peer : mine;
    return certificate === undefined ? null : read(certificate);
  });
}

function attribute(name: readonly NameAttribute[], type: string): string | null {
  return name.find((each) => each.type === type)?.value ?? null;
}

/** A name in the form "/C=AT/O=enum.at/CN=enum.at". */
function oneLine(name: readonly NameAttribute[]): string {
  return name.map(({ type, value }) => `/${type}=${value}`).join('');
}

/** Endings of variable names, with the attribute that is read. */
const ATTRIBUTES = {
  cn: 'CN',
  locality: 'L',
  country: 'C',
  state: 'ST',
  organization: 'O',
  unit: 'OU',
} as const;

const ALT_NAMES = { email: 'email', hostname: 'DNS', uri: 'URI', ip: 'IP' } as const;

function certificateVariables(whose: 'peer' | 'my'): (readonly [string, VariableDefinition])[] {
  const prefix = `tls_${whose}_`;
  return [
    [`${prefix}version`, ofCertificate(whose, ({ version }) => String(version))],
    [`${prefix}serial`, { ...ofCertificate(whose, ({ serial }) => serial), digits: true }],
    ...(['subject', 'issuer'] as const).flatMap((part): (readonly [string, VariableDefinition])[] => [
      [`${prefix}${part}`, ofCertificate(whose, (certificate) => oneLine(certificate[part]))],
      ...Object.entries(ATTRIBUTES).map(([end, type]): [string, VariableDefinition] => [
        `${prefix}${part}_${end}`,
        ofCertificate(whose, (certificate) => attribute(certificate[part], type)),
      ]),
    ]),
    ...Object.entries(ALT_NAMES).map(([end, kind]): [string, VariableDefinition] => [
      `${prefix}san_${end}`,
      ofCertificate(whose, ({ altNames }) => altNames.find((each) => each.kind === kind)?.name ?? null),
    ]),
  ];
}

/** Whether the peer's certificate failed verification with one of these error names of OpenSSL. */
const faulty = (...words: readonly string[]): VariableDefinition =>
  ofTls(({ fault }) => (fault !== undefined && words.includes(fault) ? 1 : 0));

/** Variables that only Kamailio has. */
const KAMAILIO_VARIABLES: readonly (readonly [string, VariableDefinition])[] = [
  ['tls_peer_server_name', ofTls(({ serverName }) => serverName ?? null)],
  ...(['peer', 'my'] as const).flatMap((whose): (readonly [string, VariableDefinition])[] => [
    [`tls_${whose}_subject_uid`, ofCertificate(whose, ({ subject }) => attribute(subject, 'UID'))],
    [`tls_${whose}_raw_cert`, ofCertificate(whose, ({ pem }) => pem)],
    [`tls_${whose}_urlencoded_cert`, ofCertificate(whose, ({ pem }) => encodeURIComponent(pem))],
  ]),
];

/** $tls_version, $tls_peer_subject_cn and the like, of tls_mgm and tls. */
const VARIABLES: readonly (readonly [string, VariableDefinition])[] = [
  ['tls_version', ofTls(({ version }) => version)],
  ['tls_description', ofTls(({ cipher, version, cipherBits }) => `${cipher} ${version} Enc(${cipherBits})`)],
  ['tls_cipher_info', ofTls(({ cipher }) => cipher)],
  ['tls_cipher_bits', ofTls(({ cipherBits }) => cipherBits)],
  ...certificateVariables('peer'),
  ...certificateVariables('my'),
  ['tls_peer_verified', ofTls(({ verified }) => (verified ? 1 : 0))],
  ['tls_peer_revoked', faulty('CERT_REVOKED')],
  ['tls_peer_expired', faulty('CERT_HAS_EXPIRED')],
  ['tls_peer_selfsigned', faulty('DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN')],
  ['tls_peer_notBefore', ofCertificate('peer', ({ notBefore }) => notBefore)],
  ['tls_peer_notAfter', ofCertificate('peer', ({ notAfter }) => notAfter)],
];

/** The variables of tls_mgm, or those of tls. */
export function tlsVariables(dialect: DialectName): readonly (readonly [string, VariableDefinition])[] {
  return dialect === 'opensips' ? VARIABLES : [...VARIABLES, ...KAMAILIO_VARIABLES];
}

/** The functions of tls_mgm and tls. */
export const tlsFunctions: ScriptFunction[] = moduleFunctions('tls_mgm|tls', [
  {
    name: 'is_peer_verified',
    dialects: BOTH,
    routes: ['request', 'event'],
    summary: 'whether the message was received over TLS from a peer with a verified certificate',
    compile: () => (run) => (run.call.source?.flow?.tls?.verified === true ? 1 : -1),
  },
]);
