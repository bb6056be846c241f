import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope } from '../script/call.js';
import type { Flow } from '../sip/transport/transport.js';
import { own } from './script-variable.js';

/** Numbers of connections, in the order in which scripts ask for them. */
class ConnectionNumbers {
  private last = 0;
  private readonly numbers = new WeakMap<Flow, number>();

  of(flow: Flow): number {
    let number = this.numbers.get(flow);
    if (number === undefined) {
      number = ++this.last;
      this.numbers.set(flow, number);
    }
    return number;
  }
}

/** The numbers of connections in a script. */
export const connectionNumbers = {
  module: 'tcpops',
  create: () => new ConnectionNumbers(),
  renew: (before: ConnectionNumbers) => before,
};

function numberOf({ env, source }: CfgScope): number | undefined {
  return source?.flow === undefined ? undefined : env.modules.of(connectionNumbers).of(source.flow);
}

/**
 * $conid and $ws_conid: the number of the connection on which a message was received. As recorded, the second one is 0
 * for a message received by UDP.
 */
export const connectionVariables: readonly [string, VariableDefinition][] = [
  ['conid', own((scope) => numberOf(scope) ?? null)],
  ['ws_conid', own((scope) => numberOf(scope) ?? 0)],
];
