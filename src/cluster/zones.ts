import type { Destination } from '../engine/destination.js';
import type { Membership } from './membership.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import { type ClusterRows, inZone, withoutZone } from './rows.js';
import type { Values } from './values.js';

/** What of a node its view of the zones follows from. */
export interface ZonedNode {
  readonly membership: Membership;
  readonly values: Values;
  readonly rows: ClusterRows;
  readonly records: Records;
  readonly options: { readonly settings: { readonly zone: string } };
}

/** Zones known at most: whoever may write to the bucket could name any number. */
const MAX_ZONES = 64;

/** Where nodes stand whose verdicts count among themselves only (`"verdict": "zone"`). */
export class Zones {
  constructor(private readonly node: ZonedNode) {}

  /** Zones of other nodes, of those too that are gone and may come back. */
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
