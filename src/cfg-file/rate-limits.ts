import type { Argument, ConfigurationTree, Position } from '../cfg/ast.js';
import type { DialectName } from '../cfg/function-table.js';
import { callsIn } from '../cfg/visit.js';
import { algorithmOf, isMeasured } from '../script/pipe-algorithms.js';

/** A call or parameter that names an algorithm that does not limit here. */
export interface PassedLimit {
  readonly name: string;
  readonly at: Position;
  readonly message: string;
}

const IN_PIPE = /:(feedback|network):/i;

/**
 * Calls and parameters of ratelimit and pipelimit with an algorithm that limits by the load of the machine in the
 * originals: here such a pipe counts and lets every message pass. In Kamailio rl_check() ends the script for NETWORK,
 * as recorded.
 */
export function passedLimits(tree: ConfigurationTree, dialect: DialectName): readonly PassedLimit[] {
  const found: PassedLimit[] = [];
  const add = (name: string, algorithm: string, at: Position): void => {
    if (isMeasured(algorithmOf(algorithm)))
      found.push({ name, at, message: `${name}: ${algorithm.toUpperCase()} does not limit here` });
  };
  for (const { module, name, value, at } of tree.moduleParameters) {
    const text = String(value);
    if (name === 'default_algorithm' && module.split('|').includes('ratelimit')) add(`ratelimit: ${name}`, text, at);
    if (name === 'pipe' && /(?:^|\|)(?:ratelimit|pipelimit)(?:\||$)/.test(module))
      add(`${module}: ${name}`, IN_PIPE.exec(text)?.[1] ?? '', at);
  }
  const [wanted, position] = dialect === 'opensips' ? (['rl_check', 2] as const) : (['pl_check', 1] as const);
  for (const { body } of tree.routes)
    for (const call of callsIn(body))
      if (call.kind === 'call' && call.name === wanted) add(`${wanted}()`, stringOf(call.args[position]), call.at);
  return found;
}

function stringOf(argument: Argument): string {
  return argument?.kind === 'string' ? argument.value : '';
}
