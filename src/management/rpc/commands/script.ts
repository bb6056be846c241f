import type { MiValue } from '../../mi/command.js';
import type { ScriptCommandTable } from '../../mi/dependencies.js';
import { INVALID_PARAMETERS, type RpcCommand, RpcError } from '../command.js';
import { manyResult, type RpcMember, type RpcValue, struct, textResult, valuesResult } from '../value.js';

/** RPC commands of the modules that a configuration file loads. */
export function scriptRpcCommands(table: ScriptCommandTable | undefined): RpcCommand[] {
  if (table === undefined) return [];
  return table.commands
    .filter(({ rpc }) => rpc !== undefined)
    .map(
      (command): RpcCommand => ({
        name: command.rpc as string,
        help: command.help,
        needs: { role: command.changes ? 'operator' : 'viewer' },
        ...(command.changes ? { changes: () => true } : {}),
        async run(args) {
          if (args.count < command.required) throw INVALID_PARAMETERS;
          const texts = Object.fromEntries(command.parameters.map((name, i) => [name, args.printable(i)]));
          const { fault, value } = await table.run(command, texts);
          if (fault !== undefined) throw new RpcError(fault.code, fault.message);
          if (Array.isArray(value)) return manyResult(value.map((each) => rpcValue(each as MiValue, command.structs)));
          if (typeof value === 'string') return textResult(value);
          return valuesResult(rpcValue(value as MiValue, command.structs));
        },
      }),
    );
}

function rpcValue(value: MiValue | undefined, structs: string | undefined): RpcValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value : { kind: 'double', value };
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return struct(...value.flatMap((each) => membersOf(each as MiValue, structs)));
  return struct(...membersOf(value, structs));
}

/** The members of an object; for any other value one member "value". */
function membersOf(value: MiValue, structs: string | undefined): RpcMember[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [['value', rpcValue(value, structs)]];
  return Object.entries(value).map(([name, each]) => [
    name,
    name === structs && Array.isArray(each)
      ? { kind: 'structs', structs: each.map((one) => struct(...membersOf(one as MiValue, structs))) }
      : rpcValue(each, structs),
  ]);
}
