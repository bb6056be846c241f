/** A figure that fraud_detection compares with thresholds for each user and prefix. */
export type FraudFigure =
  | 'calls per minute'
  | 'call duration'
  | 'total calls'
  | 'concurrent calls'
  | 'sequential calls';

/** The values at which a figure is a warning or critical; 0: never. */
export interface Thresholds {
  readonly warning: number;
  readonly critical: number;
}

/** A row of the table of fraud_detection. */
export interface FraudRule {
  readonly id: number;
  readonly prefix: string;
  /** Minutes of the day between which the rule applies; the whole day when they are equal. */
  readonly from: number;
  readonly to: number;
  /** Days of the week on which the rule applies, 0 for Sunday. */
  readonly days: ReadonlySet<number>;
  readonly thresholds: Readonly<Record<FraudFigure, Thresholds>>;
}

/** The rules of fraud_detection by profile and prefix. */
export type FraudProfiles = ReadonlyMap<number, ReadonlyMap<string, readonly FraudRule[]>>;

/** Whether a rule applies at a time of day on a day of the week. */
export function holdsAt({ from, to, days }: FraudRule, minute: number, day: number): boolean {
  if (!days.has(day)) return false;
  if (from === to) return true;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
