import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import { isProbeHeader } from '../config/probe-headers.js';
import type { PartitionConfig } from '../config/settings.js';
import { readAttributes } from '../core/attribute-list.js';
import type { Destination } from '../engine/destination.js';
import type { Flavour } from '../engine/flavour.js';
import type { ProbeRequest } from './probe.js';

/** How the destinations of one partition are probed. Settings of the partition override those of the module. */
export interface ProbePlan {
  /** Whether active destinations are probed too, and not only those in probing state (ds_probing_mode 1). */
  readonly all: boolean;
  readonly goodCodes: ReadonlySet<number>;
  /** Whether the set is probed (ds_probing_list). */
  covers(setId: number): boolean;
  request(destination: Destination, timeoutMs: number, flavour: Pick<Flavour, 'probeVia'>): ProbeRequest;
}

/** `partition`: undefined for a partition without configuration of its own, which has the settings of the module. */
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
      const added = additions(destination.row.attrs, config);
      const request = {
        destination,
        method,
        uri,
        from,
        socket: usual,
        ...added,
        maxForwards: config.pingMaxfwd,
        timeoutMs,
      };
      const via = flavour.probeVia(destination, usual);
      const whole = via === undefined ? request : { ...request, ...via, from: via.from ?? from, socket: via.socket };
      // Calls leave by the protocol of the socket that the row names, so the probe must too: another protocol would say
      // nothing about them.
      const ofRow = destination.row.sockname !== undefined || (own !== '' && whole.socket === own);
      return ofRow ? { ...whole, socketDecides: true } : whole;
    },
  };
}

/**
 * The Contact and the further headers of a probe: from the settings, and from the attributes ping_contact and
 * ping_header of its destination.
 */
function additions(attrs: string, config: DispatcherConfig): Pick<ProbeRequest, 'contact' | 'headers'> {
  const { pingContact, pingHeaders } = config;
  if (!attrs.includes('ping_'))
    return pingContact || pingHeaders.length > 0 ? { contact: pingContact, headers: pingHeaders } : {};
  const attributes = readAttributes(attrs);
  const own = attributes.get('ping_header');
  const contact = attributes.get('ping_contact');
  return {
    contact: contact === undefined ? pingContact : contact !== '0',
    headers: own !== undefined && isProbeHeader(own) ? [...pingHeaders, own] : pingHeaders,
  };
}
