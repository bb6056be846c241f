import type { Clock } from '../core/clock.js';
import { type Compiled, compileRows } from './compile.js';
import type { Availability, Destination, DestinationRow } from './destination.js';
import type { Flavour } from './flavour.js';
import type { PartitionOptions } from './options.js';
import type { LoadOptions, LoadReport, Partition } from './partition.js';
import { type CompiledSnapshot, emptySnapshot } from './snapshot.js';
import type { StateSignal } from './state.js';
import { setReportedWeight } from './weight.js';

/**
 * Creates an empty partition. `flavourOf` returns the rules of the flavour named in the options. `apply` is that of the
 * state table; states restored from rows go through it.
 */
export function createPartition(
  options: PartitionOptions,
  flavourOf: () => Flavour,
  clock: Clock,
  apply: (signal: StateSignal) => unknown,
): Partition {
  return new LoadedPartition(options, flavourOf, clock, apply);
}

/** Milliseconds for which a load runs before it yields to the event loop. */
const SLICE_MS = 4;
/** Destinations whose hit counts move to the new set in one event loop iteration: about a millisecond. */
const COUNTS_A_SLICE = 5000;

class LoadedPartition implements Partition {
  readonly name: string;
  private current: CompiledSnapshot;
  private readonly shared = {
    availabilities: new Map<number, Availability>(),
    resolutions: { version: 0 },
    serials: { last: 0 },
    begin: { part: 0 },
  };
  private rules: Flavour;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    readonly options: PartitionOptions,
    private readonly flavourOf: () => Flavour,
    private readonly clock: Clock,
    private readonly apply: (signal: StateSignal) => unknown,
  ) {
    this.name = options.name;
    this.rules = flavourOf();
    this.current = emptySnapshot(clock.now());
  }

  get flavour(): Flavour {
    // A change of settings may have changed the flavour in the options.
    if (this.rules.name !== this.options.flavour) this.rules = this.flavourOf();
    return this.rules;
  }

  get snapshot(): CompiledSnapshot {
    return this.current;
  }

  load(rows: readonly DestinationRow[], options: LoadOptions): LoadReport {
    const steps = this.compile(rows, options);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    options.check?.(step.value.report);
    if (options.dryRun !== true) {
      this.swap(step.value);
      for (const set of this.current.sets.values()) set.takeCounts(0, set.destinations.length);
      for (const restore of step.value.restores) this.restore(restore, options);
    }
    return step.value.report;
  }

  loadInSlices(rows: readonly DestinationRow[], options: LoadOptions, pause: () => Promise<void>): Promise<LoadReport> {
    const run = this.running.then(async () => {
      for (;;) {
        const before = this.current;
        const steps = this.compile(rows, options);
        let step = steps.next();
        let started = this.clock.monotonic();
        while (step.done !== true) {
          if (this.clock.monotonic() - started >= SLICE_MS) {
            await pause();
            started = this.clock.monotonic();
          }
          step = steps.next();
        }
        options.check?.(step.value.report);
        if (options.dryRun === true) return step.value.report;
        // Another load ended in the meantime: the compiled rows inherited from data that are no longer current.
        if (this.current !== before) continue;
        this.swap(step.value);
        for (const set of this.current.sets.values()) {
          for (let from = 0; from < set.destinations.length; from += COUNTS_A_SLICE) {
            if (from > 0) await pause();
            set.takeCounts(from, Math.min(from + COUNTS_A_SLICE, set.destinations.length));
          }
        }
        let restored = 0;
        for (const restore of step.value.restores) {
          if (++restored % 500 === 0) await pause();
          this.restore(restore, options);
        }
        return step.value.report;
      }
    });
    this.running = run.catch(() => undefined);
    return run;
  }

  beginAt(part: number): void {
    this.shared.begin.part = part;
    for (const set of this.current.sets.values()) set.beginAt(part);
  }

  find(setId: number, uri: string): Destination | undefined {
    return this.current.findAll(setId, uri)[0];
  }

  findAll(setId: number, uri: string): readonly Destination[] {
    return this.current.findAll(setId, uri);
  }

  destinationsAt(address: string): readonly Destination[] {
    return this.current.addresses.at(address);
  }

  named(): readonly Destination[] {
    return this.current.addresses.named;
  }

  private compile(rows: readonly DestinationRow[], options: LoadOptions): Generator<void, Compiled> {
    return compileRows(this.options, this.flavour, rows, options, this.current, this.shared, this.clock.now());
  }

  private swap(compiled: Compiled): void {
    for (const [id, availability] of compiled.availabilities) this.shared.availabilities.set(id, availability);
    this.current = compiled.snapshot;
    for (const { health } of compiled.attributed) health.scriptAttrs = undefined;
    for (const { health } of compiled.reweighed) setReportedWeight(health, undefined);
  }

  private restore({ destination, state }: Compiled['restores'][number], { isNewer }: LoadOptions): void {
    if (isNewer?.(destination) === true) return;
    this.apply({ destination, kind: 'restore', to: state, origin: 'store', reason: 'reload' });
  }
}
