import type { ParameterDefinition } from '../cfg/function-table.js';
import { ownText } from '../core/own-text.js';
import type { SharedLock } from '../core/shared-lock.js';
import type { SharedValues } from '../core/shared-values.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { code, type FunctionSpec, KAMAILIO, OPENSIPS, optional, param, textOf } from './define.js';

/** Maximum number of lock keys, and maximum length of a key. */
const MAX_LOCKS = 10_000;
const LONGEST_LOCK = 1024;
/**
 * Maximum milliseconds to wait for another process: scripts that take two locks in different orders would wait for each
 * other forever.
 */
const MAX_WAIT = 1000;

/**
 * Locks of a script. In this process no other script runs meanwhile, so locks only matter among processes. A lock is
 * released by the script, when the script waits for something, or when the messages of this event loop iteration are
 * handled: a forgotten lock must not stop other processes.
 */
class ScriptLocks {
  /** Without other processes: keys locked by Kamailio's lock() and not unlocked yet, which trylock() tests. */
  private readonly keys = new Set<string>();
  private readonly held = new Set<SharedLock>();

  constructor(
    private readonly shared: SharedValues | undefined,
    /** Whether locks can be used: in Kamailio only if the file sets their number. */
    readonly isUsable: boolean,
  ) {}

  /** Waits until no other process has the lock, and takes it. */
  enter(run: MessageRun, key: string): void {
    const lock = this.shared?.namedLock(key);
    if (lock === undefined) {
      if (this.keys.size < MAX_LOCKS && key.length <= LONGEST_LOCK) this.keys.add(ownText(key));
    } else if (lock.tryEnter(MAX_WAIT)) this.keep(lock);
    else
      run.env.peerLog.warn(
        { callId: run.message.callId, ms: MAX_WAIT },
        'script: another process has not released a lock in time, the script continues without it',
      );
  }

  /** Takes the lock if it is free. */
  tryEnter(run: MessageRun, key: string): boolean {
    const lock = this.shared?.namedLock(key);
    if (lock === undefined) {
      if (this.keys.has(key)) return false;
      this.enter(run, key);
      return true;
    }
    if (lock.isHeld || !lock.tryEnter(0)) return false;
    this.keep(lock);
    return true;
  }

  /** Releases the lock. */
  leave(key: string): void {
    this.keys.delete(key);
    const lock = this.shared?.namedLock(key);
    if (lock?.isHeld === true) lock.leave();
  }

  private keep(lock: SharedLock): void {
    if (this.held.size === 0) setImmediate(this.leaveAll);
    this.held.add(lock);
  }

  private readonly leaveAll = (): void => {
    for (const lock of this.held) while (lock.isHeld) lock.leave();
    this.held.clear();
  };
}

const locks = {
  module: 'cfgutils',
  create: (parameters: ModuleParameters, { shared }: ModuleStates): ScriptLocks =>
    new ScriptLocks(shared, parameters.int('lock_set_size', 0) > 0),
};

function opensips(name: string, act: (run: MessageRun, key: string) => void): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('key', 'string'), optional('key 2', 'string')],
    summary: 'takes or releases a lock among all processes that run the script',
    compile:
      ([key]) =>
      (run) => {
        act(run, textOf(key, run));
        return 1;
      },
  };
}

function kamailio(
  name: 'lock' | 'unlock' | 'trylock',
  { since, more = [] }: { readonly since?: string; readonly more?: readonly ParameterDefinition[] },
): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    ...(since === undefined ? {} : { since }),
    parameters: [param('key', 'string'), ...more],
    summary: 'takes or releases a lock among all processes that run the script; false without lock_set_size',
    compile:
      ([key]) =>
      (run) => {
        const all = run.env.modules.of(locks);
        if (!all.isUsable) return -1;
        const text = textOf(key, run);
        if (name === 'trylock') return code(all.tryEnter(run, text));
        if (name === 'lock') all.enter(run, text);
        else all.leave(text);
        return 1;
      },
  };
}

const enter = (run: MessageRun, key: string): void => run.env.modules.of(locks).enter(run, key);
const leave = (run: MessageRun, key: string): void => run.env.modules.of(locks).leave(key);

/** Lock functions of cfgutils. */
export const lockFunctions: readonly FunctionSpec[] = [
  opensips('get_static_lock', enter),
  opensips('release_static_lock', leave),
  opensips('get_dynamic_lock', enter),
  opensips('release_dynamic_lock', leave),
  opensips('strings_share_lock', () => undefined),
  ...(['lock', 'unlock', 'trylock'] as const).flatMap((name) => [
    kamailio(name, {}),
    // 6.0 has a second parameter, a hash key for waiting calls.
    kamailio(name, { since: '6.0', more: [param('hash key', 'string')] }),
  ]),
];
