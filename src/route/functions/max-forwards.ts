import type { RouteKind } from '../../cfg/ast.js';
import { code, param, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

/** How a script language writes Max-Forwards into the request. */
export interface MaxForwardsWriter<Site extends MessageSite> {
  /** Adds the field with this value to a request that has none. */
  add(site: Site, limit: number): void;
  /** Writes one less than the received value. */
  decrement(site: Site, hops: number): void;
}

const limitCheck = (value: string | number): string | undefined =>
  /^\d+$/.test(String(value)) && Number(value) > 0 && Number(value) < 256 ? undefined : `${value} is not a limit`;

/** Return code for a value that is not a number, and the number that an empty value counts as. */
interface Unreadable {
  readonly code: number;
  readonly empty: number;
}

/** As recorded of Kamailio, a limit outside one byte makes the functions fail. */
const isBeyond = (limit: number | undefined): boolean => limit !== undefined && (limit < 0 || limit > 255);

const opensips = (code: number): Unreadable => ({ code, empty: Number.NaN });
const kamailio = (code: number): Unreadable => ({ code, empty: 0 });

function hopsOf({ message }: MessageSite, { empty }: Unreadable): number {
  const hops = message.maxForwards;
  return Number.isNaN(hops) && message.header('max-forwards') === '' ? empty : hops;
}

/** Functions on Max-Forwards (module maxfwd). A value that is not a number gives -1 in OpenSIPS, -2 or -3 in Kamailio. */
export function maxForwardsFunctions<Site extends MessageSite>(writer: MaxForwardsWriter<Site>) {
  const process = (unreadable: Unreadable) => (site: Site, limit: number | undefined) => {
    if (unreadable.empty === 0 && isBeyond(limit)) return -1;
    const hops = hopsOf(site, unreadable);
    if (hops < 0) {
      writer.add(site, limit ?? 70);
      return 2;
    }
    if (Number.isNaN(hops)) return unreadable.code;
    if (hops === 0) return -1;
    writer.decrement(site, hops);
    return 1;
  };
  const isBelow = (unreadable: Unreadable) => (site: Site, number: number | undefined) => {
    if (unreadable.empty === 0 && isBeyond(number)) return -1;
    const hops = hopsOf(site, unreadable);
    if (hops < 0) return -1;
    return Number.isNaN(hops) ? unreadable.code : code(hops < (number ?? 0));
  };
  const counting = (routes: readonly RouteKind[], unreadable: Unreadable, check?: typeof limitCheck) => ({
    parameters: [param('limit', 'int', { as: 'number', ...(check === undefined ? {} : { check }) })],
    routes,
    summary: 'decrements Max-Forwards; false when it is 0',
    run: process(unreadable),
  });
  const testing = (routes: readonly RouteKind[] | 'any', unreadable: Unreadable) => ({
    parameters: [param('number', 'int', { as: 'number' })],
    routes,
    summary: 'whether Max-Forwards is below a number',
    run: isBelow(unreadable),
  });
  return {
    opensips: {
      mf_process_maxfwd_header: counting(['request'], opensips(-1), limitCheck),
      is_maxfwd_lt: testing(['request', 'failure', 'branch', 'local'], opensips(-2)),
    },
    kamailio: {
      mf_process_maxfwd_header: counting(['request', 'event'], kamailio(-2)),
      process_maxfwd: counting(['request'], kamailio(-2)),
      maxfwd_process: counting(['request'], kamailio(-2)),
      is_maxfwd_lt: testing(['request', 'failure', 'branch', 'event'], kamailio(-3)),
      mf_lowlimit: testing('any', kamailio(-1)),
      maxfwd_at_least: testing('any', kamailio(-3)),
    },
  } as const satisfies Readonly<Record<string, SharedFunctions>>;
}
