import { avpName } from '../core/avp-name.js';
import type { DispatcherConfig, KamailioConfig } from './dispatcher-settings.js';
import { refuseUnknownPartition } from './partition-definition.js';
import { MAX_SET_ID } from './partition-string.js';
import { sipUri } from './partitions.js';
import { isProbeHeader } from './probe-headers.js';
import { isOn, type RawModparam } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import { readSchema } from './schema.js';
import { parseSocket } from './socket.js';

/** Reads the parameters for the whole module; `raw` is valid and has its defaults. */
export function readDispatcher(
  raw: RawModparam,
  location: Location,
  partitionNames: ReadonlySet<string>,
  findings: Findings,
): DispatcherConfig {
  const at = (key: string) => inside(location, key);
  const text = (key: string) => (raw[key] === undefined ? undefined : String(raw[key]));
  const number = (key: string) => Number(raw[key]);
  warnAboutUnused(raw, at, findings);
  const probingSock = readAlias(raw, 'ds_probing_sock', 'ds_ping_socket', at, findings);
  for (const key of ['ds_probing_sock', 'ds_ping_socket', 'ds_default_socket']) {
    const value = text(key);
    if (value !== undefined) findings.attempt(at(key), () => parseSocket(value));
  }
  const outboundProxy = text('outbound_proxy');
  if (outboundProxy !== undefined) findings.attempt(at('outbound_proxy'), () => sipUri(outboundProxy));
  const pingFrom = text('ds_ping_from') ?? '';
  findings.attempt(at('ds_ping_from'), () => sipUri(pingFrom));
  const pattern = text('pvar_algo_pattern');
  if (pattern !== undefined && !pattern.includes('%u')) {
    findings.warn(at('pvar_algo_pattern'), 'has no "%u": all destinations of a set then get the same load');
  }
  const threshold = readThreshold(raw, at, findings);
  const mode = number('ds_probing_mode') as KamailioConfig['probingMode'];
  return {
    hashPvar: text('hash_pvar'),
    setidPvar: readAlias(raw, 'setid_pvar', 'setid_pvname', at, findings),
    pvarAlgoPattern: pattern,
    algoRoute: text('algo_route'),
    pingInterval: number('ds_ping_interval'),
    pingMethod: (text('ds_ping_method') ?? '').toUpperCase(),
    pingFrom,
    pingMaxfwd: number('ds_ping_maxfwd'),
    pingContact: isOn(raw['ds_ping_contact']),
    pingHeaders: readPingHeaders(lines(raw['ds_ping_headers']), at('ds_ping_headers'), findings),
    pingTimeout: readPingTimeout(number),
    probingSock,
    probingThreshold: threshold ?? 3,
    probingMode: mode === 0 ? 0 : 1,
    probingList: readProbingList(text('ds_probing_list'), at('ds_probing_list'), partitionNames, findings),
    optionsReplyCodes: (text('options_reply_codes') ?? '').match(/[0-9]+/g)?.map(Number) ?? [],
    flushInterval: number('ds_flush_interval'),
    freeswitch: { fetch: isOn(raw['fetch_freeswitch_stats']), maxWeight: number('max_freeswitch_weight') },
    kamailio: {
      probingMode: mode,
      probingThreshold: threshold ?? 1,
      inactiveThreshold: number('ds_inactive_threshold'),
      pingReplyCodes: readReplyCodes(text('ds_ping_reply_codes') ?? '', at('ds_ping_reply_codes'), findings),
      attrsNone: isOn(raw['ds_attrs_none']),
      extraAttrs: readExtraAttributes(text('ds_db_extra_attrs') ?? '', at('ds_db_extra_attrs'), findings),
      dns: {
        mode: raw['ds_dns_mode'] === undefined ? undefined : number('ds_dns_mode'),
        interval: number('ds_dns_interval'),
        ttl: number('ds_dns_ttl'),
        matchAll: raw['ds_dns_match_all'] === undefined ? undefined : isOn(raw['ds_dns_match_all']),
      },
      eventCallback: {
        route: text('event_callback') || undefined,
        mode: number('event_callback_mode') as 0 | 1 | 2,
      },
      latencyStats: isOn(raw['ds_ping_latency_stats']),
      retainLatencyStats: isOn(raw['ds_retain_latency_stats']),
      latencyAlpha: number('ds_latency_estimator_alpha') / 1000,
      flags: number('flags'),
      useDefault: isOn(raw['use_default']),
      forceDst: isOn(raw['force_dst']),
      attrsPvar: text('attrs_pvname'),
      hashExpire: number('ds_hash_expire'),
      hashInitexpire: number('ds_hash_initexpire'),
      hashCheckInterval: number('ds_hash_check_interval'),
      hashSize: number('ds_hash_size'),
      defaultSocket: text('ds_default_socket'),
      defaultSockname: text('ds_default_sockname'),
      outboundProxy,
    },
  };
}

/** In seconds, from ds_ping_fr_timeout (sixteenths), else ds_ping_fr_timer (milliseconds), else ds_ping_timeout. */
function readPingTimeout(number: (key: string) => number): number {
  const [sixteenths, milliseconds] = [number('ds_ping_fr_timeout'), number('ds_ping_fr_timer')];
  if (sixteenths > 0) return sixteenths / 16;
  return milliseconds > 0 ? milliseconds / 1000 : number('ds_ping_timeout');
}

function lines(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readPingHeaders(headers: readonly string[], location: Location, findings: Findings): readonly string[] {
  for (const header of headers) {
    if (!isProbeHeader(header))
      findings.refuse(location, `"${header.slice(0, header.indexOf(':'))}" is written by each probe itself`);
  }
  return headers;
}

type At = (key: string) => Location;

/** ds_probing_threshhold is the spelling of 2.1, ds_probing_threshold today's. */
function readThreshold(raw: RawModparam, at: At, findings: Findings): number | undefined {
  const value = readAlias(raw, 'ds_probing_threshhold', 'ds_probing_threshold', at, findings);
  return value === undefined ? undefined : Number(value);
}

function readAlias(raw: RawModparam, key: string, alias: string, at: At, findings: Findings): string | undefined {
  const value = raw[key] ?? raw[alias];
  if (raw[key] !== undefined && raw[alias] !== undefined && String(raw[key]) !== String(raw[alias])) {
    findings.refuse(at(alias), `is another name of ${key}, which has another value`);
  }
  return value === undefined ? undefined : String(value);
}

/** Accepts parameters for features of other modules, with a warning. */
function warnAboutUnused(raw: RawModparam, at: At, findings: Findings): void {
  for (const [key, schema] of Object.entries(readSchema('modparam').properties ?? {})) {
    if (schema.deprecated && raw[key] !== undefined) {
      findings.warn(at(key), (schema.description ?? '').replace('Accepted without effect. ', 'has no effect: '));
    }
  }
}

/**
 * "1,2" are set IDs in every partition, as documented; "acme:1" is a set of one partition, and "acme" all of its sets.
 */
function readProbingList(
  text: string | undefined,
  location: Location,
  partitions: ReadonlySet<string>,
  findings: Findings,
): DispatcherConfig['probingList'] {
  if (text === undefined) return undefined;
  const list: { partition: string; set: number | undefined }[] = [];
  for (const entry of text.split(',').map((each) => each.trim())) {
    if (entry === '') continue;
    const match = /^(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*:\s*)?([0-9]{1,10})$/.exec(entry);
    const named = match ? match[1] : withoutWildcard(entry);
    const set = match ? Number(match[2]) : undefined;
    if (set !== undefined && set > MAX_SET_ID) findings.refuse(location, `set id ${set} is too large`);
    else if (named === undefined) for (const partition of partitions) list.push({ partition, set });
    else if (partitions.has(named)) list.push({ partition: named, set });
    else refuseUnknownPartition(named, partitions, location, findings);
  }
  return list;
}

/** "acme", "acme:" and "acme:*" mean all sets of a partition. */
function withoutWildcard(entry: string): string {
  const name = entry.endsWith('*') ? entry.slice(0, -1).trimEnd() : entry;
  return name.endsWith(':') ? name.slice(0, -1).trimEnd() : entry;
}

/** Parses "attribute=column;attribute=column"; a column alone is also the attribute's name. */
function readExtraAttributes(
  text: string,
  location: Location,
  findings: Findings,
): readonly { readonly name: string; readonly column: string }[] {
  const found: { name: string; column: string }[] = [];
  for (const entry of text.split(/[;,]/).map((each) => each.trim())) {
    if (entry === '') continue;
    const [, name = '', column = name] = /^([A-Za-z_][\w.-]*)(?:\s*=\s*([A-Za-z_]\w*))?$/.exec(entry) ?? [];
    if (name === '' || !/^\w+$/.test(column)) {
      findings.refuse(location, `"${entry.slice(0, 64)}" is not of the form "attribute=column"`);
    } else if (found.some((each) => each.name === name)) {
      findings.refuse(location, `names the attribute ${name} twice`);
    } else found.push({ name, column });
  }
  return found;
}

/** Parses reply codes: "class=2;code=403", "501,403,404" or "200|404|4xx" become ["2xx", "403"] and so on. */
function readReplyCodes(text: string, location: Location, findings: Findings): readonly string[] {
  const codes: string[] = [];
  for (const [, kind = 'code', digits = '', wild] of text.matchAll(/(?:(code|class)\s*=\s*)?([0-9]{1,3})(xx)?/gi)) {
    const number = Number(digits);
    const isClass = kind.toLowerCase() === 'class' || wild !== undefined;
    const [low, high] = isClass ? [1, 6] : [100, 699];
    if (number < low || number > high) {
      findings.refuse(location, `bad ${isClass ? 'class' : 'code'} ${digits}: must be ${low} to ${high}`);
    } else codes.push(isClass ? `${number}xx` : String(number));
  }
  return codes;
}

/** The name in "$avp(name)" or, in old files, "$avp(s:name)". Throws when there is none. */
export function avpNameIn(specification: string): string {
  const match = /^\$avp\((.+)\)$/i.exec(specification);
  if (!match) throw new Error(`"${specification}" is not an AVP: expected $avp(name)`);
  return avpName(match[1]!);
}
