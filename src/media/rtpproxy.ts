/** One media stream of an SDP, with the positions in the text of what a media proxy rewrites. */
export interface MediaStream {
  /** Number of the stream among those with a port, from 1. */
  readonly number: number;
  readonly address: string;
  readonly port: number;
  readonly portAt: readonly [start: number, end: number];
  /** Span of the address in the stream's own c= line. */
  readonly addressAt: readonly [start: number, end: number] | undefined;
  /** Span of the port in its a=rtcp line. */
  readonly rtcpAt: readonly [start: number, end: number] | undefined;
}

/** The parts of an SDP (RFC 4566) that a media proxy reads and rewrites. */
export interface MediaDescription {
  readonly streams: readonly MediaStream[];
  /** Span of the address in the session's c= line. */
  readonly sessionAt: readonly [start: number, end: number] | undefined;
  /** Span of the address in the o= line. */
  readonly originAt: readonly [start: number, end: number] | undefined;
  readonly ipv6: boolean;
}

/** Maximum number of streams read from one SDP. */
const MAX_STREAMS = 32;

/** Parses an SDP; streams whose port is 0 are left out. */
export function describeMedia(sdp: string): MediaDescription {
  const streams: MediaStream[] = [];
  let sessionAt: MediaDescription['sessionAt'];
  let originAt: MediaDescription['originAt'];
  let session = '';
  let ipv6 = false;
  let current: { -readonly [K in keyof MediaStream]: MediaStream[K] } | undefined;
  let at = 0;
  for (const line of sdp.split('\n')) {
    const start = at;
    at += line.length + 1;
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.startsWith('m=')) {
      const match = /^m=[^ \t\r\n]{1,64} (\d{1,5})/.exec(text);
      const port = Number(match?.[1] ?? 0);
      current = undefined;
      if (match === null || port === 0 || streams.length >= MAX_STREAMS) continue;
      const begin = start + match[0].length - (match[1] as string).length;
      current = {
        number: streams.length + 1,
        address: session,
        port,
        portAt: [begin, start + match[0].length],
        addressAt: undefined,
        rtcpAt: undefined,
      };
      streams.push(current);
    } else if (text.startsWith('c=')) {
      const match = /^c=IN IP([46]) ([^ \t\r\n/]{1,64})/.exec(text);
      if (match === null) continue;
      const address = match[2] as string;
      const where = [start + match[0].length - address.length, start + match[0].length] as const;
      if (match[1] === '6') ipv6 = true;
      if (current !== undefined) {
        current.addressAt = where;
        current.address = address;
      } else if (streams.length === 0) {
        sessionAt = where;
        session = address;
      }
    } else if (text.startsWith('o=') && originAt === undefined) {
      const match = /^o=[^ \t\r\n]{1,64} [^ \t\r\n]{1,32} [^ \t\r\n]{1,32} IN IP[46] ([^ \t\r\n]{1,64})/.exec(text);
      if (match !== null) originAt = [start + match[0].length - (match[1] as string).length, start + match[0].length];
    } else if (text.startsWith('a=rtcp:') && current !== undefined) {
      const digits = /^\d{1,5}/.exec(text.slice(7))?.[0];
      if (digits !== undefined) current.rtcpAt = [start + 7, start + 7 + digits.length];
    }
  }
  return { streams, sessionAt, originAt, ipv6 };
}

/** Address and port on which a media proxy receives a stream. */
export interface MediaEndpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * Parses the answer to an update or look-up command: "port" or "port address", followed by "6" when the address is
 * IPv6. Undefined for an error, port 0, or an address with characters that no address or host name has.
 */
export function endpointOf(answer: string, proxy: string): MediaEndpoint | undefined {
  const match = /^[ \t\r\n]*(\d{1,5})(?:[ \t\r\n]+([\w.:-]{1,64})(?:[ \t\r\n]|$)|[ \t\r\n]*$)/.exec(answer);
  const port = Number(match?.[1] ?? 0);
  if (match === null || port === 0 || port > 65_535) return undefined;
  return { address: match[2] ?? proxy, port };
}

/** Replaces addresses and ports of the SDP by those of the media proxy, and appends `marker`. */
export function rewriteMedia(
  sdp: string,
  media: MediaDescription,
  endpoints: readonly MediaEndpoint[],
  { origin, marker, address: given }: { readonly origin: boolean; readonly marker: string; readonly address?: string },
): string {
  const edits: [start: number, end: number, text: string][] = [];
  const put = (where: readonly [number, number] | undefined, text: string): void => {
    if (where !== undefined) edits.push([where[0], where[1], text]);
  };
  const first = given ?? endpoints[0]?.address ?? '';
  put(media.sessionAt, first);
  if (origin) put(media.originAt, first);
  for (const [i, stream] of media.streams.entries()) {
    const endpoint = endpoints[i];
    if (endpoint === undefined) continue;
    put(stream.portAt, String(endpoint.port));
    put(stream.addressAt, given ?? endpoint.address);
    put(stream.rtcpAt, String(endpoint.port + 1));
  }
  let out = sdp;
  for (const [start, end, text] of edits.sort((a, b) => b[0] - a[0])) out = out.slice(0, start) + text + out.slice(end);
  if (marker === '') return out;
  return `${out.endsWith('\n') ? out : `${out}\r\n`}${marker}`;
}
