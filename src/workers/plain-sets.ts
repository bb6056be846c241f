import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { DestinationSet } from '../engine/set.js';
import type { RouteOrigin } from '../proxy/decision.js';
import { sendingSocket } from '../route/dispatcher/sending-socket.js';
import { literalAddress } from '../route/rules/literal-address.js';
import type { LocalSockets } from '../sip/local-sockets.js';

/** Which sets a worker may relay calls to: those whose destinations are all given by address, and reached by UDP. */
export class PlainSets {
  private known = new WeakMap<DestinationSet, boolean>();

  constructor(
    private readonly engine: Engine,
    private readonly sockets: LocalSockets,
  ) {}

  /** Whether all sets that a decision selected from are such. Without a selection there is nothing that may follow. */
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

  /** Default sockets may have changed. */
  forget(): void {
    this.known = new WeakMap();
  }

  private isPlain(destination: Destination, flavour: Parameters<typeof sendingSocket>[1]): boolean {
    const socket = sendingSocket(destination, flavour, this.sockets);
    const transport = socket?.transport ?? literalAddress(destination)?.transport;
    return transport === 'udp' && literalAddress(destination)?.transport === 'udp';
  }
}
