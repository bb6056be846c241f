import { trimmed } from '../core/characters.js';
import type { ControlAddress } from './datagram-commands.js';

/** One media proxy. */
export interface MediaProxy extends ControlAddress {
  /** Path of the Unix socket it listens on; undefined for a proxy that is reached over UDP or TCP. */
  readonly path: string | undefined;
  /** Whether the proxy is reached over TCP. */
  readonly stream?: true;
  /** Address that stands in SDP instead of the one the proxy answers. */
  readonly advertised?: string;
  /** "udp:127.0.0.1:2223" as configured. */
  readonly url: string;
  readonly weight: number;
  /** Disabled by an operator. */
  disabled: boolean;
  /** Time (monotonic milliseconds) until which the proxy is not used, because it did not answer. */
  until: number;
  /** Set while it has not answered the first command since the start. */
  untested?: boolean;
  /** Numbers of commands that were answered and that were not. */
  answered: number;
  unanswered: number;
}

/**
 * Parses a media proxy as cfg files write it: "udp:host:port=weight", "udp6:[::1]:2223". Undefined for any other text.
 */
function mediaProxy(text: string): MediaProxy | undefined {
  const match = /^(?:udp6?:)?(\[[^\]]+\]|[^:= \t\r\n]+)(?::(\d{1,5}))?(?:=(\d{1,6}))?$/i.exec(trimmed(text));
  if (match === null) return undefined;
  const port = Number(match[2] ?? 22_222);
  if (port < 1 || port > 65_535) return undefined;
  return {
    url: trimmed(text).replace(/=\d+$/, ''),
    path: undefined,
    host: (match[1] ?? '').replace(/^\[|\]$/g, ''),
    port,
    weight: Number(match[3] ?? 1),
    ...FRESH,
  };
}

const FRESH = { disabled: false, until: 0, answered: 0, unanswered: 0 };

/**
 * Parses an address as rtpproxy_sock has it: as above, also "tcp:host:port", and with "|address" the address that
 * stands in SDP instead of the one the proxy answers. Undefined for any other text.
 */
function rtpProxy(text: string): MediaProxy | undefined {
  const [, scheme = '', address = '', advertised, weight = ''] =
    /^(?:(udp|tcp)6?:)?([^|= \t\r\n]+)(?:\|([\w.:-]+))?(=\d{1,6})?$/i.exec(trimmed(text)) ?? [];
  const proxy = mediaProxy(`${address}${weight}`);
  if (proxy === undefined || address === '') return undefined;
  return {
    ...proxy,
    url: trimmed(text).replace(/=\d+$/, ''),
    ...(scheme.toLowerCase() === 'tcp' ? { stream: true as const } : {}),
    ...(advertised === undefined ? {} : { advertised }),
  };
}

/** Parses "unix:/run/rtpproxy.sock=weight" or "/run/rtpproxy.sock". Undefined for any other text. */
function unixProxy(text: string): MediaProxy | undefined {
  const match = /^(?:c?unix:)?(\/[^ \t\r\n=]+)(?:=(\d{1,6}))?$/i.exec(trimmed(text));
  const path = match?.[1];
  if (path === undefined) return undefined;
  return { url: `unix:${path}`, path, host: '', port: 0, weight: Number(match?.[2] ?? 1), ...FRESH };
}

/**
 * Parses sets of media proxies: "1 == udp:a:2223 udp:b:2223=2" is set 1; without a number the set is 0. With `rtpproxy`
 * the forms of rtpproxy_sock are accepted too: paths of Unix sockets, TCP, advertised addresses. Throws an Error that
 * says what is wrong.
 */
export function mediaSets(texts: readonly string[], rtpproxy = false): Map<number, MediaProxy[]> {
  const sets = new Map<number, MediaProxy[]>();
  for (const text of texts) {
    const sign = text.indexOf('==');
    const set = sign < 0 ? 0 : Number(text.slice(0, sign));
    if (!Number.isInteger(set)) throw new Error(`"${text}" does not begin with the number of a set`);
    const proxies = sets.get(set) ?? [];
    for (const each of (sign < 0 ? text : text.slice(sign + 2)).split(/[ \t\r\n]+/).filter((one) => one !== '')) {
      const proxy = rtpproxy ? (unixProxy(each) ?? rtpProxy(each)) : mediaProxy(each);
      if (proxy === undefined) throw new Error(`"${each}" is not an address of a media proxy: udp:HOST:PORT`);
      proxies.push(proxy);
    }
    sets.set(set, proxies);
  }
  return sets;
}

/**
 * The usable proxies of a set in the order they are tried for a call. The order depends on weights and the Call-ID, so
 * it is the same for all commands of a call. Those that are untested come last.
 */
export function proxiesFor(set: readonly MediaProxy[], callId: string, now: number): MediaProxy[] {
  const usable = set.filter(({ disabled, until, weight }) => !disabled && until <= now && weight > 0);
  let hash = 0;
  for (let i = 0; i < callId.length; i++) hash = (hash * 31 + callId.charCodeAt(i)) | 0;
  const total = usable.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return [];
  let at = (hash >>> 0) % total;
  const first = usable.findIndex(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  const order = [...usable.slice(first), ...usable.slice(0, first)];
  return [...order.filter(({ untested }) => untested !== true), ...order.filter(({ untested }) => untested === true)];
}
