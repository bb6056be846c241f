import type { SelectEnv } from '../algorithms/algorithm.js';
import type { Destination, HealthState } from '../destination.js';
import type {
  DestinationsByAddress,
  DestinationView,
  Flavour,
  NamedSocket,
  RequestSource,
  RequestUris,
  SourceWanted,
  StateWanted,
} from '../flavour.js';
import { findInList } from '../in-list.js';
import type { FlavourName, PartitionOptions } from '../options.js';
import type { RequestView } from '../request-view.js';
import type { Choice, SelectFailure, SelectTarget } from '../selection.js';
import type { Snapshot } from '../set.js';
import type { StateSignal } from '../state.js';
import { chooseOpensips } from './choose.js';
import { RequestUriRewriter } from './request-uri.js';
import { markedState, nextOpensipsState } from './states.js';
import { stateOfKamailioBits, viewOf } from './view.js';

const ANY_SOCKET: NamedSocket = {};

/**
 * The rules of OpenSIPS' dispatcher, from its documentation and recordings. The options in `partition` may change
 * later.
 */
export class OpensipsFlavour implements Flavour {
  readonly name: FlavourName = 'opensips';
  readonly equalPriorities = 'row order';
  readonly repeatedRows = 'one destination';
  readonly editOrder = 'as listed';
  readonly reloadKeepsStates = true;
  readonly refusesUnresolved = false;
  readonly weightsAtRunTime = true;
  readonly leavesOlderSelection = true;
  readonly stacksSelections = false;
  readonly keepsNextHop = false;
  readonly dropsLastTarget = false;
  readonly endsCallsItself = false;
  readonly showsFieldsOf6 = false;
  readonly raisesUpDown = false;
  readonly unwritableRequestUri = undefined;
  readonly socketOf = 'selection';
  readonly defaultSocket = ANY_SOCKET;

  constructor(
    private readonly partition: PartitionOptions,
    private readonly env: SelectEnv,
  ) {}

  /** Calls do not count as load here. */
  readonly nextNeedsCounting = false;

  /** OpenSIPS marks the first target of the list; a selection without flag f makes no list. */
  get marksFirstOfList(): boolean {
    return this.partition.compat === 'strict';
  }

  get listKeepsOne(): boolean {
    return this.partition.compat === 'strict';
  }

  choose(snapshot: Snapshot, target: SelectTarget, request: RequestView): Choice | SelectFailure {
    return chooseOpensips(snapshot, this.partition, target, request, this.env);
  }

  requestUris(): RequestUris {
    return new RequestUriRewriter(this.partition.compat);
  }

  nextHopOf({ dialUri }: Destination): string {
    return dialUri;
  }

  nextState(signal: StateSignal): HealthState {
    return nextOpensipsState(signal, this.partition);
  }

  markOf(text: string): StateWanted {
    return { to: markedState(text) };
  }

  wantedByBits(bits: number): StateWanted {
    return { to: stateOfKamailioBits(bits) };
  }

  /**
   * Destinations in probing state are always probed; active ones with `all` or their own probe_mode 1; inactive ones
   * never, since an operator switched them off.
   */
  wantsProbe({ health, row }: Destination, all: boolean): boolean {
    switch (health.state) {
      case 'probing':
        return true;
      case 'active':
        return all || row.probeMode === 1;
      case 'inactive':
        return false;
    }
  }

  acceptsReply(code: number, goodCodes: ReadonlySet<number>): boolean {
    return code === 200 || goodCodes.has(code);
  }

  /** Only the row and the module parameters decide. */
  probeVia(): undefined {
    return undefined;
  }

  probeEnded(): void {}

  stateBits(): undefined {}

  failuresLeft({ health }: Destination): number {
    return Math.max(1, this.partition.probingThreshold - health.failures);
  }

  failuresOf({ health }: Destination): number {
    return health.failures;
  }

  carryFailures({ health }: Destination, failures: number): void {
    if (health.state !== 'inactive') health.failures = Math.max(health.failures, failures);
  }

  copyLive(): void {}

  isFrom(partition: DestinationsByAddress, { ip, port }: RequestSource, wanted: SourceWanted): boolean {
    const { setId, active, attrs } = wanted;
    const query = { ip, port: wanted.port ? port : 0, setId, activeOnly: active, pattern: attrs };
    return findInList(partition, query) !== undefined;
  }

  endCall(): void {}

  expireCalls(): void {}

  loadOf(): undefined {}

  shareLoad(): void {}

  view(destination: Destination): DestinationView {
    return viewOf(destination);
  }
}
