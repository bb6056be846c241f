import type { DispatcherConfig, PartitionConfig } from '../config/settings.js';
import type { Destination } from '../engine/destination.js';
import type { Flavour } from '../engine/flavour.js';
import type { ProbeRequest } from './probe.js';

/** How the destinations of one partition are probed: settings of the partition over those of the module. */
export interface ProbePlan {
  /** Active destinations are probed too, not only those in probing state (ds_probing_mode 1). */
  readonly all: boolean;
  readonly goodCodes: ReadonlySet<number>;
  /** Whether the set is probed at all (ds_probing_list). */
  covers(setId: number): boolean;
  request(destination: Destination, timeoutMs: number, flavour: Pick<Flavour, 'probeVia'>): ProbeRequest;
}

/** `partition` is undefined for one that has no configuration of its own; the module's settings then hold. */
export function planProbes(name: string, config: DispatcherConfig, partition: PartitionConfig | undefined): ProbePlan {
  const listed = config.probingList?.filter((entry) => entry.partition === name);
  const everySet = listed === undefined || listed.some((entry) => entry.set === undefined);
  const sets = new Set(listed?.map((entry) => entry.set));
  const method = partition?.pingMethod ?? config.pingMethod;
  const from = partition?.pingFrom ?? config.pingFrom;
  const socket = partition?.pingSock ?? config.probingSock;
  return {
    all: config.probingMode === 1,
    goodCodes: new Set(config.optionsReplyCodes),
    covers: (setId) => everySet || sets.has(setId),
    request: (destination, timeoutMs, flavour) => {
      const { uri, socket: own } = destination.row;
      const usual = own === '' ? socket : own;
      const request = { destination, method, uri, from, socket: usual, maxForwards: config.pingMaxfwd, timeoutMs };
      const via = flavour.probeVia(destination, usual);
      return via === undefined ? request : { ...request, ...via, from: via.from ?? from, socket: via.socket };
    },
  };
}
