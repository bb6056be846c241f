import { isIP } from 'node:net';
import { AddressBlocks, isAddressBlock } from '../../core/address-blocks.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { compilePosix } from '../../core/posix-regex.js';
import { type PvarContext, textOf } from '../../pvar/context.js';
import { compileFormat, type Format } from '../../pvar/format.js';

/** Whether a request satisfies one entry of a rule's match. */
export type Matcher = (context: PvarContext) => boolean;

/** Variables whose values are host names, compared without letter case (RFC 3261 section 19.1.4). */
const HOSTS = new Set(['rd', 'fd', 'td', 'dd', 'od', 'ad']);

/**
 * Compiles an entry of a rule's match: a pseudo-variable and a pattern. The pattern is an exact value, a glob with "*",
 * a CIDR block for addresses, or a POSIX extended regular expression in slashes ("/.../i" ignores letter case). Throws
 * SwitchyardError PVAR_UNKNOWN, PVAR_SYNTAX or CONFIG_INVALID.
 */
export function compileMatcher(variable: string, pattern: string): Matcher {
  const format = compileFormat(variable);
  const ignoreCase = format.ignoreCase || (format.names.length === 1 && HOSTS.has(format.names[0] as string));
  const regex = /^\/(.+)\/(i?)$/s.exec(pattern);
  if (regex !== null) return regexMatcher(format, regex[1] as string, regex[2] === 'i');
  const block = cidr(pattern);
  if (block !== undefined) {
    return (context) => block.has(bare(textOf(format.evaluateValue(context))));
  }
  if (pattern.includes('*')) {
    const parts = (ignoreCase ? pattern.toLowerCase() : pattern).split('*');
    return (context) => {
      // A variable without a value (a missing header field) matches nothing, not even "*".
      const value = format.evaluateValue(context);
      return value !== null && matchesGlob(parts, ignoreCase ? textOf(value).toLowerCase() : textOf(value));
    };
  }
  if (ignoreCase) {
    const wanted = pattern.toLowerCase();
    return (context) => {
      const value = textOf(format.evaluateValue(context));
      return value === pattern || (value.length === wanted.length && value.toLowerCase() === wanted);
    };
  }
  return (context) => textOf(format.evaluateValue(context)) === pattern;
}

function regexMatcher(format: Format, source: string, ignoreCase: boolean): Matcher {
  try {
    const regex = compilePosix(source, { ignoreCase });
    return (context) => {
      const value = format.evaluateValue(context);
      return value !== null && regex.test(textOf(value));
    };
  } catch (error) {
    throw new SwitchyardError('CONFIG_INVALID', messageOf(error), { cause: error });
  }
}

/** Whether the text contains the parts in order, the first at its start and the last at its end. Takes linear time. */
function matchesGlob(parts: readonly string[], text: string): boolean {
  const first = parts[0] as string;
  const last = parts[parts.length - 1] as string;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i] as string;
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function cidr(pattern: string): AddressBlocks | undefined {
  const slash = pattern.indexOf('/');
  if (slash < 0) return undefined;
  const address = bare(pattern.slice(0, slash));
  if (isIP(address) === 0) return undefined;
  const block = address + pattern.slice(slash);
  if (!isAddressBlock(block)) throw new SwitchyardError('CONFIG_INVALID', `"${pattern}" is not a CIDR block`);
  return new AddressBlocks([block]);
}

function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
