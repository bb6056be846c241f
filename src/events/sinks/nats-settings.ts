import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Authenticator, ConnectionOptions } from 'nats';
import { SwitchyardError, unreadableReason } from '../../core/errors.js';
import type { NatsLogin } from '../../core/nats-login.js';
import { nats } from './nats-package.js';

/** How to connect to NATS, and what to use there. */
export interface NatsSettings extends NatsLogin {
  /** "nats://host:4222", "tls://host", "host:port"; the URL may contain user and password. */
  readonly servers: readonly string[];
  /** First tokens of all subjects, default "opensips". */
  readonly prefix: string;
  /**
   * The stream for events, if any; `outboxLimit`: number of waiting events from which on those of one destination are
   * merged.
   */
  readonly jetstream: { readonly stream: string; readonly outboxLimit: number } | undefined;
  /** Key-value bucket with the current states; undefined: none. */
  readonly bucket: string | undefined;
}

/** Settings with a server only: no login, stream or bucket, subjects with the default prefix. */
export function plainNats(server: string): NatsSettings {
  return {
    servers: [server],
    prefix: 'opensips',
    jetstream: undefined,
    bucket: undefined,
    user: undefined,
    pass: undefined,
    token: undefined,
    nkeySeed: undefined,
    credsFile: undefined,
    tls: undefined,
  };
}

interface ParsedServer {
  readonly address: string;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly tls: boolean;
}

/** A server URL without its secrets. */
export function redactServer(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^@/]*@/i, (_all, scheme: string | undefined) => `${scheme ?? ''}***@`);
}

function parseServer(server: string): ParsedServer {
  const match = /^(?:([a-z]+):\/\/)?(?:([^@/]*)@)?([^@/]+)\/?$/i.exec(server.trim());
  const scheme = match?.[1]?.toLowerCase() ?? 'nats';
  const address = match?.[3];
  if (address === undefined || (scheme !== 'nats' && scheme !== 'tls')) {
    throw new SwitchyardError('CONFIG_INVALID', `NATS server "${redactServer(server)}" is not nats://host:port`);
  }
  const userinfo = match?.[2];
  const colon = userinfo?.indexOf(':') ?? -1;
  const user = userinfo === undefined ? undefined : decode(colon < 0 ? userinfo : userinfo.slice(0, colon), server);
  const pass = userinfo === undefined || colon < 0 ? undefined : decode(userinfo.slice(colon + 1), server);
  return { address, user, pass, tls: scheme === 'tls' };
}

function decode(text: string, server: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SwitchyardError(
      'CONFIG_INVALID',
      `user or password in NATS server "${redactServer(server)}" is badly escaped`,
    );
  }
}

/**
 * Reads the file at each connect, so that renewed credentials are used without a restart. While it is missing or
 * incomplete, the last good ones are used, since the client never connects again after an authenticator has thrown.
 * Throws now if the file is unusable.
 */
function credentials(file: string): Authenticator {
  const read = () => {
    const sign = nats().credsAuthenticator(readFileSync(file));
    sign('');
    return sign;
  };
  let good = read();
  return (nonce) => {
    try {
      good = read();
    } catch {
      // Uses the old credentials; if the server refuses them, that is logged.
    }
    return good(nonce);
  };
}

function authenticator(settings: NatsSettings): Authenticator | undefined {
  const { credsFile, nkeySeed } = settings;
  if (credsFile !== undefined) return credentials(credsFile);
  if (nkeySeed === undefined) return undefined;
  const seed = new TextEncoder().encode(nkeySeed.trim());
  // Checked now, since otherwise a wrong seed would be noticed only when connecting.
  nats().nkeys.fromSeed(seed);
  return nats().nkeyAuthenticator(seed);
}

/**
 * For a server given as IP address, the client does not pass the address to the TLS layer, which would compare the
 * certificate with "localhost". This check requires that it is valid for one of the servers' addresses.
 */
function identityOf(
  servers: readonly ParsedServer[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  const hosts = servers.map(({ address }) => address.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1'));
  const literals = hosts.filter((host) => isIP(host) !== 0);
  return (host, certificate) => {
    if (host !== 'localhost' || hosts.includes('localhost')) return checkServerIdentity(host, certificate);
    const refusals = literals.map((literal) => checkServerIdentity(literal, certificate));
    return refusals.includes(undefined) ? undefined : (refusals[0] ?? checkServerIdentity(host, certificate));
  };
}

/**
 * Options for the client: it reconnects without limit, notices a dead server within about 20 seconds, and does not end
 * because of refused credentials. Throws SwitchyardError CONFIG_INVALID for unusable servers or files.
 */
export function connectionOptions(settings: NatsSettings, name: string): ConnectionOptions {
  const servers = settings.servers.map(parseServer);
  const withUser = servers.find((server) => server.user !== undefined);
  const user = settings.user ?? (withUser?.pass === undefined ? undefined : withUser.user);
  const pass = settings.pass ?? withUser?.pass;
  const token = settings.token ?? (withUser?.pass === undefined ? withUser?.user : undefined);
  let seed: Authenticator | undefined;
  try {
    seed = authenticator(settings);
  } catch (error) {
    const file = settings.credsFile;
    // The library's message may contain a part of the seed.
    const text =
      file === undefined
        ? 'NATS nkey seed is not a valid seed'
        : `NATS credentials file ${file} cannot be used: ${unreadableReason(error)}`;
    throw new SwitchyardError('CONFIG_INVALID', text, { cause: error });
  }
  const { ca, cert, key } = settings.tls ?? {};
  const tls = settings.tls !== undefined || servers.some((server) => server.tls);
  const identity = { checkServerIdentity: identityOf(servers) };
  return {
    servers: servers.map((server) => server.address),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 5_000,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(seed === undefined ? {} : { authenticator: seed }),
    ...(tls
      ? {
          tls: {
            ...identity,
            ...(ca === undefined ? {} : { caFile: ca }),
            ...(cert === undefined ? {} : { certFile: cert }),
            ...(key === undefined ? {} : { keyFile: key }),
          },
        }
      : {}),
  };
}
