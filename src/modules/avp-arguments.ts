import { compileFormat, type Format } from '../pvar/format.js';

/** "$avp(name)/flags" or another variable, as functions of avpops are given it. */
export interface NamedVariable {
  readonly format: Format;
  /** The name of the AVP; undefined for a variable that is none. */
  readonly avp: string | undefined;
  /** What follows the slash, as written. */
  readonly flags: string;
}

/** Reads a variable with its flags; `compile` knows the variables of the dialect. Throws an Error with what is wrong. */
export function namedVariable(text: string, compile: (text: string) => Format = compileFormat): NamedVariable {
  const slash = text.indexOf('/');
  const variable = (slash < 0 ? text : text.slice(0, slash)).trim();
  if (!variable.startsWith('$')) throw new Error(`"${text}" is not a variable`);
  return {
    format: compile(variable),
    avp: /^\$\(?avp\(([^)]*)\)/.exec(variable)?.[1]?.replace(/^[si]:/, ''),
    flags: slash < 0 ? '' : text.slice(slash + 1).trim(),
  };
}

/** The same for an AVP. Throws an Error for anything else. */
export function namedAvp(
  text: string,
  compile: (text: string) => Format = compileFormat,
): NamedVariable & { readonly avp: string } {
  const { avp, ...rest } = namedVariable(text, compile);
  if (avp === undefined) throw new Error(`"${text}" is not an AVP`);
  return { ...rest, avp };
}
