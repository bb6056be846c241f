import { trimmed } from '../../core/characters.js';
import { SwitchyardError } from '../../core/errors.js';
import type { Format } from '../../pvar/format.js';
import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { flagParameter } from '../flags.js';

/** Something for each destination of records: log, database, NATS, events. */
export interface Outlets<T> {
  readonly log: T;
  readonly db: T;
  /** NATS, over the connection used for events; the originals have no such outlet. */
  readonly nats: T;
  /** OpenSIPS' event interface. */
  readonly evi: T;
}

/** A value that is written in addition to the usual ones. */
export interface ExtraField {
  readonly name: string;
  readonly value: Format;
}

/** Column names of the tables; properties are named after the parameters. */
export interface AccColumns {
  readonly method: string;
  readonly fromTag: string;
  readonly toTag: string;
  readonly callId: string;
  readonly code: string;
  readonly reason: string;
  readonly time: string;
  /** For records about whole calls. */
  readonly created: string;
  readonly duration: string;
  readonly msDuration: string;
  readonly setupTime: string;
}

/** Settings of the CDRs that Kamailio writes at the end of a dialog. */
export interface CdrSettings {
  readonly enabled: boolean;
  readonly log: boolean;
  readonly table: string | undefined;
  /** Whether a call begins when it is answered, not when its INVITE is received. */
  readonly fromConfirmed: boolean;
  /** Whether a call that was not answered has a record. */
  readonly failed: boolean;
  /** Variable of a dialog that has no record when it is set. */
  readonly skip: string;
  readonly names: { readonly start: string; readonly end: string; readonly duration: string };
  readonly extra: readonly ExtraField[];
}

/** Parameters of the acc module of both programs. */
export interface AccSettings {
  /** Message flags (as bits) that request a record of an answered request; 0 for none. */
  readonly answered: Outlets<number>;
  readonly missed: Outlets<number>;
  readonly cdr: number;
  /**
   * Flags with one of which Kamailio prepares a transaction for accounting when it begins, and whether it does so
   * always.
   */
  readonly preparing: number;
  readonly prepareAlways: boolean;
  readonly failed: number;
  /** Whether provisional replies with a body are accounted too. */
  readonly earlyMedia: boolean;
  readonly reportAck: boolean;
  readonly reportCancels: boolean;
  readonly detectDirection: boolean;
  readonly logExtra: readonly ExtraField[];
  readonly dbExtra: readonly ExtraField[];
  readonly legs: readonly ExtraField[];
  /** OpenSIPS: name that each $acc_extra(tag) has in the records of an outlet. */
  readonly fields: Outlets<readonly (readonly [tag: string, name: string])[]>;
  readonly legFields: Outlets<readonly (readonly [tag: string, name: string])[]>;
  /** Final status codes of failed transactions that are not accounted (failed_filter). */
  readonly unaccounted: ReadonlySet<number>;
  /** Whether further columns without a value are null in each database. */
  readonly nullable: boolean;
  /** Whether the reason is that of the reply's Reason field. */
  readonly reasonFromHeader: boolean;
  /** How the time is written in addition, and into which columns. */
  readonly time: { readonly mode: number; readonly main: string; readonly rest: string; readonly format: string };
  readonly dbUrl: string;
  readonly table: string;
  readonly missedTable: string;
  readonly columns: AccColumns;
  readonly cdrs: CdrSettings;
}

/** The parts of "name=$var;name2=$var2"; a ";" within brackets, as in "$(ru{s.select,0,;})", ends none. */
export function extraParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '(' || c === '{') depth++;
    else if ((c === ')' || c === '}') && depth > 0) depth--;
    else if (c === ';' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** Parses "name=$var;name2=$var2". Throws SwitchyardError for invalid text. */
function extraFields(text: string, states: Pick<ModuleStates, 'compile'>): ExtraField[] {
  return extraParts(text)
    .map((each) => trimmed(each))
    .filter((each) => each !== '')
    .map((each) => {
      const equals = each.indexOf('=');
      if (equals <= 0) throw new SwitchyardError('CONFIG_INVALID', `acc: "${each}" is not name=variable`);
      return { name: trimmed(each.slice(0, equals)), value: states.compile(trimmed(each.slice(equals + 1))) };
    });
}

type Field = readonly [string, string];

/** Parses OpenSIPS' extra_fields, "db: tag->column; tag2", for each outlet. */
function taggedFields(texts: readonly string[]): Outlets<readonly Field[]> {
  const out: { -readonly [K in keyof Outlets<Field[]>]: Field[] } = { log: [], db: [], nats: [], evi: [] };
  for (const text of texts) {
    let kind: keyof Outlets<unknown> | undefined = 'db';
    for (const each of text.split(';')) {
      const colon = each.indexOf(':');
      const backend = colon < 0 ? '' : trimmed(each.slice(0, colon));
      const named = backend === 'log' || backend === 'db' || backend === 'nats' || backend === 'evi';
      if (named) kind = backend;
      // There is no outlet to AAA servers.
      else if (backend === 'aaa') kind = undefined;
      if (kind === undefined) continue;
      const field = named ? each.slice(colon + 1) : each;
      const [tag = '', name = tag] = field.split('->').map((one) => trimmed(one));
      if (tag !== '') out[kind].push([tag, name]);
    }
  }
  return out;
}

/** Reads the parameters of acc. Throws SwitchyardError CONFIG_INVALID, or an Error for a flag above 31. */
export function accSettings(parameters: ModuleParameters, states: ModuleStates): AccSettings {
  const mask = (...names: string[]): number => {
    let bits = 0;
    for (const name of names) {
      const bit = flagParameter(parameters, name);
      if (bit !== undefined) bits |= 1 << bit;
    }
    return bits;
  };
  const text = (name: string, fallback: string): string => parameters.text(name, fallback);
  const extra = (name: string): ExtraField[] => extraFields(text(name, ''), states);
  const cdrTable = text('cdrs_table', '');
  const dbExtra = extra('db_extra');
  const logExtra = extra('log_extra');
  return {
    answered: { log: mask('log_flag'), db: mask('db_flag'), nats: mask('nats_flag'), evi: mask('evi_flag') },
    missed: {
      log: mask('log_missed_flag'),
      db: mask('db_missed_flag'),
      nats: mask('nats_missed_flag'),
      evi: mask('evi_missed_flag'),
    },
    cdr: mask('cdr_flag'),
    preparing: mask(
      'log_flag',
      'db_flag',
      'nats_flag',
      'log_missed_flag',
      'db_missed_flag',
      'nats_missed_flag',
      // As observed, Kamailio accepts a number that no flag has.
      ...(parameters.int('acc_prepare_flag', 0) > 31 ? [] : ['acc_prepare_flag']),
    ),
    prepareAlways: parameters.flag('acc_prepare_always', false),
    failed: mask('failed_transaction_flag'),
    unaccounted: new Set(text('failed_filter', '').split(',').map(Number)),
    earlyMedia: parameters.flag('early_media', false),
    reportAck: parameters.flag('report_ack', false),
    reportCancels: parameters.flag('report_cancels', false),
    detectDirection: parameters.flag('detect_direction', false),
    logExtra,
    dbExtra,
    legs: extra('multi_leg_info'),
    fields: taggedFields(parameters.all('extra_fields').map(String)),
    legFields: taggedFields(parameters.all('leg_fields').map(String)),
    nullable: parameters.flag('acc_extra_nullable', false),
    reasonFromHeader: parameters.flag('reason_from_hf', false),
    time: {
      mode: parameters.int('time_mode', 0),
      main: text('time_attr', 'time_attr'),
      rest: text('time_exten', 'time_exten'),
      format: text('time_format', '%Y-%m-%d %H:%M:%S'),
    },
    dbUrl: text('db_url', ''),
    table: text('db_table_acc', 'acc'),
    missedTable: text('db_table_missed_calls', 'missed_calls'),
    columns: {
      method: text('acc_method_column', 'method'),
      fromTag: text('acc_from_tag_column', 'from_tag'),
      toTag: text('acc_to_tag_column', 'to_tag'),
      callId: text('acc_callid_column', 'callid'),
      code: text('acc_sip_code_column', 'sip_code'),
      reason: text('acc_sip_reason_column', 'sip_reason'),
      time: text('acc_time_column', 'time'),
      created: text('acc_created_column', 'created'),
      duration: text('acc_duration_column', 'duration'),
      msDuration: text('acc_ms_duration_column', 'ms_duration'),
      setupTime: text('acc_setuptime_column', 'setuptime'),
    },
    cdrs: {
      enabled: parameters.flag('cdr_enable', false),
      log: parameters.flag('cdr_log_enable', true),
      table: cdrTable === '' ? undefined : cdrTable,
      fromConfirmed: parameters.flag('cdr_start_on_confirmed', false),
      failed: parameters.flag('cdr_on_failed', true),
      skip: text('cdr_skip', ''),
      names: {
        start: text('cdr_start_id', 'start_time'),
        end: text('cdr_end_id', 'end_time'),
        duration: text('cdr_duration_id', 'duration'),
      },
      extra: extra('cdr_extra'),
    },
  };
}
