import { BlockList, isIP } from 'node:net';
import { SwitchyardError } from '../core/errors.js';
import { type PvarContext, textOf } from '../pvar/context.js';
import { compileFormat } from '../pvar/format.js';

/** Whether a request satisfies one entry of a rule's match. */
export type Matcher = (context: PvarContext) => boolean;

/** Variables that hold host names, which are compared without case (RFC 3261 section 19.1.4). */
const HOSTS = new Set(['rd', 'fd', 'td', 'dd', 'od', 'ad']);

/**
 * Compiles an entry of a rule's match: a pseudo-variable and what it must be, an exact value, a glob with "*", or a CIDR
 * block for addresses. Throws SwitchyardError PVAR_UNKNOWN, PVAR_SYNTAX or CONFIG_INVALID.
 */
export function compileMatcher(variable: string, pattern: string): Matcher {
  const format = compileFormat(variable);
  const ignoreCase = format.ignoreCase || (format.names.length === 1 && HOSTS.has(format.names[0] as string));
  const block = cidr(pattern);
  if (block !== undefined) {
    return (context) => {
      const address = bare(textOf(format.evaluateValue(context)));
      const family = isIP(address);
      return family !== 0 && block.check(address, family === 6 ? 'ipv6' : 'ipv4');
    };
  }
  if (pattern.includes('*')) {
    const source = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    // Adjacent stars are one: "a**b" must not make the expression backtrack.
    const expression = new RegExp(`^${source.join('.*').replace(/(?:\.\*)+/g, '.*')}$`, ignoreCase ? 'is' : 's');
    return (context) => expression.test(textOf(format.evaluateValue(context)));
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

function cidr(pattern: string): BlockList | undefined {
  const slash = pattern.indexOf('/');
  if (slash < 0) return undefined;
  const address = bare(pattern.slice(0, slash));
  const family = isIP(address);
  if (family === 0) return undefined;
  const bits = pattern.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32)) {
    throw new SwitchyardError('CONFIG_INVALID', `"${pattern}" is not a CIDR block`);
  }
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return list;
}

function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
