import { deserialize, serialize } from 'node:v8';
import { BlacklistTable } from '../blacklist/blacklist.js';
import { type LoadCfgOptions, type LoadedCfg, loadCfg } from '../cfg-file/load.js';
import type { Settings } from '../config/settings.js';
import { messageOf } from '../core/errors.js';
import { systemRandom } from '../core/random.js';
import { transactionNumbers } from '../script/transaction-numbers.js';
import { dispatcherFormats } from '../tenant/options.js';
import type { SharedScript } from '../workers/protocol.js';
import type { StartScript } from '../workers/worker-script.js';
import { scriptCalls } from './script-calls.js';
import { ScriptRouting, type ScriptSettings } from './script-routing.js';

interface Rest {
  readonly readAs: LoadCfgOptions;
  readonly settings: ScriptSettings;
}

/** A script and its settings, as sent to workers. */
export function sharedScript(
  cfg: LoadedCfg,
  { dispatcher, foreignDialogs, limits, tm, ...settings }: Settings,
): SharedScript {
  const partitions = settings.partitions.map(({ name, scriptAttrsAvp }) => ({ name, scriptAttrsAvp }));
  const rest: Rest = { readAs: cfg.readAs, settings: { dispatcher, foreignDialogs, limits, tm, partitions } };
  return { file: cfg.file, texts: [...cfg.sources], rest: serialize(rest).toString('base64') };
}

function read({ file, texts, rest }: SharedScript): { readonly cfg: LoadedCfg; readonly settings: ScriptSettings } {
  const { readAs, settings } = deserialize(Buffer.from(rest, 'base64')) as Rest;
  return { cfg: loadCfg(file, { ...readAs, texts: new Map(texts) }), settings };
}

/** Runs the script of a configuration file in a worker; data shared with other processes is in the engine it gets. */
export const startScript: StartScript = (parts) => {
  transactionNumbers.beginFor(parts.worker);
  const { engine, layer, sockets, resolver, peers, counters, tokens, observer, tally, log, values, claims, clock } =
    parts;
  const begun = read(parts.script);
  let { settings } = begun;
  const routing = new ScriptRouting(
    {
      engine,
      sip: { layer, sockets, resolver, peers, counters },
      blacklists: new BlacklistTable(log, []),
      tally,
      formats: () => dispatcherFormats(settings.dispatcher, () => undefined),
      reload: () => false,
      tokens,
      clock,
      values,
      claims,
      publish: (...record) => parts.publish(...record),
      keep: (id, call) => parts.keep(id, call),
      random: systemRandom,
      log,
      calls: scriptCalls(observer, counters.proxy),
    },
    begun.cfg,
    settings,
  );
  let isReady = false;
  let attempts = 0;
  /** Whether the last read of all tables was complete. */
  let isWhole = false;
  /** The brain runs the script until `read` has read all tables. `part`: `read` reads one partition only. */
  const prepare = async (read: () => Promise<boolean>, part = false): Promise<void> => {
    const attempt = ++attempts;
    isReady = false;
    try {
      const complete = await read();
      if (!part) isWhole = complete;
      if (attempt === attempts) isReady = complete && isWhole;
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'a worker cannot use the script, the main process runs it');
    }
  };
  void prepare(() => routing.reloadTables());
  return {
    core: routing.core,
    get isReady() {
      return isReady;
    },
    run: (name, params) => routing.run(name, params),
    close: () =>
      routing
        .close()
        .catch((error: unknown) => log.error({ reason: messageOf(error) }, 'a worker cannot close its databases')),
    readTables: (partition) => prepare(() => routing.reloadTables(partition), partition !== undefined),
    use: (script) =>
      prepare(() => {
        const next = read(script);
        settings = next.settings;
        return routing.use(next.cfg, next.settings);
      }),
  };
};
