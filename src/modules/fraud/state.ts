import { AgedMap } from '../../core/aged-map.js';
import { ownText } from '../../core/own-text.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { type FraudFigure, type FraudRule, holdsAt } from '../../script/fraud-rules.js';
import { raiseEvent } from '../../script/raised-events.js';

/** Maximum number of pairs of user and prefix, and of users, whose figures are kept. */
const MAX_ENTRIES = 200_000;

/** Figures of one user for one prefix. */
export interface Figures {
  /** Calls in the seconds of the last minute, oldest first. */
  readonly seconds: { readonly second: number; calls: number }[];
  /** Number of calls on `day`. */
  total: number;
  /** Days since 1970, in the time zone of the rules. */
  day: number;
  concurrent: number;
  /** Seconds that the last answered call took. */
  duration: number;
}

/** Consecutive calls of one user to the same number. */
interface Batch {
  readonly number: string;
  calls: number;
}

/** Severity of the worst figure. */
export type Level = 'fine' | 'warning' | 'critical';

/**
 * The figures of fraud_detection. When there are too many, the pair or user that was used least recently is removed.
 */
export class FraudFigures {
  private readonly pairs: AgedMap<Figures>;
  private readonly batches: AgedMap<Batch>;

  /**
   * `usesUtc`: whether the times of rules are in UTC instead of local time; `before`: the figures of the earlier
   * configuration.
   */
  constructor(
    private readonly usesUtc: boolean,
    before?: FraudFigures,
  ) {
    this.pairs = before?.pairs ?? new AgedMap(Infinity, MAX_ENTRIES, Infinity);
    this.batches = before?.batches ?? new AgedMap(Infinity, MAX_ENTRIES, Infinity);
  }

  /** The rule for the longest prefix of a number that applies now. */
  rule(env: ScriptEnvironment, profile: number, number: string): FraudRule | undefined {
    const rules = env.tables.fraud.get(profile);
    if (rules === undefined) return undefined;
    const { minute, day } = this.time(env);
    for (let length = Math.min(number.length, 64); length >= 0; length--) {
      const found = rules.get(number.slice(0, length))?.find((each) => holdsAt(each, minute, day));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Counts a call of a user to a number to which a rule applies. */
  count(env: ScriptEnvironment, user: string, number: string, { prefix }: FraudRule): Figures {
    const now = env.clock.now();
    const second = Math.floor(now / 1000);
    const { date } = this.time(env);
    const key = pairOf(user, prefix);
    const figures = this.pairs.get(key, now) ?? { seconds: [], total: 0, day: date, concurrent: 0, duration: 0 };
    this.pairs.set(ownText(key), figures, 0, now);
    if (figures.day !== date) {
      figures.day = date;
      figures.total = 0;
    }
    figures.total++;
    const last = figures.seconds.at(-1);
    if (last?.second === second) last.calls++;
    else figures.seconds.push({ second, calls: 1 });
    forgetOld(figures, second);
    const batch = this.batches.get(user, now);
    const goesOn = batch?.number === number;
    this.batches.set(ownText(user), { number: ownText(number), calls: goesOn ? batch.calls + 1 : 1 }, 0, now);
    return figures;
  }

  /** The current value of a figure of a user. */
  value(env: ScriptEnvironment, what: FraudFigure, user: string, figures: Figures): number {
    switch (what) {
      case 'calls per minute':
        forgetOld(figures, Math.floor(env.clock.now() / 1000));
        return figures.seconds.reduce((sum, { calls }) => sum + calls, 0);
      case 'call duration':
        return figures.duration;
      case 'total calls':
        return figures.day === this.time(env).date ? figures.total : 0;
      case 'concurrent calls':
        return figures.concurrent;
      case 'sequential calls':
        return this.batches.get(user, env.clock.now())?.calls ?? 0;
    }
  }

  /** The figures of a user for a prefix; undefined if none are kept. */
  of(env: ScriptEnvironment, user: string, prefix: string): Figures | undefined {
    return this.pairs.get(pairOf(user, prefix), env.clock.now());
  }

  private time(env: ScriptEnvironment): { readonly minute: number; readonly day: number; readonly date: number } {
    const now = new Date(env.clock.now());
    const utc = this.usesUtc;
    const minute = utc ? now.getUTCHours() * 60 + now.getUTCMinutes() : now.getHours() * 60 + now.getMinutes();
    const shift = utc ? 0 : now.getTimezoneOffset() * 60_000;
    return {
      minute,
      day: utc ? now.getUTCDay() : now.getDay(),
      date: Math.floor((now.getTime() - shift) / 86_400_000),
    };
  }
}

/**
 * Compares figures with the thresholds of a rule, raises an event for each that is reached, and returns the severity of
 * the worst.
 */
export function judge(
  env: ScriptEnvironment,
  rule: FraudRule,
  call: { readonly user: string; readonly number: string },
  values: readonly (readonly [FraudFigure, number])[],
): Level {
  let worst: Level = 'fine';
  for (const [what, value] of values) {
    const { warning, critical } = rule.thresholds[what];
    const isCritical = critical > 0 && value >= critical;
    if (!isCritical && !(warning > 0 && value >= warning)) continue;
    const params = new Map<string, string | number>([
      ['param', what],
      ['value', value],
      ['threshold', isCritical ? critical : warning],
      ['user', call.user],
      ['called_number', call.number],
      ['rule_id', rule.id],
    ]);
    raiseEvent(env, isCritical ? 'E_FRD_CRITICAL' : 'E_FRD_WARNING', params);
    if (isCritical) worst = 'critical';
    else if (worst === 'fine') worst = 'warning';
  }
  return worst;
}

function pairOf(user: string, prefix: string): string {
  return `${prefix}\0${user}`;
}

function forgetOld({ seconds }: Figures, now: number): void {
  const first = seconds.findIndex(({ second }) => second > now - 60);
  seconds.splice(0, first < 0 ? seconds.length : first);
}
