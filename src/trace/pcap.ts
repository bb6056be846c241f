import { isIPv6 } from 'node:net';
import { addressBytes } from './hep.js';
import type { TracedMessage } from './traced-message.js';

/** LINKTYPE_RAW: packets begin with the IP header (pcap-linktype(7)). */
const RAW_IP = 101;
const UDP = 17;
const TCP = 6;
/** Longest payload: what fits into an IPv4 packet after the headers of IPv4 and TCP. */
const MAX_PAYLOAD = 65_495;
/** Connections whose sequence numbers are kept. */
const MAX_STREAMS = 10_000;
const ACK_PUSH = 0x18;

/**
 * Writes a capture file (pcap-savefile(5)) with times in microseconds. Messages over streams become TCP segments with
 * consecutive sequence numbers, so that tools can follow the stream. The framing of TLS and WebSocket is left out.
 */
export class PcapWriter {
  /** Bytes sent so far in one direction of a connection, by its two ends. */
  private readonly streams = new Map<string, number>();

  /** Makes the packet of one message. */
  packet({ time, direction, transport, local, remote, text }: TracedMessage): Buffer {
    const [from, to] = direction === 'in' ? [remote, local] : [local, remote];
    const wire = Buffer.from(transport === 'udp' ? text : framed(text), 'latin1').subarray(0, MAX_PAYLOAD);
    const ends = [addressBytes(from.address), addressBytes(to.address)] as const;
    const segment =
      transport === 'udp'
        ? udp(...ends, from.port, to.port, wire)
        : tcp(...ends, from.port, to.port, wire, this.advance(from, to, wire.length));
    const protocol = transport === 'udp' ? UDP : TCP;
    const packet = isIPv6(from.address) ? ipv6(...ends, protocol, segment) : ipv4(...ends, protocol, segment);
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Math.floor(time / 1000), 0);
    head.writeUInt32LE(Math.floor((time % 1000) * 1000), 4);
    head.writeUInt32LE(packet.length, 8);
    head.writeUInt32LE(packet.length, 12);
    return Buffer.concat([head, packet]);
  }

  /** The sequence number of one side's next byte, and that of the other side. */
  private advance(from: End, to: End, bytes: number): { readonly sequence: number; readonly acknowledged: number } {
    const way = `${from.address} ${from.port} ${to.address} ${to.port}`;
    const back = `${to.address} ${to.port} ${from.address} ${from.port}`;
    if (this.streams.size >= MAX_STREAMS) this.streams.clear();
    const sequence = this.streams.get(way) ?? 1;
    this.streams.set(way, (sequence + bytes) >>> 0);
    return { sequence, acknowledged: this.streams.get(back) ?? 1 };
  }
}

interface End {
  readonly address: string;
  readonly port: number;
}

/**
 * A message as a receiver must find it in a stream: Content-Length is set to the length of the body in `text`, which
 * may have been left out.
 */
function framed(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return text;
  const body = text.slice(end + 4);
  const head = text
    .slice(0, end)
    .split('\r\n')
    .filter((line) => !/^(content-length|l)[ \t\r\n]*:/i.test(line));
  return `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The header of a capture file. */
export function pcapHeader(): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(RAW_IP, 20);
  return head;
}

function ipv4(from: Buffer, to: Buffer, protocol: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + payload.length, 2);
  head[8] = 64;
  head[9] = protocol;
  from.copy(head, 12);
  to.copy(head, 16);
  head.writeUInt16BE(checksum([head]), 10);
  return Buffer.concat([head, payload]);
}

function ipv6(from: Buffer, to: Buffer, protocol: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(40);
  head[0] = 0x60;
  head.writeUInt16BE(payload.length, 4);
  head[6] = protocol;
  head[7] = 64;
  from.copy(head, 8);
  to.copy(head, 24);
  return Buffer.concat([head, payload]);
}

function udp(from: Buffer, to: Buffer, fromPort: number, toPort: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(fromPort, 0);
  head.writeUInt16BE(toPort, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  // A checksum of zero is sent as all ones, since zero means no checksum (RFC 768).
  head.writeUInt16BE(checksum([from, to, pseudo(UDP, 8 + payload.length), head, payload]) || 0xffff, 6);
  return Buffer.concat([head, payload]);
}

function tcp(
  from: Buffer,
  to: Buffer,
  fromPort: number,
  toPort: number,
  payload: Buffer,
  { sequence, acknowledged }: { readonly sequence: number; readonly acknowledged: number },
): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(fromPort, 0);
  head.writeUInt16BE(toPort, 2);
  head.writeUInt32BE(sequence, 4);
  head.writeUInt32BE(acknowledged, 8);
  head[12] = 0x50;
  head[13] = ACK_PUSH;
  head.writeUInt16BE(0xffff, 14);
  head.writeUInt16BE(checksum([from, to, pseudo(TCP, 20 + payload.length), head, payload]), 16);
  return Buffer.concat([head, payload]);
}

/** The part of the pseudo header with protocol and length (RFC 768, RFC 9293 section 3.1). */
function pseudo(protocol: number, length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes[1] = protocol;
  bytes.writeUInt16BE(length, 2);
  return bytes;
}

/** The Internet checksum (RFC 1071) over several parts; all but the last must have an even length. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
