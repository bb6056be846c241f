import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { DestinationSet } from '../engine/set.js';
import type { RouteOrigin } from '../proxy/decision.js';
import { sendingSocket } from '../route/dispatcher/sending-socket.js';
import { literalAddress } from '../route/rules/literal-address.js';
import type { LocalSockets } from '../sip/local-sockets.js';

/**
 * Knows the sets to which a worker may forward: those whose destinations are all given by address and reached over UDP.
 */
export class PlainSets {
  private known = new WeakMap<DestinationSet, boolean>();

  constructor(
    private readonly engine: Engine,
    private readonly sockets: LocalSockets,
  ) {}

  /** Whether all sets of a decision are plain. Without a selection there are none, and nothing can follow. */
  areIn({ partition: name, sets }: RouteOrigin): boolean {
    if (name === undefined) return true;
    const partition = this.engine.partition(name);
    if (partition === undefined || sets === undefined) return false;
    return sets.every((id) => {
      const set = partition.snapshot.sets.get(id);
      if (set === undefined) return true;
      let known = this.known.get(set);
      if (known === undefined) {
        known = set.destinations.every((each) => this.isPlain(each, partition.flavour));
        this.known.set(set, known);
      }
      return known;
    });
  }

  /** Forgets the results, since default sockets may have changed. */
  forget(): void {
    this.known = new WeakMap();
  }

  private isPlain(destination: Destination, flavour: Parameters<typeof sendingSocket>[1]): boolean {
    const socket = sendingSocket(destination, flavour, this.sockets);
    const transport = socket?.transport ?? literalAddress(destination)?.transport;
    return transport === 'udp' && literalAddress(destination)?.transport === 'udp';
  }
}
