import type { ControlAddress } from './datagram-commands.js';

/** One media proxy. */
export interface MediaProxy extends ControlAddress {
  /** Unix socket it listens at; undefined: it is asked over UDP. */
  readonly path: string | undefined;
  /** "udp:127.0.0.1:2223" as configured. */
  readonly url: string;
  readonly weight: number;
  /** Switched off by an operator. */
  disabled: boolean;
  /** Monotonic milliseconds until which it is left alone because it did not answer. */
  until: number;
  /** Commands it has answered, and those it has not. */
  answered: number;
  unanswered: number;
}

/** A media proxy as cfg files write it: "udp:host:port=weight", "udp6:[::1]:2223". Undefined for what is none. */
export function mediaProxy(text: string): MediaProxy | undefined {
  const match = /^(?:udp6?:)?(\[[^\]]+\]|[^:=\s]+)(?::(\d{1,5}))?(?:=(\d{1,6}))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const port = Number(match[2] ?? 22_222);
  if (port < 1 || port > 65_535) return undefined;
  return {
    url: text.trim().replace(/=\d+$/, ''),
    path: undefined,
    host: (match[1] ?? '').replace(/^\[|\]$/g, ''),
    port,
    weight: Number(match[3] ?? 1),
    ...FRESH,
  };
}

const FRESH = { disabled: false, until: 0, answered: 0, unanswered: 0 };

/** "unix:/run/rtpproxy.sock=weight", "/run/rtpproxy.sock". Undefined for what is none. */
function unixProxy(text: string): MediaProxy | undefined {
  const match = /^(?:c?unix:)?(\/[^\s=]+)(?:=(\d{1,6}))?$/i.exec(text.trim());
  const path = match?.[1];
  if (path === undefined) return undefined;
  return { url: `unix:${path}`, path, host: '', port: 0, weight: Number(match?.[2] ?? 1), ...FRESH };
}

/**
 * Sets of media proxies by number: "1 == udp:a:2223 udp:b:2223=2", or without a number set 0; `unix`: paths of sockets too. Throws an Error with what is
 * wrong.
 */
export function mediaSets(texts: readonly string[], unix = false): Map<number, MediaProxy[]> {
  const sets = new Map<number, MediaProxy[]>();
  for (const text of texts) {
    const sign = text.indexOf('==');
    const set = sign < 0 ? 0 : Number(text.slice(0, sign));
    if (!Number.isInteger(set)) throw new Error(`"${text}" begins with no number of a set`);
    const proxies = sets.get(set) ?? [];
    for (const each of (sign < 0 ? text : text.slice(sign + 2)).split(/\s+/).filter((one) => one !== '')) {
      const proxy = (unix ? unixProxy(each) : undefined) ?? mediaProxy(each);
      if (proxy === undefined) throw new Error(`"${each}" is not an address of a media proxy: udp:HOST:PORT`);
      proxies.push(proxy);
    }
    sets.set(set, proxies);
  }
  return sets;
}

/** The usable proxies of a set in the order they are tried for a call: by weight, the same for all its commands. */
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
  return [...usable.slice(first), ...usable.slice(0, first)];
}
