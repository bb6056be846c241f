import assert from 'node:assert/strict';
import type { DestinationRow } from '../../src/engine/destination.js';
import { KAMAILIO_DEFAULTS, type KamailioOptions } from '../../src/engine/kamailio/options.js';
import type { Compat } from '../../src/engine/options.js';
import type { Partition } from '../../src/engine/partition.js';
import { compileWritable } from '../../src/pvar/format.js';
import type { FailureRoute } from '../../src/route/script/failure-route.js';
import type { RequestRoute } from '../../src/route/script/request-route.js';
import { row } from './partitions.js';
import { scriptFixture } from './script-fixture.js';

/** Groups in a list file: with equal priorities the last row of a group comes first. */
export const GROUPS = [1, 2, 3].flatMap((setId) =>
  [1, 2].map((n) => row(`sip:10.0.${setId}.${n}:5060`, { setId, flags: 0, attrs: `duid=d${setId}${n}` })),
);

export interface Options {
  readonly compat?: Compat;
  readonly kamailio?: Partial<KamailioOptions>;
  readonly forceDst?: boolean;
  /** Rows instead of GROUPS. */
  readonly rows?: readonly DestinationRow[];
}

/** A script with these groups. `next`: its failure route; by default it tries the next destination. */
export function fixtureOf(
  request: (r: RequestRoute) => unknown,
  options: Options = {},
  next?: (r: FailureRoute) => unknown,
) {
  const kamailio = { ...KAMAILIO_DEFAULTS, flags: 2, hashSize: 6, ...options.kamailio };
  const fixture = scriptFixture(
    {
      request,
      failure: {
        NEXT(r) {
          if (next !== undefined) return next(r);
          if (!r.ds_next_dst()) return;
          r.t_on_failure('NEXT');
          r.t_relay();
        },
      },
    },
    {
      partitions: {
        default: {
          options: { flavour: 'kamailio', compat: options.compat ?? 'default', kamailio },
          rows: options.rows ?? GROUPS,
        },
      },
    },
  );
  Object.assign(fixture.environment, {
    forceDst: options.forceDst ?? true,
    attrsPvar: compileWritable('$avp(from_attrs)'),
    setidPvar: compileWritable('$avp(from_set)'),
  });
  return { ...fixture, partition: fixture.engine.partition('') as Partition };
}

/** Runs a request route for one INVITE and returns the values it noted. */
export function noted(request: (r: RequestRoute, note: (value: unknown) => void) => unknown, options: Options = {}) {
  const seen: unknown[] = [];
  const fixture = fixtureOf((r) => request(r, (value) => seen.push(value)), options);
  fixture.call();
  assert.deepEqual(fixture.faults(), []);
  return seen;
}
