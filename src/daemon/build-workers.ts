import { randomInt } from 'node:crypto';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallLedger } from '../calls/call-ledger.js';
import { SwitchyardError } from '../core/errors.js';
import type { KeyRing } from '../core/key-ring.js';
import { ProcessCounts } from '../core/process-counts.js';
import type { LockOptions } from '../core/shared-lock.js';
import { SharedValues, VALUES_BYTES } from '../core/shared-values.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import { flavourKind } from '../engine/flavours.js';
import { countedIn } from '../engine/kamailio/flavour.js';
import { SharedLoads } from '../engine/shared-loads.js';
import type { ProxyCore } from '../proxy/proxy.js';
import { parseMessage } from '../sip/parse-message.js';
import { loadLibc } from '../sip/transport/native/libc.js';
import { openGroup, steer } from '../sip/transport/native/open-group.js';
import { boundsOf, socketByShare } from '../sip/transport/native/steering.js';
import { blacklistDefinitions } from '../tenant/options.js';
import { Brain } from '../workers/brain.js';
import { CallClaims } from '../workers/call-claims.js';
import { KeptCalls } from '../workers/kept-calls.js';
import { machineMs } from '../workers/machine-time.js';
import { PlainSets } from '../workers/plain-sets.js';
import { Pool, type WorkerStart } from '../workers/pool.js';
import type { LiveSetup, SharedDestination, SharedRules, WarmUpPlan } from '../workers/protocol.js';
import { RemoteCommands } from '../workers/remote-commands.js';
import { Reports } from '../workers/reports.js';
import { RequestClaims } from '../workers/request-claims.js';
import { ClaimingOwners, EvenOwners, FIRST_WORKER } from '../workers/request-owners.js';
import { ScriptVersions } from '../workers/script-versions.js';
import { SharedFigures } from '../workers/shared-figures.js';
import { BRAIN, callsOf, ownerOf, SHARED_BYTES } from '../workers/shared-layout.js';
import { SharedRateLimiter } from '../workers/shared-rate-limit.js';
import { canBeShared, SharedTables } from '../workers/shared-tables.js';
import { Spread } from '../workers/spread.js';
import { tallies } from '../workers/tallies.js';
import { WorkerLoads } from '../workers/worker-load.js';
import type { SipParts } from './build-sip.js';
import type { DaemonEnvironment } from './environment.js';
import { KeptProgram } from './kept-program.js';
import type { ScriptRouting } from './script-routing.js';
import { sharedScript } from './script-worker.js';
import type { CountingTally } from './selection-tally.js';
import { layerOptions, rateLimit } from './sip-options.js';
import type { WorkerHooks, WorkerParts } from './worker-hooks.js';

/** What the pool of workers needs. */
export interface WorkersEnvironment extends DaemonEnvironment {
  readonly hooks: WorkerHooks;
  readonly sip: SipParts;
  readonly proxy: ProxyCore;
  /** The cfg script; undefined: rules decide. */
  readonly script: ScriptRouting | undefined;
  readonly engine: Engine;
  readonly ledger: CallLedger;
  readonly tally: CountingTally;
  readonly keys: KeyRing;
}

/** Builds the brain's side. Throws SwitchyardError CONFIG_INVALID where the system calls are missing. */
export async function buildWorkers(env: WorkersEnvironment): Promise<WorkerParts> {
  const { hooks, sip, proxy, script, engine, ledger, keys, log, peerLog, clock, metrics } = env;
  let knownFile = script?.file;
  let warmUpPlan: WarmUpPlan | undefined;
  const { workers, groups } = hooks;
  const loaded = await loadLibc();
  if (!('libc' in loaded)) {
    throw new SwitchyardError(
      'CONFIG_INVALID',
      `"workers": ${workers} needs the optional package koffi: ${loaded.missing}`,
    );
  }
  const { libc } = loaded;
  const plain = new PlainSets(engine, sip.sockets);
  const shared = libc.share(SHARED_BYTES);
  const values = script && libc.share(VALUES_BYTES);
  // A worker that is blocked while it holds a lock would make all others wait, and this process too, which has to kill
  // it.
  const lock: LockOptions = { stuck: (pid) => pool.kill(pid) };
  const kept = values && new SharedValues(values.memory, () => clock.monotonic(), lock);
  const isEven = env.settings().workerSpread === 'even';
  const claims = kept && new CallClaims(kept, 0, workers, isEven ? undefined : FIRST_WORKER);
  const seeds = [randomInt(SEEDS), randomInt(SEEDS)] as const;
  const requests = new RequestClaims(shared.memory, seeds, () => clock.monotonic());
  const loads = new WorkerLoads(shared.memory, () => clock.monotonic());
  let bounds: readonly number[] = boundsOf([1]);
  const spread = new Spread({
    workers,
    load: (worker) => loads.of(worker),
    apply: (shares) => {
      const wanted = boundsOf(shares);
      try {
        steer(
          libc,
          [...groups.values()].flatMap((group) => group.slice(0, 1)),
          workers,
          wanted,
        );
      } catch (error) {
        // Some groups may have the new shares already: any worker that gets a request looks up to whom it belongs.
        peerLog.error({ err: error, shares }, 'the shares of new requests among the workers cannot be changed');
        return false;
      }
      bounds = wanted;
      log.debug({ shares }, 'the shares of new requests among the workers have changed');
      return true;
    },
    now: () => clock.monotonic(),
  });
  const counts = kept && new ProcessCounts(kept);
  const commands = new RemoteCommands(
    workers,
    (worker, ...command) => pool.send(worker, ['command', ...command]),
    (worker) => pool.stands(worker),
    (worker, name) =>
      peerLog.warn({ worker, command: name.trim() }, 'a worker did not answer a command: the answer lacks its part'),
  );
  if (script !== undefined && kept !== undefined && claims !== undefined) {
    script.share(kept, claims, (name, paramsOf) => commands.run(name, paramsOf));
  }
  const rules = (): SharedRules | undefined => {
    const { dispatcher, defaultPartition = 'default' } = env.settings();
    // With a script, rules are not used.
    const routing = script === undefined ? env.settings().routing : [];
    const partitions = [...engine.partitions].map(({ name }) => name);
    const blacklists = blacklistDefinitions(env.settings());
    const all: SharedRules = {
      rules: routing,
      hashPvar: dispatcher.hashPvar,
      defaultPartition,
      partitions,
      blacklists,
    };
    return canBeShared(all) ? all : undefined;
  };
  const figures = new SharedFigures(shared.memory, 0, workers);
  const limiter = new SharedRateLimiter(shared.memory, () => clock.monotonic(), sip.trusted, lock);
  limiter.configure(rateLimit(env.settings()));
  const calls = new SharedLoads(callsOf(shared.memory), {
    now: () => clock.monotonic(),
    owner: BRAIN,
    inUse: () => countedIn(engine.partitions),
    lock,
  });
  engine.countIn(calls);
  const tables = new SharedTables({
    engine,
    memory: shared.memory,
    workers,
    send: (worker, item) => pool.send(worker, item),
    rules,
  });
  const versions = new ScriptVersions(workers, () => tables.open(isOpen()));
  let draining = false;
  /** Number of dialogs of the worker that ended last. */
  let dialogsLost = 0;
  /** Process id of the worker that ended last. */
  let lastEnded = 0;
  const isOpen = (): boolean => !draining && !sip.tapPoint.isTapped && versions.agree;
  const live = (): LiveSetup => {
    const { limits, partitions } = env.settings();
    return {
      trustedSources: limits.trustedSources,
      logLevel: log.level ?? 'info',
      countsLoad: script === undefined && partitions.some(({ flavour }) => flavourKind(flavour).countsCalls),
    };
  };
  const start = (worker: number): WorkerStart => {
    const settings = env.settings();
    const sockets = [...groups].map(([index, group]) => ({ index, fd: group[worker]?.fd ?? -1 }));
    return {
      descriptors: [...sockets.map(({ fd }) => fd), shared.fd, ...(values === undefined ? [] : [values.fd])],
      setup: (fds) => ({
        worker,
        workers,
        token: hooks.identity.token,
        sockets: sip.transports.map(({ transport, address, port }, index) => {
          const at = sockets.findIndex((each) => each.index === index);
          const { advertise = null, name = null } = settings.listen[index] ?? {};
          return { transport, address, port, advertise, name, fd: fds[at] ?? null };
        }),
        aliases: settings.aliases,
        keys: keys.keys,
        transactions: layerOptions(settings),
        proxy: settings.tm,
        gatherMs: isEven ? gathering(settings.limits.gatherMs, workers) : settings.limits.gatherMs,
        paceMs: settings.limits.paceMs,
        live: live(),
        askAll: sip.tapPoint.isTapped,
        script: script && sharedScript(script.file, settings),
        memory: { fd: fds[sockets.length] ?? -1, bytes: SHARED_BYTES },
        values: values && { fd: fds[sockets.length + 1] ?? -1, bytes: VALUES_BYTES },
        ahead: machineMs() - clock.monotonic(),
        requestSeeds: isEven ? undefined : seeds,
      }),
    };
  };
  const keptCalls = new KeptCalls({
    write: (text, ended) => script?.writeKept(text, ended),
    now: () => clock.now(),
  });
  ledger.onEnd(
    ({ text, time, end, duration }) => {
      const callId = duration < 0 ? undefined : parseMessage(text, true)?.callId;
      if (callId !== undefined) keptCalls.ended(callId, Math.round(time + end + duration));
    },
    () => keptCalls.size > 0,
  );
  const brain = new Brain({
    workers,
    layer: sip.layer,
    proxy,
    receiver: sip.tapPoint,
    sockets: sip.transports,
    trusted: sip.trusted,
    counters: sip.counters,
    observer: ledger,
    isPlain: (origin) => plain.areIn(origin),
    isTraced: () => sip.tapPoint.isTapped,
    seen: (...message) => sip.tapPoint.seen(...message),
    byeEnded: (callId, fromTag, code) => ledger.byeEnded(callId, fromTag, code),
    reportedAt: (at) => {
      ledger.reportedAt = at;
    },
    destination: (each) => destinationOf(engine, each),
    apply: (signal) => {
      engine.states.apply(signal);
      tables.publishState(signal.destination);
    },
    selected: (partition, succeeded, failed) => {
      if (succeeded > 0) env.tally.selected(partition, succeeded);
      if (failed > 0) env.tally.failed(partition, failed);
    },
    script: script?.core,
    owners: isEven
      ? new EvenOwners(workers, claims)
      : new ClaimingOwners(requests, claims, (callId) => socketByShare(callId, bounds)),
    keepsDialogs: () => script?.file.loaded.has('dialog') === true,
    answered: (...answer) => commands.answered(...answer),
    publish: (...record) => void script?.publish(...record),
    keep: (...call) => keptCalls.keep(...call),
    begun: (worker) => tables.begun(worker),
    scriptTaken: (worker, version) => versions.taken(worker, version),
    tableTaken: (worker, name, generation) => tables.taken(worker, name, generation),
    log: peerLog,
    now: () => clock.monotonic(),
    send: (worker, item) => pool.send(worker, item),
    hand: (worker, item) => pool.hand(worker, item),
  });
  const reports = new Reports({
    memory: shared.memory,
    workers,
    totals: tallies(sip.counters),
    receive: (worker, item) => brain.receive(worker, item),
    failed: (worker, error) => peerLog.error({ err: error, worker }, 'a report of a worker could not be processed'),
    looked: () => {
      figures.set(sip.layer.figures());
      if (!isEven) spread.look();
    },
  });
  const program = new KeptProgram(
    fileURLToPath(new URL(`./worker-process${extname(import.meta.url)}`, import.meta.url)),
  );
  const pool: Pool = new Pool({
    workers,
    program: () => program.file,
    start,
    started: (worker) => {
      tables.started(worker);
      versions.started(worker);
      if (warmUpPlan !== undefined) pool.send(worker, ['warmUp', warmUpPlan]);
    },
    receive: (worker, item) => {
      // What the worker has written to shared memory is older than this message. A pong needs no such read, which would
      // keep an idle process awake.
      if (item[0] !== 'pong') reports.read(worker);
      brain.receive(worker, item);
      keptCalls.look();
      if (isEven) return;
      if (item[0] === 'ready') {
        loads.clear(worker);
        spread.started(worker);
      } else if (item[0] === 'busy' || item[0] === 'pong') spread.look();
    },
    ended: (pid) => {
      lastEnded = pid;
      kept?.ended(pid);
      dialogsLost = (counts?.of(pid, 'dialogs active') ?? 0) + (counts?.of(pid, 'dialogs early') ?? 0);
      counts?.ended(pid);
      limiter.ended(pid);
      calls.ended(pid);
    },
    lost: (worker) => {
      reports.lost(worker);
      tables.lost(worker);
      commands.lost(worker);
      void claims?.lost(worker, lastEnded);
      const records = keptCalls.lost(worker);
      // From now on the end of each call must be reported at once.
      ledger.askListeners();
      if (dialogsLost > 0) {
        log.error(
          { worker, dialogs: dialogsLost, records },
          'the dialogs of a dead worker have ended: their timers and routes no longer run; the main process writes the records of the whole calls',
        );
        // When a successor could not be started, no process has ended.
        dialogsLost = 0;
      }
      figures.set(undefined, worker);
      calls.lost(ownerOf(worker));
      if (!isEven) {
        requests.lost(worker);
        spread.lost(worker);
      }
      return brain.lost(worker);
    },
    log,
    now: () => clock.monotonic(),
  });
  const each = (read: (worker: number) => number) =>
    Array.from({ length: workers }, (_, i) => [{ worker: String(i + 1) }, read(i + 1)] as const);
  metrics.gauge({
    name: 'switchyard_worker_requests_total',
    help: 'Requests outside dialogs that a worker was given to relay',
    type: 'counter',
    collect: () => each((worker) => brain.givenTo(worker)),
  });
  metrics.gauge({
    name: 'switchyard_worker_questions_total',
    help: 'Requests whose routing a worker left to the main process',
    type: 'counter',
    collect: () => each((worker) => brain.askedBy(worker)),
  });
  metrics.gauge({
    name: 'switchyard_worker_pending',
    help: 'Requests that a worker relays now',
    collect: () => each((worker) => brain.callsOf(worker)),
  });
  metrics.gauge({
    name: 'switchyard_worker_share',
    help: 'Part of the new requests that a worker gets, 0 to 1',
    collect: () => each((worker) => (isEven ? 1 / workers : (spread.shares[worker - 1] ?? 0))),
  });
  metrics.gauge({
    name: 'switchyard_worker_deaths_total',
    help: 'Workers that have died and were replaced',
    type: 'counter',
    collect: () => [[{}, pool.deaths]],
  });
  return {
    openGroup: (system, options, count) => openGroup(system, options, count, isEven ? undefined : bounds),
    figures,
    limits: {
      take: (source) => (brain.isHanded ? 0 : limiter.take(source)),
      get refused() {
        return limiter.refused;
      },
      get size() {
        return limiter.size;
      },
    },
    strayError: (...error) => brain.strayError(...error),
    tapped(isTapped) {
      tables.open(isOpen());
      pool.sendAll(['askAll', isTapped]);
      if (isTapped)
        log.info({}, 'while messages are traced, new calls are relayed by the main process instead of the workers');
    },
    tablesRead: (partition) => pool.sendAll(['scriptTables', versions.next(), partition]),
    async start() {
      tables.open(isOpen());
      tables.changed();
      await pool.start();
    },
    async stop() {
      await pool.stop();
      await program.release();
      reports.stop();
      for (const group of groups.values()) for (const { fd } of group.slice(1)) libc.close(fd);
    },
    changed() {
      plain.forget();
      limiter.configure(rateLimit(env.settings()));
      pool.sendAll(['forget']);
      pool.sendAll(['key', keys.current]);
      pool.sendAll(['live', live()]);
      if (script !== undefined && script.file !== knownFile) {
        knownFile = script.file;
        pool.sendAll(['script', versions.next(), sharedScript(knownFile, env.settings())]);
      }
      tables.changed();
    },
    drain() {
      draining = true;
      tables.open(false);
    },
    warmUp(plan) {
      warmUpPlan = plan;
      pool.sendAll(['warmUp', plan]);
    },
    keepProgram: () => program.keep(),
    giveUp: () => pool.sendAll(['giveUp']),
    get pids() {
      return pool.pids;
    },
  };
}

/** The destination that a worker means: the one at its position, unless the table was loaded again. */
function destinationOf(engine: Engine, [name, setId, position, uri]: SharedDestination): Destination | undefined {
  if (position < 0) return undefined;
  const partition = engine.partition(name);
  const at = partition?.snapshot.sets.get(setId)?.destinations[position];
  return at?.row.uri === uri ? at : partition?.find(setId, uri);
}

const SEEDS = 2 ** 32;

/** Maximum milliseconds for which a worker gathers datagrams. */
const LONGEST_GATHERING = 4;

/**
 * Each worker gets only a part of the datagrams. So it gathers longer, so that all workers together wake as often as
 * one process.
 */
function gathering(gatherMs: number, workers: number): number {
  return gatherMs === 0 ? 0 : Math.max(gatherMs, Math.min(LONGEST_GATHERING, gatherMs * workers));
}
