import { resolve } from 'node:path';
import type { Bounds } from './access.js';
import { readDatagram, unixPath } from './datagram-socket.js';
import type { CtlConfig, JsonRpcConfig } from './endpoint-settings.js';
import { listOf, type RawCtl, type RawJsonRpc } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import { parseHostPort } from './socket.js';

/** Default port of ctl sockets. */
const CTL_PORT = 2049;

/** The existing partitions; `complete`: whether all could be read. */
export interface KnownPartitions {
  readonly partitions: ReadonlySet<string>;
  readonly complete: boolean;
}

/** Reads the BINRPC sockets. */
export function readCtl(
  raw: readonly (RawCtl | null)[],
  location: Location,
  findings: Findings,
  known: KnownPartitions,
  bounds: Bounds,
): readonly CtlConfig[] {
  const sockets = listOf<RawCtl>(raw).map(([index, each]) => {
    const at = inside(location, index ?? 0);
    refuseUnknown(each.partition, at, findings, known);
    const socket = readCtlSocket(each, at, findings);
    const host = socket?.port === 0 ? undefined : socket?.address;
    return socket && { ...socket, ...bounds.read(each, host, at) };
  });
  return sockets.filter((each) => each !== undefined);
}

function refuseUnknown(name: string | undefined, location: Location, findings: Findings, known: KnownPartitions): void {
  if (name === undefined || !known.complete || known.partitions.has(name)) return;
  findings.refuse(inside(location, 'partition'), `there is no partition "${name}"`);
}

/**
 * Parses "[proto:]address" like Kamailio's ctl module: a path without protocol, and "unix:", mean a stream socket; host
 * and port without protocol mean UDP.
 */
function readCtlSocket(raw: RawCtl, location: Location, findings: Findings): CtlConfig | undefined {
  const at = inside(location, 'socket_name');
  const name = raw.socket_name.trim();
  const [, proto = name.includes('/') ? 'unixs' : 'udp', rest = ''] = /^(?:(unixs|unixd|unix|tcp|udp):)?(.*)$/is.exec(
    name,
  ) as RegExpExecArray;
  const shared = {
    text: name,
    unixMode: Number.parseInt(raw.unix_socket_mode, 8),
    partition: raw.partition,
    optional: raw.optional,
  };
  const transport = proto.toLowerCase() === 'unix' ? 'unixs' : (proto.toLowerCase() as CtlConfig['transport']);
  if (transport === 'unixs' || transport === 'unixd') {
    if (rest.includes('/')) return { ...shared, transport, address: unixPath(rest, at, findings), port: 0 };
    findings.refuse(at, `expected the path of a UNIX socket after "${proto}:", not "${rest}"`);
    return undefined;
  }
  const address = findings.attempt(at, () => parseHostPort(rest, name));
  return address && { ...shared, transport, address: address.host, port: address.port ?? CTL_PORT };
}

/** Reads the endpoints of Kamailio's JSON-RPC; its FIFO must not be the one of our own management. */
export function readJsonRpc(
  raw: RawJsonRpc,
  fifos: ReadonlySet<string>,
  location: Location,
  written: ReadonlySet<string>,
  findings: Findings,
  known: KnownPartitions,
  bounds: Bounds,
): JsonRpcConfig {
  refuseUnknown(raw.partition, location, findings, known);
  const fifoName = raw.fifo_name === undefined ? undefined : resolve(location.dir, raw.fifo_name);
  if (fifoName !== undefined && fifos.has(fifoName)) {
    findings.refuse(inside(location, 'fifo_name'), `the pipe "${fifoName}" is that of "mi" "fifo" already`);
  }
  if (raw.http_root !== undefined && !written.has('http')) {
    findings.refuse(inside(location, 'http_root'), 'needs the listener of the key "http"');
  }
  const datagram = { socket_name: raw.dgram_socket ?? '', unix_socket_mode: raw.dgram_mode };
  const udp = /^udp:(.*):[0-9]+$/i.exec(raw.dgram_socket?.trim() ?? '')?.[1]?.replace(/^\[|\]$/g, '');
  return {
    ...bounds.read(raw, udp, location),
    fifo:
      fifoName === undefined
        ? undefined
        : {
            fifoName,
            fifoMode: Number.parseInt(raw.fifo_mode, 8),
            replyDir: `${resolve(location.dir, raw.fifo_reply_dir).replace(/\/$/, '')}/`,
          },
    datagram: raw.dgram_socket === undefined ? undefined : readDatagram(datagram, location, findings, 'dgram_socket'),
    http: raw.http_root === undefined ? undefined : { root: raw.http_root.replace(/^\//, '') },
    partition: raw.partition,
    optional: raw.optional,
  };
}
