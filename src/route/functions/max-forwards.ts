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

/** How the functions of a cfg language read the field and their argument. */
interface Reading {
  /** Return code for a value that is not a number. */
  readonly code: number;
  /** The number that an empty value counts as. */
  readonly empty: number;
  /** Whether a limit outside one byte makes the functions fail, as recorded of Kamailio. */
  readonly bounded: boolean;
}

const opensips = (code: number): Reading => ({ code, empty: Number.NaN, bounded: false });
const kamailio = (code: number): Reading => ({ code, empty: 0, bounded: true });

function isBeyond(limit: number | undefined, { bounded }: Reading): boolean {
  return bounded && limit !== undefined && (limit < 0 || limit > 255);
}

function hopsOf({ message }: MessageSite, { empty }: Reading): number {
  const hops = message.maxForwards;
  return Number.isNaN(hops) && message.header('max-forwards') === '' ? empty : hops;
}

/**
 * Functions on Max-Forwards (module maxfwd). A value that is not a number gives -1 in OpenSIPS, -2 or -3 in Kamailio.
 */
export function maxForwardsFunctions<Site extends MessageSite>(writer: MaxForwardsWriter<Site>) {
  const process = (reading: Reading) => (site: Site, limit: number | undefined) => {
    if (isBeyond(limit, reading)) return -1;
    const hops = hopsOf(site, reading);
    if (hops < 0) {
      writer.add(site, limit ?? 70);
      return 2;
    }
    if (Number.isNaN(hops)) return reading.code;
    if (hops === 0) return -1;
    writer.decrement(site, hops);
    return 1;
  };
  const isBelow = (reading: Reading) => (site: Site, number: number | undefined) => {
    if (isBeyond(number, reading)) return -1;
    const hops = hopsOf(site, reading);
    if (hops < 0) return -1;
    return Number.isNaN(hops) ? reading.code : code(hops < (number ?? 0));
  };
  const counting = (routes: readonly RouteKind[], reading: Reading, check?: typeof limitCheck) => ({
    parameters: [param('limit', 'int', { as: 'number', ...(check === undefined ? {} : { check }) })],
    routes,
    summary: 'decrements Max-Forwards; false when it is 0',
    run: process(reading),
  });
  const testing = (routes: readonly RouteKind[] | 'any', reading: Reading) => ({
    parameters: [param('number', 'int', { as: 'number' })],
    routes,
    summary: 'whether Max-Forwards is below a number',
    run: isBelow(reading),
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
