import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigurationTree } from '../cfg/ast.js';
import type { DialectName } from '../cfg/function-table.js';
import type { Problems } from '../cfg/problem.js';
import { messageOf } from '../core/errors.js';
import { ownValue } from '../core/own-value.js';
import { switchOf } from '../core/switch-words.js';
import type { ModuleValues } from './parameters.js';
import { type ProtocolJson, protocolIn, reportIgnoredRequirements, warnAbout } from './tls-protocol.js';

/** The TLS part of the settings, in the form of switchyard.json. */
export interface TlsJson {
  readonly [key: string]: string | boolean | { readonly [key: string]: string | boolean | string[] }[];
}

/** A TLS domain: its certificate and the certificate authorities it trusts. */
interface Domain {
  readonly server: boolean;
  readonly name: string;
  readonly values: Map<string, string>;
  readonly hosts: string[];
  /** "host:port" of the sockets or servers it applies to; empty: all. */
  readonly addresses: string[];
}

/** Maximum length of a tls.cfg in bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * TLS settings from the modules of both programs: tls_mgm with its domains, Kamailio's tls with its file. Undefined
 * when the file loads neither, or names no certificate.
 */
export function tlsSettings(
  tree: ConfigurationTree,
  modules: ModuleValues,
  dialect: DialectName,
  problems: Problems,
): TlsJson | undefined {
  reportIgnoredRequirements(tree, modules, problems);
  const domains = dialect === 'opensips' ? opensipsDomains(modules) : kamailioDomains(tree, modules, problems);
  const servers = domains.filter(({ server, values }) => server && values.has('certificate'));
  const rank = ({ name, addresses }: Domain): number => Number(name === 'default') * 2 + Number(addresses.length === 0);
  const [first] = [...servers].sort((a, b) => rank(b) - rank(a));
  if (first === undefined) return undefined;
  const usual = dialect === 'opensips' ? 'yes' : 'no';
  const demandOf = (domain: Domain): boolean | 'if_shown' =>
    dialect === 'opensips' ? opensipsClientVerification(domain) : kamailioClientVerification(domain);
  // A client domain for certain servers does not decide about other servers.
  const client = domains.find(({ server, addresses, hosts }) => !server && addresses.length + hosts.length === 0);
  const verifies = client?.values.get('verify') ?? usual;
  const ca = first.values.get('ca') ?? client?.values.get('ca');
  const protocols = protocolsOf(domains);
  const protocol = (domain: Domain): ProtocolJson => protocols.get(domain) ?? {};
  const taken = new Set(first.addresses);
  const listeners = servers.flatMap((each) => {
    const addresses = each.addresses.filter((address) => !taken.has(address));
    for (const address of addresses) taken.add(address);
    if (each === first || addresses.length === 0) return [];
    return [
      { address: addresses, ...pair(each), ...authorities(each), verify_client: demandOf(each), ...protocol(each) },
    ];
  });
  const contexts = servers
    .filter((each) => each.hosts.length > 0 && (each !== first || each.addresses.length > 0))
    .map((each) => ({
      server_name: each.hosts,
      ...pair(each),
      ...verificationByName(each, servers, first, demandOf),
      ...protocolByName(each, servers, first, protocol),
    }));
  const byName = ['tls_mgm', 'proto_tls'].some((module) =>
    ['client_tls_domain_avp', 'client_domain_avp'].some((name) => modules.get(module)?.has(name) === true),
  );
  const clients = clientsOf(domains, { ca, usual, protocol, common: protocol(first), byName });
  return {
    ...pair(first),
    ...(ca === undefined ? {} : { ca }),
    verify_client: demandOf(first),
    verify_server: isOn(verifies),
    ...protocol(first),
    ...(contexts.length === 0 ? {} : { contexts }),
    ...(listeners.length === 0 ? {} : { listeners }),
    ...(clients.length === 0 ? {} : { clients }),
  };
}

/** Client verification of a domain that is found by server name (SNI), where it differs from the socket's. */
function verificationByName(
  each: Domain,
  servers: readonly Domain[],
  first: Domain,
  demandOf: (domain: Domain) => boolean | 'if_shown',
): { ca?: string; verify_client?: boolean | 'if_shown' } {
  const socket = socketOf(each, servers, first);
  const demand = demandOf(each);
  const other = demand !== false && each.values.get('ca') !== socket.values.get('ca');
  if (socket === each || (demand === demandOf(socket) && !other)) return {};
  return { ...authorities(each), verify_client: demand };
}

/** Protocol settings of a domain that is found by server name (SNI), where they differ from the socket's. */
function protocolByName(
  each: Domain,
  servers: readonly Domain[],
  first: Domain,
  protocol: (domain: Domain) => ProtocolJson,
): ProtocolJson {
  const socket = socketOf(each, servers, first);
  return isDeepStrictEqual(protocol(each), protocol(socket)) ? {} : protocol(each);
}

/** The domain whose settings the socket of a named domain has. */
function socketOf(each: Domain, servers: readonly Domain[], first: Domain): Domain {
  return servers.find(({ addresses }) => addresses.some((at) => each.addresses.includes(at))) ?? first;
}

/**
 * The protocol settings of each domain. When one domain has such a setting, all get complete ones, since domains do not
 * inherit from each other.
 */
function protocolsOf(domains: readonly Domain[]): ReadonlyMap<Domain, ProtocolJson> {
  const own = domains.map(({ values }) => protocolIn(values));
  const used: ProtocolJson = Object.assign({}, ...own);
  const usual = Object.fromEntries(Object.keys(used).map((key) => [key, USUAL[key] ?? 'none']));
  return new Map(domains.map((each, i) => [each, { ...usual, ...own[i] }]));
}

const USUAL: Readonly<Record<string, string>> = {
  min_version: 'TLSv1.2',
  max_version: 'TLSv1.3',
  ciphers: 'DEFAULT',
  ecdh_curve: 'auto',
};

/** Settings that all client domains of a file have in common. */
interface ForClients {
  readonly ca: string | undefined;
  readonly usual: string;
  readonly protocol: (domain: Domain) => ProtocolJson;
  /** Protocol settings for all clients. */
  readonly common: ProtocolJson;
  /** Whether a script chooses client domains by name. */
  readonly byName: boolean;
}

/** Client domains: first those with an address, then those with names. */
function clientsOf(
  domains: readonly Domain[],
  { ca, usual, protocol, common, byName }: ForClients,
): { readonly [key: string]: string | boolean | string[] }[] {
  const rank = ({ addresses, hosts }: Domain): number => Number(addresses.length > 0) * 2 + Number(hosts.length > 0);
  const clients = domains.filter(({ server }) => !server);
  // A domain that does not differ from the default for all servers needs no entry.
  const own = (each: Domain): boolean =>
    each.values.has('certificate') ||
    each.addresses.length + each.hosts.length > 0 ||
    (each.values.get('ca') ?? ca) !== ca ||
    !isDeepStrictEqual(protocol(each), common);
  if (!byName && !clients.some(own)) return [];
  return clients
    .sort((a, b) => rank(b) - rank(a))
    .map((each) => ({
      ...(byName ? { name: each.name } : {}),
      ...(each.addresses.length === 0 ? {} : { address: each.addresses }),
      ...(each.hosts.length === 0 ? {} : { server_name: each.hosts }),
      ...(each.values.has('certificate') ? pair(each) : {}),
      ...authorities(each),
      verify_server: isOn(each.values.get('verify') ?? usual),
      ...protocol(each),
    }));
}

function authorities({ values }: Domain): { ca?: string } {
  const ca = values.get('ca');
  return ca === undefined ? {} : { ca };
}

function pair({ values }: Domain): { certificate: string; private_key: string } {
  const certificate = values.get('certificate') ?? '';
  return { certificate, private_key: values.get('key') ?? certificate };
}

/**
 * Whether OpenSIPS asks clients for a certificate: both parameters are 1 by default, and require_cert has an effect
 * only with verify_cert.
 */
function opensipsClientVerification({ values }: Domain): boolean | 'if_shown' {
  if (!isOn(values.get('verify') ?? '1')) return false;
  return isOn(values.get('require') ?? '1') || 'if_shown';
}

/**
 * Whether Kamailio asks clients for a certificate; as recorded with 5.6.3, require_certificate needs no
 * verify_certificate.
 */
function kamailioClientVerification({ values }: Domain): boolean | 'if_shown' {
  if (isOn(values.get('require') ?? 'no')) return true;
  return isOn(values.get('verify') ?? 'no') ? 'if_shown' : false;
}

function isOn(text: string): boolean {
  return switchOf(text) === true;
}

const OPENSIPS_KEYS: Readonly<Record<string, string>> = {
  certificate: 'certificate',
  private_key: 'key',
  ca_list: 'ca',
  verify_cert: 'verify',
  require_cert: 'require',
  tls_method: 'method',
  ciphers_list: 'ciphers',
  cipher_list: 'ciphers',
  dh_params: 'dh_params',
  ec_curve: 'ecdh_curve',
  crl_dir: 'crl',
  ca_dir: 'ca_dir',
};

/** Whether `tlsSettings` reads a parameter of the module "tls" or "tls_mgm". */
export function isTlsParameter(name: string, dialect: DialectName): boolean {
  if (dialect === 'kamailio') return name === 'config' || ownValue(KAMAILIO_KEYS, name) !== undefined;
  return OF_DOMAINS.has(name) || ownValue(OPENSIPS_KEYS, name) !== undefined;
}

/** Parameters of tls_mgm that name domains and say what they are for. */
const OF_DOMAINS = new Set(['server_domain', 'client_domain', 'match_sip_domain', 'match_ip_address']);

/** Domains from modparam("tls_mgm", "certificate", "[domain]/path"); without a name the default domain. */
function opensipsDomains(modules: ModuleValues): Domain[] {
  const domains = new Map<string, Domain>();
  const of = (name: string, server: boolean): Domain => {
    let domain = domains.get(name);
    if (domain === undefined) {
      domain = { server, name, values: new Map(), hosts: [], addresses: [] };
      domains.set(name, domain);
    }
    return domain;
  };
  for (const module of ['tls_mgm', 'proto_tls']) {
    const values = modules.get(module);
    for (const [parameter, server] of [
      ['server_domain', true],
      ['client_domain', false],
    ] as const) {
      for (const each of values?.get(parameter) ?? []) {
        // Up to 2.3 the syntax was "name=address:port".
        const [name = '', at = ''] = String(each).split('=');
        of(name.trim(), server).addresses.push(...hostsIn(at).map(withPort));
      }
    }
    /** Applies the values "[domain]value" of a parameter; without a name to the default domain. */
    const forDomains = (parameter: string, take: (domain: Domain, value: string) => void): void => {
      for (const each of values?.get(parameter) ?? []) {
        const [, name = 'default', value = ''] = /^(?:\[([^\]]*)\])?(.*)$/s.exec(String(each)) ?? [];
        take(of(name, true), value);
      }
    };
    for (const [parameter, key] of Object.entries(OPENSIPS_KEYS))
      forDomains(parameter, (domain, value) => domain.values.set(key, value.trim()));
    forDomains('match_sip_domain', ({ hosts }, value) => hosts.push(...hostsIn(value)));
    forDomains('match_ip_address', ({ addresses }, value) => addresses.push(...hostsIn(value).map(withPort)));
  }
  return [...domains.values()];
}

/** "host:port", with 5061 when the port is omitted. */
function withPort(address: string): string {
  return /:\d+$/.test(address) && !/^[^[].*:.*:/.test(address) ? address : `${address}:5061`;
}

function hostsIn(text: string): string[] {
  return text
    .split(/[,\s]+/)
    .map((each) => each.trim())
    .filter((each) => each !== '' && each !== '*' && each !== 'none');
}

const KAMAILIO_KEYS: Readonly<Record<string, string>> = {
  certificate: 'certificate',
  private_key: 'key',
  ca_list: 'ca',
  verify_certificate: 'verify',
  require_certificate: 'require',
  tls_method: 'method',
  method: 'method',
  cipher_list: 'ciphers',
  crl: 'crl',
  ca_path: 'ca_dir',
};

/** Keys of a domain whose values are file names. */
const FILES: ReadonlySet<string> = new Set(['certificate', 'key', 'ca', 'crl', 'ca_dir']);

/**
 * Domains from modparam("tls", "config", FILE) with sections such as "[server:default]", or from the parameters
 * themselves.
 */
function kamailioDomains(tree: ConfigurationTree, modules: ModuleValues, problems: Problems): Domain[] {
  const values = modules.get('tls');
  if (values === undefined) return [];
  const own: Domain = { server: true, name: 'default', values: new Map(), hosts: [], addresses: [] };
  for (const [parameter, key] of Object.entries(KAMAILIO_KEYS)) {
    const value = values.get(parameter)?.at(-1);
    if (value !== undefined) own.values.set(key, String(value));
  }
  const named = values.get('config')?.at(-1);
  // As recorded with 5.6.3, the parameters are those of the default client domain too; beside a tls.cfg they have no
  // effect.
  const asked = [...own.values].filter(([key]) => key !== 'certificate' && key !== 'key');
  if (named === undefined) return [own, { ...own, server: false, values: new Map(asked) }];
  const at = tree.moduleParameters.find(({ module, name }) => module === 'tls' && name === 'config')?.at;
  if (at === undefined) return [own];
  const file = resolve(dirname(at.file), String(named));
  try {
    const text = readFileSync(file, 'latin1');
    if (text.length > MAX_BYTES) throw new Error('it is larger than 1 MiB');
    const found = sections(text, dirname(file));
    for (const { server, name: domain, values: given } of found)
      for (const [key, value] of given)
        warnAbout(key, value, at, problems, `${file}: [${server ? 'server' : 'client'}:${domain}] `);
    return [...found, own];
  } catch (error) {
    problems.error('setting', at, `tls config ${file} cannot be read: ${messageOf(error)}`);
    return [own];
  }
}

/** Parses the sections of a tls.cfg; relative paths in it start at its folder. */
function sections(text: string, folder: string): Domain[] {
  const domains: Domain[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/#.*$/, '').trim();
    const head = /^\[\s*(server|client)\s*:\s*([^\]]*)\]$/i.exec(line);
    if (head !== null) {
      domains.push({
        server: head[1]?.toLowerCase() === 'server',
        name: (head[2] ?? '').trim().toLowerCase(),
        values: new Map(),
        hosts: [],
        addresses: [],
      });
      continue;
    }
    const domain = domains.at(-1);
    const [, name = '', value = ''] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (domain === undefined || name === '') continue;
    const plain = value.replace(/^"(.*)"$/, '$1').trim();
    const key = ownValue(KAMAILIO_KEYS, name);
    if (name === 'server_name') domain.hosts.push(...hostsIn(plain));
    else if (key !== undefined && FILES.has(key)) domain.values.set(key, resolve(folder, plain));
    else domain.values.set(key ?? name, plain);
  }
  for (const { server, name, hosts, addresses } of domains) {
    // server_name of a client section is the SNI sent to the server.
    if (!server) hosts.length = 0;
    if (hosts.length === 0 && /:\d+$/.test(name)) addresses.push(name);
  }
  // A script selects a client section "any" by its server_id, which is not supported. The section must not apply to all
  // servers.
  return domains.filter(({ server, name, addresses }) => server || name === 'default' || addresses.length > 0);
}
