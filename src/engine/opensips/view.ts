import type { Destination, HealthState } from '../destination.js';
import type { DestinationView } from '../flavour.js';

/** The letters that Kamailio's tools show for states of an OpenSIPS partition. */
const LETTERS: Readonly<Record<HealthState, string>> = { active: 'AX', probing: 'IP', inactive: 'IX' };

const BITS: Readonly<Record<HealthState, number>> = { active: 0, probing: 9, inactive: 1 };

/** A destination as Kamailio's tools show it, as far as OpenSIPS has the data. */
export function viewOf({ row, health }: Destination): DestinationView {
  return {
    letters: LETTERS[health.state],
    bits: BITS[health.state],
    probingCount: health.failures,
    load: undefined,
    attributes: {
      duid: undefined,
      maxload: 0,
      weight: row.weight,
      rweight: 0,
      socket: row.socket === '' ? undefined : row.socket,
      sockname: undefined,
      obproxy: undefined,
      pingSocket: undefined,
      ocMin: 0,
      ocMax: 100,
    },
    latency: undefined,
    overload: undefined,
  };
}

const INACTIVE = 1;
const TRYING = 2;
const DISABLED = 4;
const PROBING = 8;

/** Converts Kamailio's state bits to one of OpenSIPS' three states. */
export function stateOfKamailioBits(bits: number): HealthState {
  if ((bits & INACTIVE) !== 0 && (bits & PROBING) !== 0) return 'probing';
  if ((bits & (INACTIVE | DISABLED)) !== 0) return 'inactive';
  return (bits & TRYING) !== 0 ? 'probing' : 'active';
}
