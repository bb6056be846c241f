import { BlockList, isIP } from 'node:net';
import type { BoundedRegex } from '../../core/posix-regex.js';
import { compilePosix } from '../../core/posix-regex.js';

/** Maximum number of rules in one list. */
const MAX_RULES = 10_000;

interface Rule {
  /** undefined: any transport. */
  readonly transport: string | undefined;
  readonly networks: BlockList;
  /** Whether the rule applies to addresses outside its networks. */
  readonly others: boolean;
  /** 0: any port. */
  readonly port: number;
  /** Expression that the message must match; undefined: any message. */
  readonly pattern: BoundedRegex | undefined;
}

/** A message that is about to be sent, and its destination. */
export interface BlacklistQuestion {
  readonly address: string;
  readonly port: number;
  readonly transport?: string | undefined;
  readonly text?: string | undefined;
}

/** The address lists that a file defines: dst_blacklist = name:{( proto, network, port, "pattern" ), !(...)}. */
export class FileBlacklists {
  private readonly lists = new Map<string, readonly Rule[]>();

  /** Whether the file defines a list with this name. */
  has(name: string): boolean {
    return this.lists.has(name);
  }

  /** Adds a list. Returns an error text, or undefined. */
  define(text: string): string | undefined {
    const match = /^([\w-]+):?\s*\{(.*)\}$/s.exec(text.trim());
    if (match === null) return 'name:{( protocol, network, port, "pattern" )} is expected';
    const [, name = '', body = ''] = match;
    const rules: Rule[] = [];
    const each =
      /\s*(!?)\(\s*(\w+)\s*,\s*([0-9a-fA-F.:[\]]+(?:\/[0-9.]+)?)\s*,\s*(\d+)\s*,\s*"((?:[^"\\]|\\.)*)"\s*\)\s*,?/y;
    while (each.lastIndex < body.length) {
      const from = each.lastIndex;
      const found = each.exec(body);
      if (found === null) {
        if (body.slice(from).trim() === '') break;
        return `"${body.slice(from, from + 40)}" is not a rule`;
      }
      const [, not, protocol = '', network = '', port = '0', pattern = ''] = found;
      const networks = networkOf(network);
      if (networks === undefined) return `"${network}" is not a network`;
      if (rules.length >= MAX_RULES) return `list ${name} has more than ${MAX_RULES} rules`;
      rules.push({
        transport: /^any$/i.test(protocol) ? undefined : protocol.toLowerCase(),
        networks,
        others: not === '!',
        port: Number(port),
        pattern: pattern === '' ? undefined : compilePosix(pattern),
      });
    }
    this.lists.set(name, rules);
    return undefined;
  }

  /** Whether a rule of one of these lists matches. */
  blocked(lists: readonly string[], question: BlacklistQuestion): boolean {
    return lists.some((name) => this.lists.get(name)?.some((rule) => matches(rule, question)) === true);
  }
}

function matches({ transport, networks, others, port, pattern }: Rule, question: BlacklistQuestion): boolean {
  const family = question.address.includes(':') ? 'ipv6' : 'ipv4';
  return (
    (transport === undefined || question.transport === undefined || transport === question.transport) &&
    (port === 0 || port === question.port) &&
    networks.check(question.address, family) !== others &&
    (pattern === undefined || pattern.test(question.text ?? ''))
  );
}

/** Parses "10.0.0.0/8", "10.0.0.0/255.0.0.0" or "10.1.1.1". */
function networkOf(text: string): BlockList | undefined {
  const [base = '', mask] = text.replace(/[[\]]/g, '').split('/');
  const family = isIP(base);
  if (family === 0) return undefined;
  const max = family === 4 ? 32 : 128;
  const bits = mask === undefined ? max : isIP(mask) === 4 ? bitsOf(mask) : Number(mask);
  if (!Number.isInteger(bits) || bits < 0 || bits > max) return undefined;
  const list = new BlockList();
  list.addSubnet(base, bits, family === 4 ? 'ipv4' : 'ipv6');
  return list;
}

function bitsOf(mask: string): number {
  return mask.split('.').reduce((sum, part) => sum + Number(part).toString(2).replaceAll('0', '').length, 0);
}
