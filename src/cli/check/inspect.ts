import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { checkConfiguration } from '../../config/check.js';
import type { Problem } from '../../config/problem.js';
import type { PartitionConfig, Settings } from '../../config/settings.js';
import { messageOf } from '../../core/errors.js';
import { nullLogger } from '../../core/logger.js';
import { compositionFaults } from '../../daemon/composition.js';
import { Daemon } from '../../daemon/daemon.js';
import { socketListens } from '../../daemon/socket-check.js';
import { checkNats } from '../../events/sinks/nats-check.js';
import { checkCluster } from '../../events/sinks/nats-cluster-check.js';
import type { LoadOutcome } from '../../tenant/tenants.js';
import { missingAddresses } from './addresses.js';
import { partitionProblem } from './partition-problem.js';
import { unusedSockets, withoutSocket } from './reach.js';
import { rowProblems } from './row-problems.js';
import { ruleWarnings } from './rules.js';
import { ignoredWords, unwritable } from './tables.js';

/** The result of inspecting a configuration. */
export interface Inspection {
  /** What prevents the daemon, or a whole partition, from working. */
  readonly problems: readonly Problem[];
  /** What makes calls fail or has no effect, while the daemon works. */
  readonly warnings: readonly Problem[];
  /** undefined when the files are refused. */
  readonly summary: Summary | undefined;
}

/** Numbers of the things checked. */
export interface Summary {
  readonly partitions: number;
  readonly sets: number;
  readonly destinations: number;
  readonly rules: number;
}

/** Maximum number of rows of one partition that are named individually. */
const ROWS_NAMED = 50;

/**
 * Checks a configuration without starting anything: the files, the script, and every table with the daemon's loader.
 * Findings are returned, not thrown.
 */
export async function inspect(config: string | undefined): Promise<Inspection> {
  const report = await checkConfiguration(config, { inspect: compositionFaults }, { readable });
  const { settings } = report;
  if (settings === undefined) return { ...report, summary: undefined };
  const problems = [...report.problems, ...missingAddresses(settings)];
  const warnings = [...report.warnings];
  const at = (pointer: string, reason: string): Problem => ({ file: settings.file, pointer, reason });
  let daemon: Daemon;
  try {
    const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
    daemon = new Daemon({ settings, log });
  } catch (error) {
    problems.push(at('', messageOf(error)));
    return { problems, warnings, summary: undefined };
  }
  try {
    let scriptFails = problems.some(({ pointer }) => pointer === '/route_script');
    if (!scriptFails) {
      await daemon.loadScript().catch((error: unknown) => {
        scriptFails = true;
        problems.push(at('/route_script', messageOf(error)));
      });
    }
    // If the script that computes scores is invalid, loading the tables shows nothing useful.
    const outcomes = scriptFails && settings.dispatcher.algoRoute !== undefined ? new Map() : await daemon.loadOnly();
    for (const partition of settings.partitions) {
      const outcome: LoadOutcome | undefined = outcomes.get(partition.name);
      if (outcome !== undefined) await addFindings(partition, outcome, problems, warnings);
      const snapshot = daemon.engine.partition(partition.name)?.snapshot;
      const destinations = [...(snapshot?.sets.values() ?? [])].flatMap((set) => set.destinations);
      for (const reason of withoutSocket(destinations, settings.listen))
        warnings.push(partitionProblem(partition, reason));
      for (const reason of unusedSockets(destinations, socketListens(daemon.sockets, settings.listen)))
        warnings.push(partitionProblem(partition, reason));
    }
    const tables = settings.partitions.filter(({ name }) => outcomes.get(name)?.report !== undefined);
    for (const partition of tables) warnings.push(...(await ignoredWords(partition)));
    warnings.push(...(await unwritable(tables)));
    const setsOf = (name: string) => daemon.engine.partition(name)?.snapshot.sets;
    const loaded = (name: string) => outcomes.get(name)?.report !== undefined;
    warnings.push(
      ...ruleWarnings(settings, (name, set) => !loaded(name) || (setsOf(name)?.get(set)?.destinations.length ?? 0) > 0),
    );
    const codes = settings.dispatcher.optionsReplyCodes;
    if (codes.length > 0 && !usesReplyCodes(daemon, codes))
      warnings.push(
        at(
          '/modparam/options_reply_codes',
          'has no effect: every partition is of flavour kamailio, which has ds_ping_reply_codes for this',
        ),
      );
    const { nats } = settings.events;
    if (nats !== undefined) warnings.push(...(await checkNats(nats)).map((reason) => at('/events/nats', reason)));
    const { cluster, node } = settings;
    if (nats !== undefined && cluster !== undefined) {
      const found = await checkCluster(nats, { name: cluster.name, node });
      warnings.push(...found.map((reason) => at('/cluster', reason)));
    }
    return { problems, warnings, summary: summaryOf(settings, daemon) };
  } finally {
    await daemon.stop();
  }
}

/** Whether a partition accepts another reply to a probe because of options_reply_codes. */
function usesReplyCodes({ engine }: Daemon, codes: readonly number[]): boolean {
  const partitions = [...engine.partitions];
  const listed = new Set(codes);
  const none = new Set<number>();
  return (
    partitions.length === 0 ||
    partitions.some(({ flavour }) =>
      codes.some((code) => code === 200 || flavour.acceptsReply(code, listed) !== flavour.acceptsReply(code, none)),
    )
  );
}

function summaryOf(settings: Settings, { engine }: Daemon): Summary {
  const snapshots = [...engine.partitions].map(({ snapshot }) => snapshot);
  return {
    partitions: settings.partitions.length,
    sets: snapshots.reduce((sum, { sets }) => sum + sets.size, 0),
    destinations: snapshots.reduce((sum, { size }) => sum + size, 0),
    rules: settings.routing.length,
  };
}

async function addFindings(
  partition: PartitionConfig,
  outcome: LoadOutcome,
  problems: Problem[],
  warnings: Problem[],
): Promise<void> {
  const say = (list: Problem[], reason: string) => list.push(partitionProblem(partition, reason));
  if (outcome.report === undefined) {
    say(problems, outcome.failure);
    return;
  }
  const { loaded, discarded } = outcome.report;
  const found = loaded === 0 && discarded.length > 0 ? problems : warnings;
  found.push(...(await rowProblems(partition, discarded.slice(0, ROWS_NAMED))));
  if (discarded.length > ROWS_NAMED) say(found, `${discarded.length - ROWS_NAMED} more rows are discarded`);
  if (loaded === 0 && discarded.length > 0) say(problems, 'none of its rows can be used');
  if (loaded === 0 && discarded.length === 0) say(warnings, 'its table has no rows');
}

function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
