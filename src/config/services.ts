import { dirname, join, resolve } from 'node:path';
import { isAddressBlock } from '../core/address-blocks.js';
import { type Bounds, isLoopback } from './access.js';
import { readDatagram } from './datagram-socket.js';
import { parseDatabaseUrl, redactUrl } from './db-url.js';
import { type KnownPartitions, readCtl, readJsonRpc } from './kamailio-endpoints.js';
import { listOf, type RawFifo, type RawHttp, type RawJsonRpc, type RawNats, type RawSettings } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import type { CallsConfig, HepConfig, LimitsConfig, NatsConfig, Settings } from './settings.js';
import { parseHostPort } from './socket.js';

/**
 * Reads the management endpoints. `written`: the top-level keys of the file, including refused ones; `known`: the
 * partitions that endpoints of one partition may name.
 */
export function readMi(
  raw: RawSettings,
  root: Location,
  written: ReadonlySet<string>,
  findings: Findings,
  known: KnownPartitions,
  bounds: Bounds,
): Settings['mi'] {
  const location = inside(root, 'mi');
  const { http, nats } = raw.mi;
  if (http !== undefined && !written.has('http')) {
    findings.refuse(inside(location, 'http'), 'needs the listener of the key "http"');
  }
  if (nats !== undefined && !written.has('events')) {
    findings.refuse(inside(location, 'nats'), 'needs the connection of "events" "nats"');
  }
  const datagram = listOf(raw.mi.datagram).map(([index, each]) => {
    const at = inside(location, 'datagram', index ?? 0);
    const socket = readDatagram(each!, at, findings);
    const host = /^udp:(.*):[0-9]+$/i.exec(socket?.socketName ?? '')?.[1]?.replace(/^\[|\]$/g, '');
    return socket && { ...socket, ...bounds.read(each!, host, at) };
  });
  const fifo = listOf<RawFifo>(raw.mi.fifo).map(([index, each]) => ({
    fifoName: resolve(root.dir, each.fifo_name),
    fifoMode: Number.parseInt(each.fifo_mode, 8),
    replyDir: `${resolve(root.dir, each.reply_dir).replace(/\/$/, '')}/`,
    ...bounds.user(each.as, inside(location, 'fifo', ...(index === undefined ? [] : [index]))),
  }));
  const fifos = new Set<string>();
  for (const [index, { fifoName }] of fifo.entries()) {
    if (fifos.has(fifoName)) findings.refuse(inside(location, 'fifo', index), `the pipe "${fifoName}" is listed twice`);
    fifos.add(fifoName);
  }
  const jsonrpc = listOf<RawJsonRpc>(raw.mi.jsonrpc).map(([index, each]) => {
    const at = inside(location, 'jsonrpc', ...(index === undefined ? [] : [index]));
    return readJsonRpc(each, fifos, at, written, findings, known, bounds);
  });
  return {
    fifo,
    datagram: datagram.filter((each) => each !== undefined),
    http: http && { root: http.root.replace(/^\//, ''), ...bounds.user(http.as, inside(location, 'http')) },
    nats: nats && { subject: nats.subject, ...bounds.user(nats.as, inside(location, 'nats')) },
    ctl: readCtl(raw.mi.ctl, inside(location, 'ctl'), findings, known, bounds),
    jsonrpc,
  };
}

/**
 * Where the outbox file is if no key names one: in the folder of the first SQLite database of a partition, else in
 * `folder`.
 */
export interface OutboxLocation {
  readonly node: string;
  readonly folder: string | undefined;
  readonly databases: readonly { readonly dbUrl: string; readonly source: string }[];
}

function outboxFile(named: string | undefined, dir: string, beside: OutboxLocation): string | undefined {
  if (named !== undefined) return named === '' ? undefined : resolve(dir, named);
  const name = `outbox-${beside.node}.db`;
  for (const { dbUrl, source } of beside.databases) {
    const parsed = parseDatabaseUrl(dbUrl, dirname(source));
    if (parsed.kind === 'sqlite') return join(dirname(parsed.path), name);
  }
  return beside.folder === undefined ? undefined : join(beside.folder, name);
}

/** Reads the NATS connection. */
export function readNats(raw: RawNats, location: Location, findings: Findings, beside: OutboxLocation): NatsConfig {
  const servers: string[] = [];
  for (const [index, server] of listOf<string>(raw.servers)) {
    const at = inside(location, 'servers', ...(index === undefined ? [] : [index]));
    if (isNatsServer(server.trim())) servers.push(server.trim());
    else findings.refuse(at, `bad server "${redactUrl(server)}": expected nats://host:port or tls://host:port`);
  }
  if (raw.pass !== undefined && raw.user === undefined)
    findings.refuse(inside(location, 'pass'), 'needs "user" as well');
  const ways = [raw.user, raw.token, raw.nkey_seed, raw.creds_file].filter((each) => each !== undefined);
  if (ways.length > 1) findings.refuse(location, 'only one of user, token, nkey_seed and creds_file can be used');
  const path = (file: string) => resolve(location.dir, file);
  const { ca, cert, key } = raw.tls ?? {};
  if ((cert === undefined) !== (key === undefined)) {
    findings.refuse(inside(location, 'tls'), '"cert" and "key" must both be given');
  }
  return {
    servers,
    prefix: raw.prefix,
    jetstream: raw.jetstream && {
      stream: raw.jetstream.stream,
      outboxLimit: raw.jetstream.outbox_limit,
      outboxFile: outboxFile(raw.jetstream.outbox_file, location.dir, beside),
    },
    bucket: raw.bucket === '' ? undefined : (raw.bucket ?? (raw.jetstream && 'DISPATCHER_STATE')),
    ...(raw.weights && { weights: true }),
    user: raw.user,
    pass: raw.pass,
    token: raw.token,
    nkeySeed: raw.nkey_seed,
    credsFile: raw.creds_file === undefined ? undefined : path(raw.creds_file),
    tls: raw.tls && {
      ...(ca !== undefined && { ca: path(ca) }),
      ...(cert !== undefined && { cert: path(cert) }),
      ...(key !== undefined && { key: path(key) }),
    },
  };
}

function isNatsServer(text: string): boolean {
  const match = /^(?:(?:nats|tls):\/\/)?(?:[^\s/]*@)?([^\s/@]+)\/?$/i.exec(text);
  if (!match || /^[a-z]+:$/i.test(match[1]!)) return false;
  try {
    return parseHostPort(match[1]!).port !== 0;
  } catch {
    return false;
  }
}

/** Reads "http": the HTTP listener. If it is not on loopback, it needs users, or "open": true. */
export function readHttp(raw: RawSettings, root: Location, findings: Findings, bounds: Bounds): Settings['http'] {
  if (raw.http === undefined) return undefined;
  const http: RawHttp = typeof raw.http === 'string' ? { listen: raw.http } : raw.http;
  const location = typeof raw.http === 'string' ? inside(root, 'http') : inside(root, 'http', 'listen');
  const address = findings.attempt(location, () => parseHostPort(http.listen));
  if (address === undefined) return undefined;
  if (address.port === undefined) {
    findings.refuse(location, 'the port is missing: expected host:port');
    return undefined;
  }
  if (!isLoopback(address.host) && !bounds.hasUsers && http.open !== true) {
    const reason = `anybody who reaches ${address.host} may use it: add users in "access", or write {"listen": ..., "open": true}`;
    findings.refuse(inside(root, 'http'), reason);
  }
  const { tls, hosts = [], open_metrics: openMetrics = false } = http;
  return {
    host: address.host,
    port: address.port,
    ...(tls && { tls: { cert: resolve(root.dir, tls.certificate), key: resolve(root.dir, tls.private_key) } }),
    hosts,
    openMetrics,
  };
}

/**
 * Requests over NATS are limited by the server's permissions, or by "as". Without authentication at the NATS server,
 * "as" is required.
 */
export function refuseOpenNats(
  raw: RawSettings,
  nats: NatsConfig | undefined,
  root: Location,
  findings: Findings,
): void {
  if (nats === undefined || raw.mi.nats?.as !== undefined || raw.mi.nats?.open === true) return;
  const { user, token, nkeySeed, credsFile, tls, servers } = nats;
  if ([user, token, nkeySeed, credsFile, tls?.cert].some((each) => each !== undefined)) return;
  const open = servers
    .map((each) => each.replace(/^[a-z]+:\/\//i, ''))
    .find((each) => {
      return !each.includes('@') && !isLoopback(parseHostPort(each).host);
    });
  if (open === undefined) return;
  const reason = `requests come from anybody who reaches the NATS server ${open}: give it credentials, or add "as" or "open": true to "mi" "nats"`;
  findings.refuse(inside(root, 'events', 'nats'), reason);
}

/** Reads "hep". */
export function readHep(raw: RawSettings, root: Location, findings: Findings): HepConfig | undefined {
  const { hep } = raw;
  if (hep === undefined) return undefined;
  const location = inside(root, 'hep', 'to');
  const transport = /^(udp|tcp|tls):/.exec(hep.to)?.[1] as HepConfig['transport'] | undefined;
  const address =
    transport === undefined
      ? undefined
      : findings.attempt(location, () => parseHostPort(hep.to.slice(transport.length + 1)));
  if (transport === undefined) findings.refuse(location, 'expected udp:host:port, tcp:host:port or tls:host:port');
  if (transport === undefined || address === undefined) return undefined;
  if (address.port === undefined) {
    findings.refuse(location, 'the port is missing: expected udp:host:port, tcp:host:port or tls:host:port');
    return undefined;
  }
  return {
    transport,
    host: address.host,
    port: address.port,
    id: hep.id,
    password: hep.password,
    oneIn: hep.one_in,
    chosen: hep.chosen,
    caFile: hep.ca === undefined ? undefined : resolve(root.dir, hep.ca),
  };
}

/** Reads "calls". */
export function readCalls(raw: RawSettings, root: Location, findings: Findings): CallsConfig {
  const { ring, dialogs, log, nats, stream } = raw.calls;
  if ((nats || stream !== undefined) && raw.events.nats === undefined) {
    findings.refuse(inside(root, 'calls', nats ? 'nats' : 'stream'), 'needs the connection of "events" "nats"');
  }
  return {
    ring,
    dialogs,
    log: log === undefined ? undefined : resolve(root.dir, log),
    nats: nats || stream !== undefined,
    stream,
  };
}

/** Reads "limits". */
export function readLimits(raw: RawSettings, root: Location, findings: Findings): LimitsConfig {
  const { limits } = raw;
  for (const [index, block] of limits.trusted_sources.entries()) {
    if (isAddressBlock(block)) continue;
    const location = inside(root, 'limits', 'trusted_sources', index);
    findings.refuse(location, `"${block}" is neither an IP address nor a CIDR block`);
  }
  const rate = limits.requests_per_second_per_source;
  return {
    requestsPerSecondPerSource: rate,
    burst: limits.burst ?? Math.max(1, Math.ceil(rate)),
    maxTransactions: limits.max_transactions,
    maxDialogs: limits.max_dialogs,
    maxContacts: limits.max_contacts,
    trustedSources: limits.trusted_sources,
    maxConnections: limits.max_connections,
    gatherMs: limits.gather_ms,
    paceMs: limits.pace_ms,
    batchDatagrams: limits.batch_datagrams,
  };
}
