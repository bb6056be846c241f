import type { PvarContext, PvarValue } from '../../pvar/context.js';
import { compileFormat, compileWritable, type Format } from '../../pvar/format.js';
import type { SharedFunction, SharedParameter } from '../functions/definition.js';

/**
 * Maximum number of cached formats. Scripts contain a few dozen; a script that builds them from parts of messages must
 * not fill the memory.
 */
const MAX_FORMATS = 4096;
const formats = new Map<string, Format>();
const writables = new Map<string, Format>();

function compiled(cache: Map<string, Format>, text: string, compile: (text: string) => Format): Format {
  let format = cache.get(text);
  if (format === undefined) {
    if (cache.size >= MAX_FORMATS) cache.clear();
    format = compile(text);
    cache.set(text, format);
  }
  return format;
}

/**
 * Compiles a string with pseudo-variables, or takes it from the cache. Throws SwitchyardError PVAR_UNKNOWN,
 * PVAR_SYNTAX.
 */
export function formatOf(text: string): Format {
  return compiled(formats, text, compileFormat);
}

/** Compiles a single writable variable, or takes it from the cache. Throws as `formatOf`. */
export function writableOf(text: string): Format {
  return compiled(writables, text, compileWritable);
}

/** An argument of a function as text, with its pseudo-variables replaced. A single variable that is not set is ''. */
export function evaluated(context: PvarContext, argument: string | number): string {
  if (typeof argument === 'number') return String(argument);
  if (!argument.includes('$')) return argument;
  const value: PvarValue = formatOf(argument).evaluateValue(context);
  return value === null ? '' : String(value);
}

/** Like `evaluated`; undefined stays undefined. */
export function optional(context: PvarContext, argument: string | number | undefined): string | undefined {
  return argument === undefined ? undefined : evaluated(context, argument);
}

/** An argument as scripts give it: a number, or a text that may contain pseudo-variables. */
export type TextOrNumber = string | number;

/** Whether a text is a whole number of at most ten digits. */
export function isWholeNumber(text: string): boolean {
  return /^[ \t\r\n]*[+-]?[0-9]{1,10}[ \t\r\n]*$/.test(text);
}

/** Calls a function of the shared tables with its arguments converted as the table says. Returns its code. */
export function called<Site extends { readonly pvars: PvarContext }>(
  site: Site,
  { parameters, run }: SharedFunction<Site>,
  ...args: readonly (TextOrNumber | undefined)[]
): number {
  const read = args.map((argument, i) => argumentOf(site.pvars, parameters[i], argument));
  return run(site, ...(read as never[]));
}

function argumentOf(
  context: PvarContext,
  parameter: SharedParameter | undefined,
  argument: TextOrNumber | undefined,
): TextOrNumber | Format | undefined {
  if (argument === undefined) return undefined;
  if (parameter?.kind === 'writable') return writableOf(String(argument));
  const text = evaluated(context, argument);
  if (parameter?.as !== 'number') return text;
  return isWholeNumber(text) ? Number(text) : undefined;
}

/** Text as the bytes that are sent, one code unit for each: characters beyond latin1 are encoded as UTF-8. */
export function wireText(text: string): string {
  return /[^\x00-\xff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
