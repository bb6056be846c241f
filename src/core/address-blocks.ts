import { BlockList, isIP } from 'node:net';
import { SwitchyardError } from './errors.js';

/** Results that are remembered, since searching the blocks takes longer than a look-up. */
const MAX_REMEMBERED = 4096;

/** Length of an IPv6 address that ends with an IPv4 address. */
const LONGEST_ADDRESS = 45;

interface Block {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Whether a text is an IP address or a CIDR block. */
export function isAddressBlock(text: string): boolean {
  return parseBlock(text) !== undefined;
}

function parseBlock(text: string): Block | undefined {
  const [address = '', written, ...more] = text.split('/');
  const family = isIP(address);
  const max = family === 6 ? 128 : 32;
  const bits = written === undefined ? max : /^[0-9]{1,3}$/.test(written) ? Number(written) : maskBits(written, family);
  if (family === 0 || more.length > 0 || bits < 0 || bits > max) return undefined;
  return { address, bits, family: family === 6 ? 'ipv6' : 'ipv4' };
}

/** The number of leading ones in an IPv4 mask such as "255.255.255.0"; -1 if it is not a mask. */
function maskBits(mask: string, family: number): number {
  if (family !== 4 || isIP(mask) !== 4) return -1;
  const bits = mask.split('.').reduce((text, byte) => text + Number(byte).toString(2).padStart(8, '0'), '');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : -1;
}

/** A set of IP addresses and CIDR blocks. */
export class AddressBlocks {
  private readonly list = new BlockList();
  private readonly known = new Map<string, boolean>();
  private readonly empty: boolean;

  /** Throws SwitchyardError CONFIG_INVALID for a text that is neither an address nor a CIDR block. */
  constructor(blocks: readonly string[]) {
    this.empty = blocks.length === 0;
    for (const text of blocks) {
      const block = parseBlock(text);
      if (block === undefined) {
        throw new SwitchyardError('CONFIG_INVALID', `"${text}" is neither an IP address nor a CIDR block`);
      }
      this.list.addSubnet(block.address, block.bits, block.family);
    }
  }

  /** Whether an IP literal is in one of the blocks; false for any other text. */
  has(address: string): boolean {
    if (this.empty) return false;
    const known = this.known.get(address);
    if (known !== undefined) return known;
    const family = isIP(address);
    if (family === 0) return false;
    const found = this.list.check(address, family === 6 ? 'ipv6' : 'ipv4');
    // An address with a long zone, as a peer may send it, is not remembered.
    if (address.length > LONGEST_ADDRESS) return found;
    if (this.known.size >= MAX_REMEMBERED) this.known.clear();
    this.known.set(address, found);
    return found;
  }
}
