import type { Destination } from '../engine/destination.js';
import type { Membership } from './membership.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import { type ClusterRows, inZone, withoutZone } from './rows.js';
import type { Values } from './values.js';

/** The parts of a node that this file uses. */
export interface ZonedNode {
  readonly membership: Membership;
  readonly values: Values;
  readonly rows: ClusterRows;
  readonly records: Records;
  readonly options: { readonly settings: { readonly zone: string } };
}

/** Maximum number of zones, since anybody with access to the bucket could invent names. */
const MAX_ZONES = 64;

/** The zones of the nodes. With `"verdict": "zone"`, nodes share results only within their zone. */
export class Zones {
  constructor(private readonly node: ZonedNode) {}

  /** The zones of other nodes, including nodes that are gone but may come back. */
  elsewhere(): ReadonlySet<string> {
    const { membership, values, options } = this.node;
    const zones = new Set<string>();
    for (const { zone } of membership.others.values()) zones.add(zone);
    for (const [, text] of values.under('m.')) {
      if (zones.size >= MAX_ZONES) break;
      zones.add(zoneOfMember(text));
    }
    zones.delete(options.settings.zone);
    return zones;
  }

  /** The entries of a destination's records in the other zones. */
  entriesElsewhere(destination: Destination): Entry[] {
    const { rows, records } = this.node;
    const key = withoutZone(rows.keyOf(destination));
    return [...this.elsewhere()].map((zone) => records.entry(inZone(key, zone)));
  }
}

function zoneOfMember(text: string): string {
  try {
    const { zone } = JSON.parse(text) as { zone?: unknown };
    return typeof zone === 'string' && zone.length <= 64 ? zone : '';
  } catch {
    return '';
  }
}
