import { trimmedIfThere } from '../../core/characters.js';
import type { PvarContext, PvarValue } from '../context.js';
import type { TextReader, VariableDefinition } from './definition.js';

/** One field of one record: "name[index]=>field". */
interface RecordReference {
  readonly name: string;
  readonly index: number;
  readonly field: string;
}

const REFERENCE =
  /^[ \t\r\n]*([A-Za-z0-9_]{1,64})(?:\[[ \t\r\n]*([+-]?[0-9]{1,6})[ \t\r\n]*\])?[ \t\r\n]*=>[ \t\r\n]*([A-Za-z0-9_]{1,64})(?:\[0\])?[ \t\r\n]*$/;

function referenceOf(text: string): RecordReference | undefined {
  const match = REFERENCE.exec(text);
  if (match === null) return undefined;
  return { name: match[1] as string, index: Number(match[2] ?? 0), field: match[3] as string };
}

function fieldOf(context: PvarContext, reference: RecordReference | undefined): PvarValue {
  if (reference === undefined || context.records === undefined) return null;
  const { name, index, field } = reference;
  const at = index < 0 ? context.records.count(name) + index : index;
  return at < 0 ? null : context.records.get(name, at, field);
}

/**
 * "$xavp(_dsdst_[0]=>uri)": a field of the records that selections keep; no index means the first record. Read-only.
 */
const xavp: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const text = argument as TextReader;
    if (text.constant === undefined) return { get: (context) => fieldOf(context, referenceOf(text.read(context))) };
    const reference = referenceOf(text.constant);
    if (reference === undefined) throw new Error('needs "name[index]=>field" between its parentheses');
    return { get: (context) => fieldOf(context, reference) };
  },
};

/** Fields of $dsg: those of a set, and those of one destination of it. */
const GROUP_FIELDS = [
  'count',
  'active',
  'inactive',
  'pactive',
  'pinactive',
  'octime_sec',
  'octime_usec',
  'ocseq',
  'ocrate',
] as const;

/** "$dsg(count)": fields of the set and destination that ds_dsg_fetch read. */
const dsg: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const field = trimmedIfThere(argument?.constant);
    const known = GROUP_FIELDS.find((each) => each === field);
    if (known === undefined) throw new Error(`needs one of the fields ${GROUP_FIELDS.join(', ')}`);
    return { get: (context) => context.groupField?.(known) ?? null };
  },
};

/** Variables of Kamailio's dispatcher. */
export const kamailioVariableTable: readonly [string, VariableDefinition][] = [
  ['xavp', xavp],
  ['dsg', dsg],
];
