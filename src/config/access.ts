import { resolve } from 'node:path';
import { isAddressBlock } from '../core/address-blocks.js';
import type { AccessUserConfig, EndpointBounds } from './endpoint-settings.js';
import { listOf, type RawAccess, type RawBounds, type RawSettings } from './raw.js';
import { type Findings, inside, type Location, soundPart } from './reading.js';
import { withDefaults } from './schema.js';
import { type ReadJson, type ReadOptions, readSource } from './source.js';

/** Reads "access": the users, from the settings or from a separate file. Undefined: no authentication. */
export function readAccess(
  raw: RawSettings,
  source: ReadJson,
  options: ReadOptions,
  findings: Findings,
  partitions: { readonly partitions: ReadonlySet<string>; readonly complete: boolean },
): readonly AccessUserConfig[] | undefined {
  const { access } = raw;
  if (access === undefined) return undefined;
  let location: Location = inside({ file: source.file, dir: source.dir, pointer: source.pointer }, 'access');
  let value: unknown = access;
  if (typeof access === 'string') {
    const file = readSource(resolve(source.dir, access), options, findings.problems);
    if (file === undefined) return [];
    location = { file: file.file, dir: file.dir, pointer: '' };
    value = soundPart(file, 'access', findings);
  }
  const { users } = withDefaults('access', value) as RawAccess;
  const seen = new Set<string>();
  return listOf(users).map(([index, user]) => {
    const { name, password, token, role, partitions: named } = user as NonNullable<RawAccess['users'][number]>;
    const at = inside(location, 'users', index ?? 0);
    if (seen.has(name)) findings.refuse(at, `two users have the name "${name}"`);
    seen.add(name);
    const list = typeof named === 'string' ? undefined : listOf(named).map(([, each]) => each as string);
    for (const each of list ?? []) {
      if (!partitions.complete || partitions.partitions.has(each)) continue;
      findings.warn(inside(at, 'partitions'), `there is no partition "${each}" for user "${name}"`);
    }
    return { name, password, token, role, partitions: list };
  });
}

/** Reads the limits of endpoints ("as", "allow", "open"). */
export interface Bounds {
  /** Whether callers must authenticate. */
  readonly hasUsers: boolean;
  /** The user that an endpoint names in "as", as a part of its settings. */
  user(name: string | undefined, location: Location): { readonly as?: string };
  /** The limits of an endpoint. `host`: the address it listens on; undefined for a file. */
  read(raw: RawBounds, host: string | undefined, location: Location): EndpointBounds;
}

/** Takes the limits without a check; for clients of the daemon, where the daemon has checked them. */
export const UNCHECKED_BOUNDS: Bounds = {
  hasUsers: true,
  user: (as) => (as === undefined ? {} : { as }),
  read: ({ as, allow }) => ({ ...(as === undefined ? {} : { as }), ...(allow === undefined ? {} : { allow }) }),
};

/** Reports endpoints whose "as" names an unknown user, and endpoints that anybody can use without "open": true. */
export class BoundsReader implements Bounds {
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly users: readonly AccessUserConfig[] | undefined,
    private readonly findings: Findings,
  ) {
    this.names = new Set(users?.map(({ name }) => name));
  }

  /** Whether callers must authenticate. */
  get hasUsers(): boolean {
    return this.users !== undefined;
  }

  /** The user that an endpoint names; reports an unknown one. */
  private as(name: string | undefined, location: Location): string | undefined {
    if (name === undefined || this.names.has(name)) return name;
    const reason = this.users === undefined ? 'needs users in "access"' : `there is no user "${name}" in "access"`;
    this.findings.refuse(inside(location, 'as'), reason);
    return undefined;
  }

  /** The same, as a part of the endpoint's settings. */
  user(name: string | undefined, location: Location): { readonly as?: string } {
    const as = this.as(name, location);
    return as === undefined ? {} : { as };
  }

  /** The limits of an endpoint. `host`: the address it listens on; undefined for a file. */
  read({ as, allow, open }: RawBounds, host: string | undefined, location: Location): EndpointBounds {
    for (const [index, block] of (allow ?? []).entries()) {
      if (isAddressBlock(block)) continue;
      const reason = `"${block}" is neither an IP address nor a CIDR block`;
      this.findings.refuse(inside(location, 'allow', index), reason);
    }
    if (host !== undefined && !isLoopback(host) && allow === undefined && as === undefined && open !== true) {
      const reason = `anybody who reaches ${host} may use it: add "allow" or "as", or "open": true if that is intended`;
      this.findings.refuse(location, reason);
    }
    return { ...this.user(as, location), ...(allow === undefined ? {} : { allow }) };
  }
}

/** Whether an address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return /^127\.[0-9.]+$/.test(host) || host === '::1' || host.toLowerCase() === 'localhost';
}
