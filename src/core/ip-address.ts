/**
 * Converts an IP address to a canonical text for comparisons: IPv4 as four decimal numbers, IPv6 (with or without
 * brackets) as eight hexadecimal groups without leading zeros. Undefined when `text` is not an address; names, ports
 * and zones are not accepted. Never throws.
 */
export function canonicalIp(text: string): string | undefined {
  if (text.indexOf(':') < 0) return canonicalIpv4(text);
  const bare = text.charCodeAt(0) === 91 && text.endsWith(']') ? text.slice(1, -1) : text;
  return bare.length > 45 ? undefined : canonicalIpv6(bare);
}

function canonicalIpv4(text: string): string | undefined {
  return isIpv4(text) ? text : undefined;
}

function canonicalIpv6(text: string): string | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const groups = groupsOf(text, true);
    return groups?.length === 8 ? groups.join(':') : undefined;
  }
  if (text.indexOf('::', gap + 1) >= 0) return undefined;
  const before = groupsOf(text.slice(0, gap), false);
  const after = groupsOf(text.slice(gap + 2), true);
  if (before === undefined || after === undefined || before.length + after.length > 7) return undefined;
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].join(':');
}

/** The groups on one side of "::". An IPv4 address at the very end counts as two groups (RFC 4291 section 2.2). */
function groupsOf(text: string, atEnd: boolean): string[] | undefined {
  if (text === '') return [];
  const groups: string[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (atEnd && i === parts.length - 1 && part.indexOf('.') >= 0) {
      if (canonicalIpv4(part) === undefined) return undefined;
      const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
      groups.push(((a << 8) | b).toString(16), ((c << 8) | d).toString(16));
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16).toString(16));
    }
  }
  return groups;
}

/** 4 or 6 for an address without brackets and zone, 0 for any other text. Allocates nothing. */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (isIpv4(text)) return 4;
  return text.length <= 45 && text.indexOf(':') >= 0 && canonicalIpv6(text) !== undefined ? 6 : 0;
}

function isIpv4(text: string): boolean {
  const { length } = text;
  if (length < 7 || length > 15) return false;
  let dots = 0;
  let value = -1;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      // A leading zero is refused, since some programs read octal then.
      if (value === 0) return false;
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return false;
    } else {
      if (digit !== -2 || value < 0) return false;
      dots++;
      value = -1;
    }
  }
  return dots === 3 && value >= 0;
}
