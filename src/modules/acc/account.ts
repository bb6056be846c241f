import type { PvarContext, PvarValue } from '../../pvar/context.js';
import { asUtc, formatTime } from '../../pvar/time-format.js';
import type { Call, CfgScope, MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import { raiseEvent } from '../../script/raised-events.js';
import type { SipMessage } from '../../sip/message.js';
import { databaseTime } from '../sql.js';
import { type AccSettings, accSettings, type ExtraField, type Outlets } from './settings.js';
import { AccWriter } from './writer.js';

/** The data of an accounting record: the request and its final reply. */
export interface Accounted {
  readonly title: string;
  readonly method: string;
  readonly fromTag: string;
  readonly toTag: string;
  readonly callId: string;
  readonly code: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Times of a call, for a record written at its end; milliseconds since the epoch. */
export interface CallTimes {
  readonly created: number;
  readonly answered: number;
  readonly ended: number;
}

/** A record together with the values that its call adds. It can be written without the call. */
export interface FilledRecord {
  /** The source of the call. */
  readonly source: string;
  readonly outlets: Outlets<boolean>;
  readonly record: Accounted;
  readonly table: string;
  /** The partition of the record, for NATS. */
  readonly partition: string;
  /** Text added to the log line. */
  readonly text: string;
  /** The further columns of each database row. */
  readonly columns: readonly Readonly<Record<string, PvarValue>>[];
  /** Further values for NATS and events. */
  readonly values: Readonly<Record<string, PvarValue>>;
}

/** The arguments of OpenSIPS' do_accounting(). */
export interface WantedAccounting {
  readonly kinds: Set<keyof Outlets<unknown>>;
  missed: boolean;
  failed: boolean;
  cdr: boolean;
  table: string | undefined;
}

/** Values and legs that a script has set for a call ($acc_extra, $acc_leg). */
export interface AccContext {
  readonly extra: Map<string, PvarValue>;
  readonly legs: Map<string, PvarValue>[];
  asked: WantedAccounting | undefined;
}

/** Maximum number of legs of one call. */
const MAX_LEGS = 32;

/** Accounting for one cfg file: its settings, and the rows that wait for the database. */
export class Accounting {
  private readonly contexts = new PerCall<AccContext>(() => ({ extra: new Map(), legs: [], asked: undefined }));

  constructor(
    readonly settings: AccSettings,
    readonly writer: AccWriter,
  ) {}

  /** Values and legs of a call; created at the first access. */
  context(call: Call): AccContext {
    return this.contexts.of(call);
  }

  /** Values and legs of a call, if there are any. */
  peek(call: Call): AccContext | undefined {
    return this.contexts.known(call);
  }

  /** Lets a call use the values of another call: in a BYE those of its dialog. */
  share(call: Call, context: AccContext): void {
    this.contexts.set(call, context);
  }

  /** Adds a leg, up to the maximum. */
  newLeg(call: Call): void {
    const { legs } = this.context(call);
    if (legs.length < MAX_LEGS) legs.push(new Map());
  }

  /** Writes one record to the given outlets. */
  write(
    run: { env: ScriptEnvironment; call: Call },
    outlets: Outlets<boolean>,
    record: Accounted,
    table: string,
    times?: CallTimes,
  ): void {
    this.writeOut(run.env, this.filled(run.call, outlets, record, table), times);
  }

  /** A record together with everything that the call adds to it now, except the times of the call. */
  filled(call: Call, outlets: Outlets<boolean>, record: Accounted, table: string): FilledRecord {
    const wantsObject = outlets.nats || outlets.evi;
    return {
      outlets,
      record,
      table,
      source: call.source.address,
      partition: outlets.nats ? (call.selections.used.at(-1)?.name ?? 'default') : '',
      text: outlets.log ? this.extraText(call) : '',
      columns: outlets.db && this.settings.dbUrl !== '' ? this.extraColumns(call) : [],
      values: wantsObject ? this.extraValues(call) : {},
    };
  }

  /** Writes a filled record. */
  writeOut(env: ScriptEnvironment, filled: FilledRecord, times?: CallTimes): void {
    const { outlets, record, table } = filled;
    if (outlets.log) env.log.info({ callId: oneLine(record.callId) }, logLine(record, times) + filled.text);
    if (outlets.db && this.settings.dbUrl !== '') {
      const row = this.row(record, times);
      for (const extra of filled.columns) this.writer.add(env, table, this.stored(env, row, extra), filled.source);
    }
    if (outlets.nats) {
      env.services.publish(filled.partition, 'acc', JSON.stringify({ ...objectOf(record, times), ...filled.values }));
    }
    if (outlets.evi) {
      const name = times !== undefined ? 'E_ACC_CDR' : record.title === MISSED ? 'E_ACC_MISSED_EVENT' : 'E_ACC_EVENT';
      const params = new Map<string, PvarValue>(Object.entries({ ...objectOf(record, times), ...filled.values }));
      raiseEvent(env, name, params);
    }
  }

  private extraText(call: Call): string {
    const { logExtra, legs, fields, legFields } = this.settings;
    let text = '';
    for (const { name, value } of logExtra) text += `;${name}=${textIn(value, call.scope)}`;
    const context = this.peek(call);
    for (const [tag, name] of fields.log) text += `;${name}=${context?.extra.get(tag) ?? ''}`;
    for (const leg of context?.legs ?? [])
      for (const [tag, name] of legFields.log) text += `;${name}=${leg.get(tag) ?? ''}`;
    for (const leg of legValues(legs, call.scope)) for (const [name, value] of leg) text += `;${name}=${value ?? ''}`;
    return text;
  }

  /**
   * A database row. As recorded, Kamailio writes null for what has no value into SQLite; other databases get empty
   * text, further columns only without acc_extra_nullable.
   */
  stored(
    { dialect }: ScriptEnvironment,
    row: Record<string, PvarValue>,
    extra: Readonly<Record<string, PvarValue>>,
  ): Record<string, PvarValue> {
    const out = { ...row, ...extra };
    const { dbUrl, nullable } = this.settings;
    if (dialect === 'kamailio' && dbUrl.startsWith('sqlite:')) return out;
    for (const name in out) if (!(nullable && name in extra)) out[name] ??= '';
    return out;
  }

  /** The usual columns of a database row. */
  private row(record: Accounted, times: CallTimes | undefined): Record<string, PvarValue> {
    const { columns } = this.settings;
    const row: Record<string, PvarValue> = {
      [columns.method]: record.method,
      [columns.fromTag]: record.fromTag || null,
      [columns.toTag]: record.toTag || null,
      [columns.callId]: record.callId,
      [columns.code]: record.code === 0 ? null : String(record.code),
      [columns.reason]: record.reason,
      [columns.time]: databaseTime(times?.answered ?? record.time),
      ...this.furtherTime(record.time),
    };
    if (times !== undefined) {
      row[columns.created] = databaseTime(times.created);
      row[columns.duration] = Math.ceil((times.ended - times.answered) / 1000);
      row[columns.msDuration] = times.ended - times.answered;
      row[columns.setupTime] = Math.floor((times.answered - times.created) / 1000);
    }
    return row;
  }

  /** The columns of Kamailio's time_mode: seconds and microseconds, seconds with a fraction, local time, UTC. */
  private furtherTime(time: number): Record<string, PvarValue> {
    const { mode, main, rest, format } = this.settings.time;
    switch (mode) {
      case 1:
        return { [main]: Math.floor(time / 1000), [rest]: (time % 1000) * 1000 };
      case 2:
        return { [main]: time / 1000 };
      case 3:
        return { [main]: formatTime(format, new Date(time)) };
      case 4:
        return { [main]: formatTime(format, asUtc(time)) };
      default:
        return {};
    }
  }

  /** The further columns of the database rows of a record: one row, or one for each leg. */
  private extraColumns(call: Call): Record<string, PvarValue>[] {
    const { dbExtra, legs, fields, legFields } = this.settings;
    const row: Record<string, PvarValue> = {};
    for (const { name, value } of dbExtra) row[name] = valueIn(value, call.scope);
    const context = this.peek(call);
    for (const [tag, name] of fields.db) row[name] = context?.extra.get(tag) ?? '';
    const own = (context?.legs ?? []).map((leg) =>
      legFields.db.map(([tag, name]) => [name, leg.get(tag) ?? ''] as const),
    );
    const all = [...own, ...legValues(legs, call.scope)];
    return all.length === 0 ? [row] : all.map((leg) => ({ ...row, ...Object.fromEntries(leg) }));
  }

  private extraValues(call: Call): Record<string, PvarValue> {
    const { dbExtra, logExtra, fields } = this.settings;
    const out: Record<string, PvarValue> = {};
    for (const { name, value } of [...logExtra, ...dbExtra]) out[name] = textIn(value, call.scope);
    const context = this.peek(call);
    for (const [tag, name] of [...fields.evi, ...fields.nats]) out[name] = context?.extra.get(tag) ?? '';
    return out;
  }
}

/** The usual values of a record as an object. */
function objectOf(record: Accounted, times: CallTimes | undefined): Record<string, PvarValue> {
  const out: Record<string, PvarValue> = {
    event: record.title.replace(/^ACC: |: $/g, ''),
    method: record.method,
    from_tag: record.fromTag,
    to_tag: record.toTag,
    callid: record.callId,
    sip_code: String(record.code),
    sip_reason: record.reason,
    time: Math.floor(record.time / 1000),
  };
  if (times !== undefined) {
    out['created'] = Math.floor(times.created / 1000);
    out['duration'] = Math.ceil((times.ended - times.answered) / 1000);
    out['ms_duration'] = times.ended - times.answered;
    out['setuptime'] = Math.floor((times.answered - times.created) / 1000);
  }
  return out;
}

/** Title of a record of a request that was answered with 2xx. */
export const ANSWERED = 'ACC: transaction answered: ';
/** Title of a record of a call that failed. */
export const MISSED = 'ACC: call missed: ';
/** Title of a record of an ACK. */
export const ACK_RECORD = 'ACC: request acknowledged: ';
/** Title of a record that a script writes on request. */
export const ACCOUNTED = 'ACC: request accounted: ';
/** Title of a record about a whole call (CDR). */
export const CALL_ENDED = 'ACC: call ended: ';

function logLine(record: Accounted, times: CallTimes | undefined): string {
  const fields = `method=${oneLine(record.method)};from_tag=${oneLine(record.fromTag)};to_tag=${oneLine(record.toTag)};call_id=${oneLine(record.callId)};code=${record.code};reason=${oneLine(record.reason)}`;
  if (times === undefined) return `${record.title}timestamp=${Math.floor(record.time / 1000)};${fields}`;
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const duration = times.ended - times.answered;
  return `${record.title}created=${seconds(times.created)};call_start_time=${seconds(times.answered)};duration=${Math.ceil(duration / 1000)};ms_duration=${duration};setuptime=${seconds(times.answered - times.created)};${fields}`;
}

/** A value as it is written: in one line of bounded length. */
export function textIn(value: Format, scope: PvarContext): string {
  return valueIn(value, scope) ?? '';
}

/** A value as it is written, or null. */
export function valueIn(value: Format, scope: PvarContext): string | null {
  const read = value.evaluateValue(scope);
  return read === null ? null : oneLine(String(read));
}

type Format = ExtraField['value'];

/** The text on one line, cut to the maximum length of a peer's value in the log. */
export function oneLine(text: string): string {
  return text.slice(0, 1024).replace(/[\r\n]+/g, ' ');
}

function oneLineOrNull(value: PvarValue): string | null {
  return value === null ? null : oneLine(String(value));
}

/** Values of the leg AVPs, one list for each leg. As recorded of Kamailio, the AVP that was added last comes first. */
function legValues(fields: readonly ExtraField[], scope: CfgScope): (readonly [string, PvarValue])[][] {
  if (fields.length === 0) return [];
  const columns = fields.map(({ name, value }) => {
    const avp = /^\$\(?avp\(([^)]*)\)/.exec(value.text)?.[1]?.replace(/^[si]:/, '');
    const all = avp === undefined ? [value.evaluateValue(scope)] : [...scope.avps.all(avp)];
    if (avp !== undefined && scope.env.dialect === 'opensips') all.reverse();
    return { name, all: all.slice(0, MAX_LEGS) };
  });
  const count = Math.max(...columns.map(({ all }) => all.length));
  return Array.from({ length: count }, (_, i) =>
    columns.map(({ name, all }) => [name, oneLineOrNull(all[i] ?? null)] as const),
  );
}

/** The record of a request and its reply. */
export function recordOf(
  title: string,
  request: SipMessage,
  reply: SipMessage | undefined,
  code: number,
  reason: string,
  time: number,
  tag: string,
  reversed = false,
): Accounted {
  const to = request.toTag || reply?.toTag || tag;
  return {
    title,
    method: request.method,
    fromTag: reversed ? to : request.fromTag,
    toTag: reversed ? request.fromTag : to,
    callId: request.callId,
    code,
    reason,
    time,
  };
}

/** The accounting of a cfg file, made from the parameters of acc. */
export const accounting = {
  module: 'acc',
  create(parameters: ModuleParameters, states: ModuleStates): Accounting {
    const settings = accSettings(parameters, states);
    return new Accounting(settings, new AccWriter(settings.dbUrl));
  },
  renew(before: Accounting, parameters: ModuleParameters, states: ModuleStates): Accounting {
    const settings = accSettings(parameters, states);
    const same = settings.dbUrl === before.settings.dbUrl;
    return new Accounting(settings, same ? before.writer : new AccWriter(settings.dbUrl));
  },
};

/** The accounting for a run. */
export function accountingOf(run: Pick<MessageRun, 'env'>): Accounting {
  return run.env.modules.of(accounting);
}
