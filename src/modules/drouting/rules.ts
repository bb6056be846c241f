import type { RuleRow } from '../../script/gateway-rows.js';

/** Rules by group and prefix; finds the longest prefix of a number. */
export class RuleTable {
  private readonly groups = new Map<number, Map<string, RuleRow[]>>();
  private longest = 0;

  constructor(rules: readonly RuleRow[]) {
    for (const rule of rules) {
      this.longest = Math.max(this.longest, rule.prefix.length);
      for (const group of rule.groups) {
        let prefixes = this.groups.get(group);
        if (prefixes === undefined) this.groups.set(group, (prefixes = new Map()));
        const same = prefixes.get(rule.prefix);
        if (same === undefined) prefixes.set(rule.prefix, [rule]);
        else same.push(rule);
      }
    }
    for (const prefixes of this.groups.values())
      for (const same of prefixes.values()) same.sort((a, b) => b.priority - a.priority);
  }

  /**
   * The rules of a group that apply now, the best first: by longest prefix, then by highest priority. `whole`: the
   * prefix must be the whole number.
   */
  *matching(group: number, number: string, now: number, whole: boolean): Generator<RuleRow> {
    const prefixes = this.groups.get(group);
    if (prefixes === undefined) return;
    if (whole && number.length > this.longest) return;
    for (let length = Math.min(number.length, this.longest); length >= 0; length--) {
      for (const rule of prefixes.get(number.slice(0, length)) ?? [])
        if (rule.time === undefined || rule.time.holds(now)) yield rule;
      if (whole) return;
    }
  }
}
