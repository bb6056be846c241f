import { type RpcCommand, RpcError } from '../command.js';
import { textResult, valuesResult } from '../value.js';

/** system.*: lists the commands of a table that contains these commands too. */
export function systemCommands(table: {
  names(): readonly string[];
  find(name: string): RpcCommand | undefined;
}): readonly RpcCommand[] {
  return [
    {
      name: 'system.listMethods',
      help: 'Lists all RPC methods supported by the server.',
      needs: { role: 'viewer' },
      run: () => valuesResult(...table.names()),
    },
    {
      name: 'system.methodHelp',
      help: 'Print the help string for given method.',
      needs: { role: 'viewer' },
      run(args) {
        const name = args.printable(0);
        if (name === undefined) throw new RpcError(400, 'Method Name Expected');
        const command = table.find(name);
        if (command === undefined) throw new RpcError(400, 'command not found');
        return textResult(command.help);
      },
    },
    {
      name: 'system.methodSignature',
      help: 'Returns signature of given method.',
      needs: { role: 'viewer' },
      run() {
        throw new RpcError(500, 'Not Implemented Yet');
      },
    },
  ];
}
