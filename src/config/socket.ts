import { isIPv4, isIPv6 } from 'node:net';
import { SwitchyardError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { defaultPort, type TransportName } from '../core/uri.js';
import type { SocketDescription } from './settings.js';

const TRANSPORTS: readonly TransportName[] = ['udp', 'tcp', 'tls', 'ws', 'wss', 'sctp'];
const MAX_LENGTH = 512;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;

/** A parsed "host[:port]". */
export interface HostPort {
  /** Host or IP literal without brackets. */
  readonly host: string;
  /** The port; undefined when there is none. */
  readonly port: number | undefined;
}

/**
 * Parses a socket description, "[proto:]host[:port]" as documented for ds_probing_sock. It may be followed by " as
 * host[:port]" (for Via, Record-Route and Contact instead of the socket's own address), " name NAME" (by which
 * destinations may refer to it) and, for a WebSocket, " origins same", "any" or a comma-separated list (which web pages
 * may use it). The default transport is udp, the default port that of the transport; an IPv6 address must be in
 * brackets. Port 0: the system chooses a free one.
 * Throws SwitchyardError CONFIG_INVALID.
 */
export function parseSocket(text: string): SocketDescription {
  if (text.length > MAX_LENGTH) throw invalid(`socket description is longer than ${MAX_LENGTH} characters`);
  const origins = /^(.*?)\s+origins\s+(\S+)$/is.exec(text.trim());
  if (origins !== null) {
    const socket = parseSocket(origins[1]!);
    if (socket.transport !== 'ws' && socket.transport !== 'wss') {
      throw bad(text, '"origins" is for ws and wss');
    }
    return { ...socket, origins: readOrigins(origins[2]!, text), text: text.trim() };
  }
  const named = /^(.*?)\s+name\s+"?([A-Za-z0-9_.-]{1,64})"?$/is.exec(text.trim());
  if (named !== null) return { ...parseSocket(named[1]!), name: named[2]!, text: text.trim() };
  const parts = text.trim().split(/\s+as\s+/i);
  const own = parts[0]!;
  if (parts.length > 2) throw bad(text, '"as" is written twice');
  if (own === '') throw invalid('socket description is empty: expected [proto:]host[:port]');
  const scheme = /^([A-Za-z]+):(.*)$/s.exec(own);
  let transport: TransportName = 'udp';
  let address = own;
  if (scheme) {
    const named = TRANSPORTS.find((each) => each === scheme[1]!.toLowerCase());
    const rest = scheme[2]!;
    if (named) {
      transport = named;
      address = rest;
    } else if (!/^[0-9]*$/.test(rest)) {
      const meant = nearest(scheme[1]!.toLowerCase(), TRANSPORTS);
      const hint = meant === undefined ? TRANSPORTS.join(', ') : `did you mean "${meant}"?`;
      throw bad(text, `unknown transport "${scheme[1]}" (${hint})`);
    }
  }
  const bound = parseHostPort(address, text);
  const port = bound.port ?? defaultPort(transport);
  if (parts.length === 1) return { transport, host: bound.host, port, text: own };
  const shown = parseHostPort(parts[1]!, text);
  if (shown.port === 0) throw bad(text, 'port 0 cannot be advertised');
  return {
    transport,
    host: bound.host,
    port,
    advertise: { host: shown.host, port: shown.port ?? port },
    text: text.trim(),
  };
}

/**
 * Parses "host[:port]". `whole`: the complete text, for messages.
 * Throws SwitchyardError CONFIG_INVALID.
 */
export function parseHostPort(text: string, whole: string = text): HostPort {
  const trimmed = text.trim();
  let host = trimmed;
  let portText: string | undefined;
  if (trimmed.startsWith('[')) {
    const close = trimmed.indexOf(']');
    host = close < 0 ? trimmed : trimmed.slice(1, close);
    if (close < 0 || !isIPv6(host) || host.includes('%'))
      throw bad(whole, `bad IPv6 address "${withoutLogin(trimmed)}"`);
    const after = trimmed.slice(close + 1);
    if (after !== '' && !after.startsWith(':'))
      throw bad(whole, `only ":" and a port may follow "]", not "${withoutLogin(after)}"`);
    if (after !== '') portText = after.slice(1);
  } else {
    if (isIPv6(trimmed)) throw bad(whole, `an IPv6 address needs brackets: "[${trimmed}]"`);
    const colon = trimmed.indexOf(':');
    if (colon >= 0) {
      host = trimmed.slice(0, colon);
      portText = trimmed.slice(colon + 1);
    }
    if (host === '') throw bad(whole, 'the host is missing');
    if (host === '*') throw bad(whole, 'write 0.0.0.0 or [::] for all addresses');
    if (/^[0-9.]+$/.test(host) ? !isIPv4(host) : !HOST_NAME.test(host))
      throw bad(whole, `bad host "${withoutLogin(host)}"`);
  }
  if (portText === undefined) return { host, port: undefined };
  const port = Number(portText);
  if (!/^[0-9]{1,5}$/.test(portText) || port > 65535) throw bad(whole, `bad port "${withoutLogin(portText)}"`);
  return { host, port };
}

/** Parses "same", "any", or a comma-separated list of origins. */
function readOrigins(text: string, whole: string): NonNullable<SocketDescription['origins']> {
  const word = text.toLowerCase();
  if (word === 'same' || word === 'any') return word;
  return word.split(',').map((origin) => {
    if (/^https?:\/\/[a-z0-9.[\]:-]+$/.test(origin)) return origin;
    throw bad(
      whole,
      `"${withoutLogin(origin)}" is not an origin: expected same, any, or https://host[:port], separated by commas`,
    );
  });
}

/** "proto:host:port" with defaults; equal for two descriptions of the same socket. */
export function socketKey(socket: Pick<SocketDescription, 'transport' | 'host' | 'port'>): string {
  const host = socket.host.includes(':') ? `[${socket.host}]` : socket.host.toLowerCase();
  return `${socket.transport}:${host}:${socket.port}`;
}

function bad(whole: string, reason: string): SwitchyardError {
  return invalid(`bad socket description "${withoutLogin(whole)}": ${reason}`);
}

/** A text for messages. A URL written in the place of a socket may have a password before its "@". */
function withoutLogin(text: string): string {
  const at = text.lastIndexOf('@');
  return at < 0 ? text : `***${text.slice(at)}`;
}

function invalid(message: string): SwitchyardError {
  return new SwitchyardError('CONFIG_INVALID', message);
}
