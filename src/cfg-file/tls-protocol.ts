import type { ConfigurationTree, Position } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import type { ModuleValues } from './parameters.js';

/** Protocol settings of a TLS domain, in the form of switchyard.json. */
export interface ProtocolJson {
  readonly [key: string]: string;
}

/** Keys of a domain whose values switchyard.json has unchanged. */
const PLAIN = ['ciphers', 'ecdh_curve', 'dh_params', 'crl', 'ca_dir'] as const;

/** The protocol settings in the values of a domain. */
export function protocolIn(values: ReadonlyMap<string, string>): ProtocolJson {
  const found: Record<string, string> = {};
  const versions = versionsIn(values.get('method') ?? '');
  if (versions !== undefined) {
    found['min_version'] = versions.lowest;
    found['max_version'] = versions.highest;
  }
  for (const key of PLAIN) {
    const value = values.get(key) ?? '';
    if (value !== '') found[key] = value;
  }
  return found;
}

const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['tlsv1', 'TLSv1'],
  ['tlsv1.0', 'TLSv1'],
  ['tlsv1.1', 'TLSv1.1'],
  ['tlsv1.2', 'TLSv1.2'],
  ['tlsv1.3', 'TLSv1.3'],
]);

/**
 * Versions for "any version" of both programs. With versions before 1.2, OpenSSL 3 needs its lowest security level too.
 */
const ANY = { lowest: 'TLSv1', highest: 'TLSv1.3' } as const;

/**
 * Parses TLS versions: "TLSv1_2", "TLSv1_2-TLSv1_3", "TLSv1_2-", "-TLSv1_2" of OpenSIPS, "TLSv1.2" and "TLSv1.2+" of
 * Kamailio, SSLv23 of both; undefined for any other text.
 */
function versionsIn(text: string): { readonly lowest: string; readonly highest: string } | undefined {
  const plain = text.trim().toLowerCase().replaceAll('_', '.');
  if (plain === 'sslv23') return ANY;
  const [, first = '', up, last = ''] = /^([^-+]*?)\s*(?:([-+])\s*([^-+]*))?$/.exec(plain) ?? [];
  if (first === '' && last === '') return undefined;
  const lowest = first === '' ? ANY.lowest : VERSIONS.get(first);
  const highest = up === undefined ? lowest : last === '' ? ANY.highest : VERSIONS.get(last);
  return lowest === undefined || highest === undefined ? undefined : { lowest, highest };
}

/** Parameters of both programs' TLS modules that have no effect here. */
const IGNORED_PARAMETERS: ReadonlySet<string> = new Set(['verify_depth', 'db_url']);

/** Warns about demands on connections in module parameters that are not made here. */
export function reportIgnoredRequirements(tree: ConfigurationTree, modules: ModuleValues, problems: Problems): void {
  const checksAll = new Set<string>();
  const given: { readonly name: string; readonly domain: string; readonly value: string; readonly at: Position }[] = [];
  for (const { module, name, value, at } of tree.moduleParameters) {
    if (!module.split('|').some((each) => /^(?:tls|tls_mgm|proto_tls)$/.test(each) && modules.has(each))) continue;
    const [, domain = 'default', own = ''] = /^(?:\[([^\]]*)\])?(.*)$/s.exec(String(value)) ?? [];
    given.push({ name, domain, value: own.trim(), at });
    if (name === 'crl_check_all' && own.trim() !== '0') checksAll.add(domain);
  }
  for (const { name, domain, value, at } of given) {
    warnAbout(name, value, at, problems);
    if (name === 'crl_dir' && value !== '' && !checksAll.has(domain))
      problems.warning('tls-otherwise', at, WHOLE_CHAIN);
  }
}

const WHOLE_CHAIN =
  'crl_dir without crl_check_all 1: a revocation list is needed for every authority in the chain; a certificate is refused while one of them has no list in the folder';

/** Warns about one parameter of a TLS module or of a section of tls.cfg; `where` is the beginning of the text. */
export function warnAbout(name: string, value: string, at: Position, problems: Problems, where = ''): void {
  for (const what of ignoredRequirements(name, value)) problems.warning('tls-demand', at, `${where}${what}`);
  const lowered = lowersSecurity(name, value);
  if (lowered !== undefined) problems.warning('tls-otherwise', at, `${where}${lowered}`);
}

/** What OpenSSL accepts in addition with a method older than TLS 1.2; undefined for another parameter or value. */
function lowersSecurity(name: string, value: string): string | undefined {
  if (name !== 'tls_method' && name !== 'method') return undefined;
  const highest = versionsIn(value)?.highest;
  if (highest === undefined || highest >= 'TLSv1.2') return undefined;
  return `${name} ${value}: OpenSSL accepts it at security level 0 only, at which short keys and SHA-1 signatures are accepted too`;
}

/** The demand of a parameter's value that is not made here, as at most one sentence. */
function ignoredRequirements(name: string, value: string): string[] {
  if (value === '') return [];
  if (IGNORED_PARAMETERS.has(name)) return [`${name} has no effect: connections that it would refuse are accepted`];
  const isMethod = name === 'tls_method' || name === 'method';
  if (isMethod && versionsIn(value) === undefined)
    return [`${name} ${value} has no effect: TLS 1.2 and 1.3 are accepted`];
  return [];
}
