import { isIP } from 'node:net';
import { AddressBlocks, isAddressBlock } from '../../core/address-blocks.js';
import { canonicalIp } from '../../core/ip-address.js';
import type { PvarValue } from '../context.js';
import type { TextReader } from '../variables/definition.js';
import { onText, type TransformationDefinition } from './definition.js';

/** RFC 1918, loopback and link-local addresses, and the corresponding IPv6 blocks. */
const PRIVATE = new AddressBlocks([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
]);

function bare(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
}

/** An IP address as bytes in network order, one character for each; null for any other text. */
function toBytes(text: string): string | null {
  const canonical = canonicalIp(bare(text));
  if (canonical === undefined) return null;
  if (canonical.includes('.')) return String.fromCharCode(...canonical.split('.').map(Number));
  const bytes = canonical.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  return String.fromCharCode(...bytes);
}

/** Four or sixteen bytes as an IP address; IPv6 in full and in capitals, as recorded. */
function toText(bytes: string): string | null {
  if (bytes.length !== 4 && bytes.length !== 16) return null;
  const codes = Array.from(bytes, (c) => c.charCodeAt(0));
  if (codes.length === 4) return codes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((((codes[i] as number) << 8) | (codes[i + 1] as number)).toString(16).toUpperCase());
  }
  return groups.join(':');
}

const flag = (holds: (text: string) => boolean) => onText((text): PvarValue => (holds(text) ? 1 : 0));

const matches: TransformationDefinition = {
  least: 1,
  max: 1,
  make(args) {
    const net = args[0] as TextReader;
    if (net.constant !== undefined && !isAddressBlock(net.constant)) throw new Error('needs a network: 10.0.0.0/8');
    const constant = net.constant === undefined ? undefined : new AddressBlocks([net.constant]);
    return (value, context) => {
      const text = constant === undefined ? net.read(context) : '';
      if (constant === undefined && !isAddressBlock(text)) return null;
      return (constant ?? new AddressBlocks([text])).has(bare(String(value))) ? 1 : 0;
    };
  },
};

/** Class "ip" of OpenSIPS: the value as an IP address. */
export const ipTransformations: readonly [string, TransformationDefinition][] = [
  ['ip.pton', onText(toBytes)],
  ['ip.ntop', onText(toText)],
  // Expects the bytes that {ip.pton} gives. As recorded, an address as text has no family.
  ['ip.family', onText((text) => (text.length === 4 ? 'INET' : text.length === 16 ? 'INET6' : null))],
  ['ip.isip', flag((text) => isIP(bare(text)) !== 0)],
  ['ip.isip4', flag((text) => isIP(text) === 4)],
  ['ip.isip6', flag((text) => isIP(bare(text)) === 6)],
  ['ip.isprivate', flag((text) => PRIVATE.has(bare(text)))],
  // Names would need an asynchronous look-up. RFC 6761 section 6.3: localhost is the loopback address without a
  // look-up.
  ['ip.resolve', onText((text) => (isIP(bare(text)) !== 0 ? text : /^localhost\.?$/i.test(text) ? '127.0.0.1' : null))],
  ['ip.matches', matches],
];
