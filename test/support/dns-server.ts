import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/**
 * Records by "TYPE name": addresses; [priority, weight, port, target]; [order, preference, service, replacement,
 * expression].
 */
export interface Zone {
  [key: `A ${string}` | `AAAA ${string}`]: readonly string[];
  [key: `SRV ${string}`]: readonly (readonly [number, number, number, string])[];
  [key: `NAPTR ${string}`]: readonly (readonly [number, number, string, string, string?])[];
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV', 35: 'NAPTR' };

/** A UDP name server with its own zone (RFC 1035, 2782, 3403), as far as a resolver of SIP URIs needs one. */
export class DnsServer {
  /** Received queries in order, as "TYPE name". */
  readonly asked: string[] = [];
  /** Names whose queries are not answered. */
  readonly silent = new Set<string>();
  /** Time to live of every record in seconds. */
  ttl = 60;

  private constructor(
    /** May be changed while the server runs. */
    readonly zone: Zone,
    private readonly socket: Socket,
  ) {
    socket.on('message', (query, peer) => this.answer(query, peer));
  }

  static async start(zone: Zone): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(zone, socket);
  }

  /** "127.0.0.1:port", the form of dns.setServers. */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  stop(): void {
    this.socket.close();
  }

  private answer(query: Buffer, peer: RemoteInfo): void {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    const key = `${TYPES[type]} ${name}`;
    this.asked.push(key);
    if (this.silent.has(name)) return;
    const records = (this.zone as Readonly<Record<string, readonly Value[]>>)[key] ?? [];
    const known = Object.keys(this.zone).some((each) => each.endsWith(` ${name}`));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response with recursion available; NXDOMAIN for a name without any record.
    head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    const answers = records.map((value) => {
      const data = encode(value);
      const record = Buffer.alloc(12);
      // The name is a pointer to that of the question, at offset 12.
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt32BE(this.ttl, 6);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    this.socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...answers]), peer.port, peer.address);
  }
}

type Value = string | readonly [number, number, number, string] | readonly [number, number, string, string, string?];

function encode(value: Value): Buffer {
  if (typeof value === 'string') return isIPv6(value) ? ipv6(value) : Buffer.from(value.split('.').map(Number));
  const [first, second, third, last, expression] = value;
  const numbers = typeof third === 'number' ? [first, second, third] : [first, second];
  const head = Buffer.alloc(numbers.length * 2);
  for (const [i, each] of numbers.entries()) head.writeUInt16BE(each, i * 2);
  const texts =
    typeof third === 'number' ? [] : (expression === undefined ? ['s', third, ''] : ['u', third, expression]).map(text);
  return Buffer.concat([head, ...texts, ...last.split('.').filter(Boolean).map(text), Buffer.from([0])]);
}

/** A length byte and the text: a label, or a character string. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

function ipv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((each) => Number.parseInt(each, 16)));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((each) => [each >> 8, each & 255]));
}
