import { isDeepStrictEqual } from 'node:util';
import type { LoadedCfg } from '../cfg-file/load.js';
import { formatProblems } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import type { SettingsReload } from '../management/mi/dependencies.js';
import { JobQueue } from '../tenant/job-queue.js';
import { blacklistDefinitions } from '../tenant/options.js';
import type { DaemonParts } from './assembly.js';
import type { DaemonOptions } from './daemon-options.js';
import { SettingsReloads } from './process-metrics.js';
import { ReloadProgress } from './reload-progress.js';
import { restartOnly } from './restart-only.js';
import { settingsChanges } from './settings-changes.js';
import { checkWorkers } from './worker-hooks.js';

/** Applies new settings at run time. */
export class Reconfiguration {
  /** The progress of a reload. */
  readonly progress: ReloadProgress;
  /** Reloads run one at a time: two at once would each assume that what the other is about to start exists. */
  private readonly jobs = new JobQueue();
  private readonly outcomes: SettingsReloads;

  constructor(
    private readonly parts: DaemonParts,
    private readonly readSettings: DaemonOptions['readSettings'],
  ) {
    const { clock, metrics } = parts;
    this.progress = new ReloadProgress(() => clock.monotonic());
    this.outcomes = new SettingsReloads(metrics, () => clock.now());
  }

  /**
   * Applies these settings. Returns the top-level keys whose change needs a restart. Throws SwitchyardError for
   * unusable settings; then nothing has changed.
   */
  use(settings: Settings, cfg: LoadedCfg | undefined): Promise<readonly string[]> {
    return this.jobs.run(undefined, () => this.take(settings, cfg));
  }

  /**
   * Reads the settings again and applies them, or with `dryRun` only checks them. Returns the differences. Throws
   * ConfigError or SwitchyardError; then nothing has changed.
   */
  reload(dryRun: boolean): Promise<SettingsReload> {
    return this.jobs.run(undefined, () => this.progress.during(() => this.readAndTake(dryRun)));
  }

  private async readAndTake(dryRun: boolean): Promise<SettingsReload> {
    const { readSettings, parts } = this;
    if (readSettings === undefined) throw new SwitchyardError('USAGE', 'the settings were not read from a file');
    let done = false;
    try {
      const { settings, warnings, cfg } = readSettings();
      const before = parts.settings();
      const changes = settingsChanges(before, settings);
      if (dryRun) await this.check(settings, cfg);
      else await this.take(settings, cfg);
      done = true;
      const texts = warnings.map((warning) => formatProblems([warning]));
      return { changes, needRestart: restartOnly(before, settings), warnings: texts };
    } finally {
      if (!dryRun) this.outcomes.ended(done);
    }
  }

  /** Prepares the routing for these settings without changing anything. Throws SwitchyardError if they are unusable. */
  private async check(settings: Settings, cfg: LoadedCfg | undefined) {
    const { hooks } = this.parts;
    if (hooks !== undefined) checkWorkers(hooks, settings, cfg ?? this.parts.script?.file);
    const routes = await this.parts.routing.prepare(settings);
    await this.parts.tables.partitions.check(settings.partitions);
    return routes;
  }

  /** Everything that can fail is done first; after that, each part applies its settings. */
  private async take(settings: Settings, cfg: LoadedCfg | undefined): Promise<readonly string[]> {
    const { parts } = this;
    const { sip, tables, routing, script, hooks, followers, management } = parts;
    const routes = await this.check(settings, cfg);
    const certificates = [
      ...sip.transports.map((socket) => socket.reloadCertificates?.()),
      management.renewCertificate(),
    ];
    const before = parts.settings();
    parts.replaceSettings(settings);
    tables.engine.defaultPartition = settings.defaultPartition ?? 'default';
    const exchanged = this.exchangePartitions(before, settings);
    routing.use(routes);
    hooks?.parts?.changed();
    if (cfg !== undefined) await script?.use(cfg, settings);
    parts.prober.configure(settings.dispatcher, settings.partitions);
    await exchanged.load();
    for (const partition of tables.engine.partitions) followers.rebuildBlacklists(partition);
    followers.refreshWeights();
    parts.cluster.parts?.reconfigured();
    parts.events.syncStates();
    for (const renew of certificates) renew?.();
    this.configureRest(settings);
    hooks?.parts?.changed();
    return restartOnly(before, settings);
  }

  /** Removes, changes and adds partitions; `load` stops the old ones and loads the new ones. */
  private exchangePartitions(before: Settings, settings: Settings): { load(): Promise<void> } {
    const { tables, events, metrics } = this.parts;
    const { partitions, blacklists, tally } = tables;
    const dispatcherChanged = !isDeepStrictEqual(before.dispatcher, settings.dispatcher);
    const { retired, dropped } = partitions.retire(settings.partitions, dispatcherChanged);
    for (const name of dropped) events.changes.forget(name);
    blacklists.define(blacklistDefinitions(settings));
    const added = partitions.add(settings.partitions);
    return {
      load: async () => {
        // The old store writes its pending states before the new one is read.
        await this.progress.each('stop', retired, (runtime) => runtime.stop());
        for (const name of dropped) {
          tally.forget(name);
          metrics.forget('partition', name);
        }
        await this.progress.each('load', added, (runtime) => runtime.start());
      },
    };
  }

  private configureRest(settings: Settings): void {
    const { observers, management, sip, secret, log } = this.parts;
    // Call records depend on it.
    log.level = settings.log.level;
    observers.calls.configure(settings);
    observers.traces.configure(settings);
    management.access.configure(settings.access);
    sip.configure(settings);
    secret.configure(settings);
  }
}
