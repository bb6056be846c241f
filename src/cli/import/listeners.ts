import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { GlobalParameter, SettingValue } from '../../cfg/ast.js';
import { parseSocket } from '../../config/socket.js';
import { messageOf } from '../../core/errors.js';
import { switchOf } from '../../core/switch-words.js';
import type { Ledger } from './ledger.js';

/** The sockets in a file, and our own names. */
export interface Listeners {
  readonly listen: readonly string[];
  /** Host names and addresses that are ours; undefined if a socket listens on all addresses. */
  readonly own: readonly string[] | undefined;
  /** Values of "alias". */
  readonly aliases: readonly string[];
}

/** Options of a socket that have no meaning here. */
const SERVING = new Set(['use_workers', 'use_children', 'workers', 'agname']);

/** Reads "listen", "socket", "port" and "alias". */
export function readListeners(parameters: readonly GlobalParameter[], kamailio: boolean, ledger: Ledger): Listeners {
  const reader = new ListenerReader(parameters, kamailio, ledger);
  const listen = reader.sockets();
  const aliases = parameters
    .filter(({ name }) => name === 'alias' || name === 'domain')
    .flatMap((each) => aliasOf(each));
  return { listen, aliases, own: ownNames(listen, aliases) };
}

function aliasOf({ value, rest }: GlobalParameter): string[] {
  return [value, ...rest]
    .filter((each) => each !== undefined)
    .map(textOf)
    .filter((text) => text !== '');
}

/** Hosts of sockets and aliases; a socket on all addresses has names that only the machine knows. */
function ownNames(listen: readonly string[], aliases: readonly string[]): readonly string[] | undefined {
  const hosts = new Set<string>();
  for (const text of listen) {
    const { host, advertise } = parseSocket(text);
    if (host === '0.0.0.0' || host === '::') return undefined;
    hosts.add(host);
    if (advertise !== undefined) hosts.add(advertise.host);
  }
  for (const alias of aliases) hosts.add(alias.replace(/^[a-z]+:(?=[^/])/i, '').replace(/:(?:[0-9]+|\*)$/, ''));
  return [...hosts];
}

class ListenerReader {
  private readonly found: string[] = [];
  private readonly port: string;

  constructor(
    private readonly parameters: readonly GlobalParameter[],
    private readonly kamailio: boolean,
    private readonly ledger: Ledger,
  ) {
    const port = parameters.findLast(({ name }) => name === 'port')?.value;
    this.port = port === undefined ? '5060' : textOf(port);
  }

  sockets(): readonly string[] {
    const lines = this.parameters.filter(({ name }) => name === 'listen' || name === 'socket');
    for (const line of lines) this.take(line);
    if (lines.length === 0) this.all();
    return this.found;
  }

  /** Without a socket, both programs listen on all addresses. */
  private all(): void {
    const tcp = !this.isOn('disable_tcp');
    this.found.push(`udp:0.0.0.0:${this.port}`, ...(tcp ? [`tcp:0.0.0.0:${this.port}`] : []));
    this.ledger.note(
      undefined,
      `the file names no socket: the daemon listens on all addresses, as the original does (${this.found.join(', ')})`,
    );
  }

  private isOn(name: string): boolean {
    const value = this.parameters.findLast((each) => each.name === name)?.value;
    return value !== undefined && switchOf(textOf(value)) === true;
  }

  private take(line: GlobalParameter): void {
    const { value, rest, at, name } = line;
    if (value === undefined) return;
    if (textOf(value) === '{') {
      this.block(line);
      return;
    }
    // In "udp:(a, b):5060", the text in parentheses was split at the commas.
    let text = textOf(value);
    let left = [...rest];
    if (text.includes('(')) {
      while (!text.includes(')') && left.length > 0) text += textOf(left.shift() as SettingValue);
    }
    const options = left.map(textOf);
    let advertise: string | undefined;
    let label: string | undefined;
    const other: string[] = [];
    for (let i = 0; i < options.length; i++) {
      const word = (options[i] as string).toLowerCase();
      if (word === 'as' || word === 'advertise') advertise = options[++i];
      else if (word === 'name') label = options[++i];
      else if (SERVING.has(word)) i++;
      else other.push(options[i] as string);
    }
    left = [];
    this.add(text, advertise, label, at, name);
    if (other.length > 0) this.ledger.leave(at, `${name}=${text}: its options have no counterpart: ${other.join(' ')}`);
  }

  /** Kamailio's "socket = { bind = ...; advertise = ...; name = ...; }". */
  private block({ rest, at, name }: GlobalParameter): void {
    const fields = new Map<string, string>();
    for (let i = 0; i + 1 < rest.length; i += 2)
      fields.set(textOf(rest[i] as SettingValue), textOf(rest[i + 1] as SettingValue));
    const bind = fields.get('bind');
    if (bind === undefined) {
      this.ledger.leave(at, `${name} = { ... } without "bind"`);
      return;
    }
    this.add(bind, fields.get('advertise'), fields.get('name'), at, name);
    const other = [...fields.keys()].filter((key) => !['bind', 'advertise', 'name'].includes(key) && !SERVING.has(key));
    if (other.length > 0) this.ledger.leave(at, `socket ${bind}: its options have no counterpart: ${other.join(' ')}`);
  }

  private add(
    text: string,
    advertise: string | undefined,
    label: string | undefined,
    at: GlobalParameter['at'],
    name: string,
  ): void {
    const [, protocol, address = ''] = /^(?:([a-z_]\w*):(?!\/))?(.*)$/is.exec(text) ?? [];
    if (protocol !== undefined && !/^(?:udp|tcp|tls|ws|wss)$/i.test(protocol)) {
      this.ledger.leave(at, `${name}=${text}: protocol ${protocol} has no counterpart`);
      return;
    }
    const brackets = /^\((.*)\)(:[0-9]+)?$/s.exec(address);
    const addresses =
      brackets === null
        ? [address]
        : (brackets[1] as string).split(',').map((each) => each.trim() + (brackets[2] ?? ''));
    // In Kamailio, a socket without protocol means one for each.
    const protocols =
      protocol === undefined
        ? this.kamailio && !this.isOn('disable_tcp')
          ? ['udp', 'tcp']
          : ['udp']
        : [protocol.toLowerCase()];
    for (const each of addresses) {
      for (const host of this.hosts(each, at, name)) {
        for (const transport of protocols) this.push(transport, host, advertise, label, at, name);
      }
    }
  }

  private push(
    transport: string,
    host: string,
    advertise: string | undefined,
    label: string | undefined,
    at: GlobalParameter['at'],
    name: string,
  ): void {
    const withPort = /:[0-9]+$/.test(host.replace(/^\[[^\]]*\]/, ''))
      ? host
      : `${host}:${transport === 'tls' || transport === 'wss' ? '5061' : this.port}`;
    const shown = `${transport}:${withPort}${advertise === undefined ? '' : ` as ${advertise}`}${label === undefined ? '' : ` name ${label}`}`;
    try {
      parseSocket(shown);
      if (!this.found.includes(shown)) this.found.push(shown);
    } catch (error) {
      this.ledger.leave(at, `${name}=${shown}: ${messageOf(error)}`);
    }
  }

  /** "host[:port]" with "*" and names of interfaces replaced by addresses. */
  private hosts(address: string, at: GlobalParameter['at'], name: string): string[] {
    const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(:.*)?$/s.exec(address) ?? [];
    if (host === '*' || host === '') return [`0.0.0.0${port}`];
    if (isIP(host) !== 0 || host.startsWith('[') || host.includes('.') || host === 'localhost') return [address];
    const addresses = (networkInterfaces()[host] ?? []).map(({ address, family }) =>
      family === 'IPv6' ? `[${address}]` : address,
    );
    if (addresses.length === 0) {
      this.ledger.leave(
        at,
        `${name}=${address}: this machine has no interface "${host}": write its address into "listen"`,
      );
    } else this.ledger.note(at, `${name}=${address}: interface ${host} has the addresses ${addresses.join(', ')} here`);
    return addresses.map((address) => `${address}${port}`);
  }
}

/** A value as text. */
export function textOf(value: SettingValue): string {
  return value.kind === 'string' ? value.value : value.text;
}
