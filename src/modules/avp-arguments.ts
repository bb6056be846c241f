import { trimmed } from '../core/characters.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { PvarValue } from '../pvar/value.js';
import type { MessageRun } from '../script/call.js';
import type { Arg } from './define.js';

/** An argument of avpops functions: "$avp(name)/flags" or another variable. */
export interface NamedVariable {
  readonly format: Format;
  /** The name of the AVP; undefined for other variables. */
  readonly avp: string | undefined;
  /** The text after the slash. */
  readonly flags: string;
}

/**
 * Parses a variable with its flags; `compile` knows the variables of the dialect. Throws an Error that says what is
 * wrong.
 */
export function namedVariable(text: string, compile: (text: string) => Format = compileFormat): NamedVariable {
  const slash = text.indexOf('/');
  const variable = trimmed(slash < 0 ? text : text.slice(0, slash));
  if (!variable.startsWith('$')) throw new Error(`"${text}" is not a variable`);
  return {
    format: compile(variable),
    avp: /^\$\(?avp\(([^)]*)\)/.exec(variable)?.[1]?.replace(/^[si]:/, ''),
    flags: slash < 0 ? '' : trimmed(text.slice(slash + 1)),
  };
}

/** The same, for an AVP only. Throws an Error for other variables. */
export function namedAvp(
  text: string,
  compile: (text: string) => Format = compileFormat,
): NamedVariable & { readonly avp: string } {
  const { avp, ...rest } = namedVariable(text, compile);
  if (avp === undefined) throw new Error(`"${text}" is not an AVP`);
  return { ...rest, avp };
}

/** Reads all values of an AVP, the newest first, with or without "[*]"; of other variables their one value. */
export function everyValue(arg: Arg | undefined): (run: MessageRun) => readonly PvarValue[] {
  const given = arg?.variable;
  if (given === undefined) return () => [];
  const plain = /^\$(avp\([^[\]{}]*\))$/.exec(given.text)?.[1];
  const variable = plain === undefined ? given : compileFormat(`$(${plain}[*])`);
  return ({ pvars }) => variable.values?.(pvars) ?? [variable.evaluateValue(pvars)];
}
