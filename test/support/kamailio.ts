import type { DestinationRow } from '../../src/engine/destination.js';
import type { DispatchContext } from '../../src/engine/dispatch-context.js';
import { Engine } from '../../src/engine/engine.js';
import { parseAttributes } from '../../src/engine/kamailio/attributes.js';
import { liveOf } from '../../src/engine/kamailio/live.js';
import { KAMAILIO_DEFAULTS, type KamailioOptions } from '../../src/engine/kamailio/options.js';
import type { Compat, KamailioVersion } from '../../src/engine/options.js';
import type { Partition } from '../../src/engine/partition.js';
import type { RequestView } from '../../src/engine/request-view.js';
import { partitionOptions, request, row, seededRandom, stillClock } from './partitions.js';

/** A kamailio partition with one engine, for tests. */
export class KamailioBench {
  readonly clock = stillClock();
  readonly engine: Engine;
  readonly partition: Partition;
  readonly options: KamailioOptions;

  constructor(
    rows: readonly DestinationRow[],
    over: {
      compat?: Compat;
      version?: KamailioVersion;
      options?: Partial<KamailioOptions>;
      seed?: number;
    } = {},
  ) {
    const kamailio = { ...KAMAILIO_DEFAULTS, flags: 2, hashSize: 6, ...over.options };
    this.engine = new Engine({ clock: this.clock, random: seededRandom(over.seed ?? 1) });
    const { compat = 'default', version } = over;
    this.engine.addPartition(partitionOptions({ flavour: 'kamailio', compat, version, kamailio }));
    this.options = kamailio;
    this.partition = this.engine.partition('') as Partition;
    this.load(rows);
  }

  load(rows: readonly DestinationRow[]): void {
    this.partition.load(rows, { inheritState: true });
  }

  /** Selects; returns the URIs in the order of failover; undefined when nothing is selected. */
  select(algorithm: number, over: Partial<RequestView> = {}, setId = 1): string[] | undefined {
    return this.choose(algorithm, over, setId)?.listed;
  }

  choose(
    algorithm: number,
    over: Partial<RequestView> = {},
    setId = 1,
  ): { listed: string[]; context: DispatchContext } | undefined {
    const context = this.engine.context();
    const target = { setId, algorithm, flags: 0, maxResults: Number.POSITIVE_INFINITY };
    if (context.selectOne(this.partition, target, request(over)) === undefined) return undefined;
    const lists = context.of(this.partition);
    return { listed: lists?.listed().map((each) => each.row.uri) ?? [], context };
  }

  /** How often each destination is first in `count` selections, by host. */
  shares(
    algorithm: number,
    count: number,
    over: (i: number) => Partial<RequestView> = () => ({}),
  ): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const uri = this.select(algorithm, over(i))?.[0] ?? 'none';
      counts[uri] = (counts[uri] ?? 0) + 1;
    }
    return counts;
  }

  down(uri: string, setId = 1): void {
    const destination = this.partition.find(setId, uri);
    if (destination === undefined) throw new Error(`no destination ${uri}`);
    this.engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
  }

  up(uri: string, setId = 1): void {
    const destination = this.partition.find(setId, uri);
    if (destination === undefined) throw new Error(`no destination ${uri}`);
    this.engine.states.apply({ destination, kind: 'set', to: 'active', origin: 'mi', reason: 'test' });
  }

  /** Calls in progress by URI. */
  loads(setId = 1): Record<string, number> {
    const destinations = this.partition.snapshot.sets.get(setId)?.destinations ?? [];
    return Object.fromEntries(destinations.map((each) => [each.row.uri, liveOf(each).calls]));
  }
}

/** Rows "sip:a", "sip:b", ... with attributes. All have one priority, so that the last one is position 0. */
export function kamailioRows(attrs: readonly string[], over: Partial<DestinationRow> = {}): DestinationRow[] {
  return attrs.map((each, i) =>
    row(`sip:10.0.0.${i + 1}`, { attrs: each, flags: 0, weight: parseAttributes(each).weight || 1, ...over }),
  );
}
