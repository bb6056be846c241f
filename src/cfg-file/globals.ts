import type { GlobalParameter, SettingValue } from '../cfg/ast.js';
import type { Dialect } from '../cfg/dialect.js';
import type { Problems } from '../cfg/problem.js';
import { parseSocket } from '../config/socket.js';
import { messageOf } from '../core/errors.js';
import { withoutRoot } from '../core/host-name.js';
import { switchOf } from '../core/switch-words.js';
import type { TransportName } from '../core/uri.js';
import { MAX_BRANCHES } from '../script/request-branches.js';
import type { HostAlias } from '../script/run-settings.js';
import { kamailioAliasFault, kamailioGlobalFault } from './kamailio-globals.js';
import { eachAddress, listenersOf } from './kamailio-sockets.js';
import { FileBlacklists } from './opensips/blacklists.js';
import { opensipsGlobals } from './opensips/globals.js';
import { plainValue } from './parameters.js';

/** Maximum number of sockets of a cfg file. */
const MAX_SOCKETS = 10_000;

/** The global parameters of a cfg file. */
export interface GlobalSettings {
  /** Sockets in the form of switchyard.json. */
  readonly listen: string[];
  readonly aliases: HostAlias[];
  advertised: string | undefined;
  advertisedPort: string | undefined;
  /** Log level as the file names it. */
  logLevel: number;
  xlogLevel: number | undefined;
  maxWhileLoops: number | undefined;
  serverSignature: boolean;
  serverHeader: string | undefined;
  userAgentHeader: string | undefined;
  sipWarning: boolean;
  onsendReply: boolean;
  /** Maximum number of branches of a request, the request-URI's included. */
  maxBranches: number;
  disable503: boolean;
  disableStatelessForward: boolean;
  forceRport: boolean;
  /** local_rport of Kamailio: our Via asks for replies to the source port. */
  localRport: boolean;
  /** log_prefix of Kamailio; variables in it are evaluated for each line. */
  linePrefix: string | undefined;
  defaultDbUrl: string | undefined;
  /** log_prefix of OpenSIPS. */
  logPrefix: string;
  /** return_mode 1: a call in an expression has its return code as value, and any but 0 is true. */
  plainReturns: boolean;
  /** Folder of the default sockets of Kamailio's modules (rundir). */
  runtimeFolder: string | undefined;
  /** Whether assert() is evaluated (enable_asserts). */
  asserts: boolean;
  /** dst_blacklist of OpenSIPS. */
  readonly blacklists: FileBlacklists;
  /** "group.name" variables of Kamailio, for $sel(cfg_get...). */
  readonly groups: Map<string, string | number>;
  /** TLS settings of the core (Kamailio's tls module has its own). */
  readonly defines: Map<string, string | number>;
}

/** Reads the global parameters. Errors are added to `problems`. */
export function readGlobals(
  parameters: readonly GlobalParameter[],
  dialect: Dialect,
  problems: Problems,
  noted: (parameter: GlobalParameter) => void,
): GlobalSettings {
  const out: GlobalSettings = {
    listen: [],
    aliases: [],
    advertised: undefined,
    advertisedPort: undefined,
    logLevel: dialect.name === 'kamailio' ? 2 : 3,
    xlogLevel: undefined,
    maxWhileLoops: undefined,
    serverSignature: true,
    serverHeader: undefined,
    userAgentHeader: undefined,
    sipWarning: false,
    onsendReply: false,
    maxBranches: MAX_BRANCHES,
    disable503: false,
    disableStatelessForward: false,
    forceRport: false,
    localRport: false,
    linePrefix: undefined,
    defaultDbUrl: undefined,
    logPrefix: '',
    asserts: true,
    plainReturns: false,
    blacklists: new FileBlacklists(),
    groups: new Map(),
    defines: new Map(),
    runtimeFolder: undefined,
  };
  let port: string | undefined;
  let tcp = dialect.name === 'kamailio';
  const bare: GlobalParameter[] = [];
  for (const parameter of parameters) {
    const { name, value, at } = parameter;
    const plain = value === undefined ? '' : plainValue(value);
    const fault = dialect.name === 'kamailio' ? kamailioGlobalFault(parameter, dialect, problems) : undefined;
    if (fault !== undefined) {
      problems.error('setting', value === undefined || fault.startsWith('unknown') ? at : value.at, fault);
      continue;
    }
    if (name.includes('.')) {
      out.groups.set(name, value?.kind === 'word' ? (isOn(plain) ? 1 : 0) : plain);
      continue;
    }
    switch (name) {
      case 'listen':
      case 'socket':
      case 'bind':
        if (dialect.name === 'kamailio' && name === 'socket') {
          try {
            bare.push(...listenersOf(parameter));
          } catch (error) {
            problems.error('setting', at, `socket: ${messageOf(error)}`);
          }
        } else bare.push(parameter);
        break;
      case 'port':
        port = String(plain);
        break;
      case 'disable_tcp':
        tcp &&= !isOn(plain);
        noted(parameter);
        break;
      case 'alias':
      case 'domain':
        for (const each of [value, ...parameter.rest]) {
          if (each === undefined) continue;
          const wrong = dialect.name === 'kamailio' ? kamailioAliasFault(each) : undefined;
          if (wrong !== undefined) problems.error('setting', each.at, wrong);
          else
            out.aliases.push(
              dialect.name === 'kamailio' && each.kind === 'string'
                ? hostAlias(each.value)
                : aliasOf(String(plainValue(each))),
            );
        }
        break;
      case 'advertised_address':
        out.advertised = advertisedHost(String(plain));
        break;
      case 'advertised_port':
        out.advertisedPort = String(plain);
        break;
      case 'debug':
      case 'log_level':
        out.logLevel = Number(plain);
        break;
      case 'xlog_level':
        out.xlogLevel = Number(plain);
        break;
      case 'max_while_loops':
        out.maxWhileLoops = Number(plain);
        break;
      case 'server_signature':
        out.serverSignature = isOn(plain);
        break;
      case 'server_header':
        out.serverHeader = String(plain);
        break;
      case 'user_agent_header':
        out.userAgentHeader = String(plain);
        break;
      case 'max_branches':
        out.maxBranches = typeof plain === 'number' ? plain : 1;
        break;
      case 'sip_warning':
        out.sipWarning = isOn(plain);
        break;
      case 'onsend_route_reply':
        out.onsendReply = isOn(plain);
        break;
      case 'disable_503_translation':
        out.disable503 = isOn(plain);
        break;
      case 'disable_stateless_fwd':
        out.disableStatelessForward = isOn(plain);
        break;
      case 'force_rport':
        out.forceRport = isOn(plain);
        break;
      case 'local_rport':
        out.localRport = dialect.name === 'kamailio' && isOn(plain);
        break;
      case 'log_prefix':
        if (dialect.name === 'opensips') out.logPrefix = String(plain);
        else out.linePrefix = String(plain);
        break;
      case 'return_mode':
        out.plainReturns = Number(plain) === 1;
        break;
      case 'rundir':
      case 'run_dir':
        out.runtimeFolder = String(plain);
        break;
      case 'enable_asserts':
        out.asserts = isOn(plain);
        break;
      case 'dst_blacklist': {
        const wrong = out.blacklists.define([value, ...parameter.rest].map((each) => plainText(each)).join(''));
        if (wrong !== undefined) problems.error('setting', at, `dst_blacklist: ${wrong}`);
        break;
      }
      case 'db_default_url':
        out.defaultDbUrl = String(plain);
        break;
      default:
        if (dialect.name === 'kamailio' || opensipsGlobals().has(name)) noted(parameter);
    }
  }
  const shown = dialect.name === 'opensips' ? out.advertisedPort : undefined;
  for (const parameter of bare)
    for (const transport of protocolsOf(parameter, tcp))
      listenOn(parameter, transport, port, shown === undefined ? undefined : [out.advertised, shown], out, problems);
  // Without a listen parameter both originals listen on all addresses.
  if (out.listen.length === 0)
    out.listen.push(...(tcp ? ['udp', 'tcp'] : ['udp']).map((each) => `${each}:0.0.0.0:${port ?? '5060'}`));
  return out;
}

function plainText(value: SettingValue | undefined): string {
  return value === undefined ? '' : value.kind === 'string' ? JSON.stringify(value.value) : value.text;
}

/**
 * Options of a listen parameter that concern how the original works internally; they have no effect here and cause no
 * warning.
 */
const SERVING = new Set(['anycast', 'reuse_port', 'frag', 'virtual', 'accept_subdomain', 'allow_proxy_protocol']);

const PROTOCOL = /^(?:udp|tcp|tls|ws|wss|sctp|hep_udp|hep_tcp|bin|smpp|msrp)[a-z_]*:/i;

/** Protocols of a listen parameter: the one it names, else UDP, and in Kamailio also TCP unless TCP is off. */
function protocolsOf({ value }: GlobalParameter, tcp: boolean): readonly string[] {
  if (value !== undefined && PROTOCOL.test(String(plainValue(value)).trim())) return [''];
  return tcp ? ['udp:', 'tcp:'] : ['udp:'];
}

/**
 * Adds the sockets of one listen parameter, such as "udp:host:port advertise host:port name "x" use_workers 4", to
 * `out`.
 */
function listenOn(
  { name, value, rest, at }: GlobalParameter,
  /** "udp:" where the value names no protocol, else "". */
  transport: string,
  port: string | undefined,
  /** Host (if any) and port that sockets advertise unless their own listen parameter says otherwise. */
  shown: readonly [host: string | undefined, port: string] | undefined,
  out: GlobalSettings,
  problems: Problems,
): void {
  let text = transport + (value === undefined ? '' : String(plainValue(value)).trim());
  if (/^(?:sctp|hep_|bin|smpp|msrp)/i.test(text)) {
    problems.warning('no-effect', at, `${name}=${text}: this transport is not supported`);
    return;
  }
  if (/^(?:[a-z]+:)?bond:/i.test(text)) {
    problems.error(
      'setting',
      at,
      `${name}=${text.replace(/^udp:/, '')}: bond sockets are not supported: name its sockets where it is used`,
    );
    return;
  }
  const words = rest.map((each) => String(plainValue(each)));
  while (/^(?:[a-z]+:)?\([^)]*$/i.test(text) && words.length > 0) text += words.shift();
  // Blanks may surround the colons.
  while (words.length > 0 && (words[0]?.startsWith(':') === true || text.endsWith(':'))) text += words.shift();
  if (text.endsWith(':')) {
    problems.error('setting', at, `${name}=${text}: an address is missing`);
    return;
  }
  text = text.replace(/^([a-z_]+:)\*(?=:|$)/i, '$10.0.0.0');
  if (!/:(?:\d+)$/.test(text.replace(/^[a-z]+:/i, '')) || /\]$/.test(text)) {
    text += `:${port ?? (/^tls/i.test(text) ? '5061' : '5060')}`;
  }
  const addresses = eachAddress(text);
  let options = '';
  if (shown !== undefined && !words.some((each) => /^(?:as|advertise)$/i.test(each))) {
    const own = /^[a-z]+:(.*):\d+$/i.exec(text)?.[1] ?? '';
    options += ` as ${shown[0] ?? own}:${shown[1]}`;
  }
  for (let i = 0; i < words.length; i++) {
    const word = (words[i] as string).toLowerCase();
    if (word === 'as' || word === 'advertise') options += ` as ${words[++i]}`;
    else if (word === 'name' || word === 'tag') options += ` name ${words[++i]}`;
    else if (/^(?:use_workers|use_children|use_auto_scaling_profile|agname|tos)$/.test(word)) i++;
    else if (!SERVING.has(word)) problems.warning('no-effect', at, `${name}=${text}: "${words[i]}" has no effect here`);
  }
  for (const socket of addresses.map((each) => each + options)) {
    try {
      parseSocket(socket);
      if (out.listen.includes(socket)) continue;
      if (out.listen.length >= MAX_SOCKETS) {
        problems.error('too-large', at, `more than ${MAX_SOCKETS} sockets`);
        return;
      }
      out.listen.push(socket);
    } catch (error) {
      problems.error('setting', at, `${name}=${socket}: ${messageOf(error)}`);
    }
  }
}

/** A host to advertise, an IPv6 address with brackets, which a file may omit; an empty text is none, as in Kamailio. */
function advertisedHost(text: string): string | undefined {
  if (text === '') return undefined;
  return text.includes(':') && !text.startsWith('[') && /^[0-9a-f:.]+$/i.test(text) ? `[${text}]` : text;
}

/** An alias in quotes, which Kamailio takes as the name of a host whatever it contains. */
function hostAlias(text: string): HostAlias {
  return { host: withoutRoot(text).toLowerCase(), port: undefined, transport: undefined };
}

/** Parses an alias: "udp:host:port", "host:port" or "host". */
export function aliasOf(text: string): HostAlias {
  const plain = text.trim().replace(/^\((.*)\)$/, '$1');
  const match = /^(?:(udp|tcp|tls|ws|wss|sctp):)?(\[[^\]]+\]|[^:]+)(?::(\d+|\*))?$/i.exec(plain);
  return {
    host: withoutRoot(match?.[2] ?? text).toLowerCase(),
    // As in Kamailio, ports 0 and * stand for any.
    port: Number(match?.[3]) || undefined,
    transport: match?.[1]?.toLowerCase() as TransportName | undefined,
  };
}

function isOn(value: string | number): boolean {
  return typeof value === 'number' ? value !== 0 : switchOf(value) === true;
}
