import { isIPv6 } from 'node:net';
import { addressBytes } from './hep.js';
import type { TracedMessage } from './traced-message.js';

/** LINKTYPE_RAW: packets begin with the IP header (pcap-linktype(7)). */
const RAW_IP = 101;
const UDP = 17;
/** What fits behind the headers of IPv4 and UDP. */
const MOST_PAYLOAD = 65_507;

/**
 * The head of a capture file (pcap-savefile(5)), times in microseconds. Messages over streams are written as datagrams too, so
 * that each stands alone.
 */
export function pcapHeader(): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(RAW_IP, 20);
  return head;
}

/** One message as a packet of such a file. */
export function pcapPacket({ time, direction, local, remote, text }: TracedMessage): Buffer {
  const [from, to] = direction === 'in' ? [remote, local] : [local, remote];
  const payload = Buffer.from(text.slice(0, MOST_PAYLOAD), 'latin1');
  const six = isIPv6(from.address);
  const packet = (six ? ipv6 : ipv4)(addressBytes(from.address), addressBytes(to.address), from.port, to.port, payload);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(Math.floor(time / 1000), 0);
  head.writeUInt32LE(Math.floor((time % 1000) * 1000), 4);
  head.writeUInt32LE(packet.length, 8);
  head.writeUInt32LE(packet.length, 12);
  return Buffer.concat([head, packet]);
}

function ipv4(from: Buffer, to: Buffer, fromPort: number, toPort: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + 8 + payload.length, 2);
  head[8] = 64;
  head[9] = UDP;
  from.copy(head, 12);
  to.copy(head, 16);
  head.writeUInt16BE(checksum([head]), 10);
  return Buffer.concat([head, udp(from, to, fromPort, toPort, payload)]);
}

function ipv6(from: Buffer, to: Buffer, fromPort: number, toPort: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(40);
  head[0] = 0x60;
  head.writeUInt16BE(8 + payload.length, 4);
  head[6] = UDP;
  head[7] = 64;
  from.copy(head, 8);
  to.copy(head, 24);
  return Buffer.concat([head, udp(from, to, fromPort, toPort, payload)]);
}

function udp(from: Buffer, to: Buffer, fromPort: number, toPort: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(fromPort, 0);
  head.writeUInt16BE(toPort, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  const pseudo = Buffer.alloc(4);
  pseudo[1] = UDP;
  pseudo.writeUInt16BE(8 + payload.length, 2);
  // A sum of zero is written as all ones: zero stands for none (RFC 768).
  head.writeUInt16BE(checksum([from, to, pseudo, head, payload]) || 0xffff, 6);
  return Buffer.concat([head, payload]);
}

/** The Internet checksum (RFC 1071) over parts of which all but the last have an even length. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
