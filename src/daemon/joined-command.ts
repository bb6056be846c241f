import type { CommandParameters, MiValue, ScriptCommand } from '../script/commands.js';
import type { CommandAnswer } from '../workers/protocol.js';

/** The answer of one process to a command. */
export interface Answer extends CommandAnswer {
  readonly value?: MiValue;
}

/**
 * Runs a command in the other processes that run the script: each with its parameters, or not at all if these are
 * undefined. Resolves with the answers by process number, from 1; never rejects.
 */
export type OtherProcesses = (
  name: string,
  paramsOf: (process: number) => CommandParameters | undefined,
) => Promise<readonly (CommandAnswer | undefined)[]>;

/** The name of a command for other processes. */
export function nameOf({ mi = '', rpc = '' }: ScriptCommand): string {
  return `${mi} ${rpc}`;
}

/** Runs a command here and, if the answers of several processes can be joined and there are others, also in these. */
export async function runJoined(
  command: ScriptCommand,
  params: CommandParameters,
  here: (params: CommandParameters) => Promise<Answer>,
  others: OtherProcesses | undefined,
): Promise<Answer> {
  const { joined, listed } = command;
  if (joined === undefined || others === undefined) return here(params);
  const everywhere = async (paramsOf: (process: number) => CommandParameters | undefined): Promise<Answer[]> => {
    const mine = paramsOf(0);
    const own = mine === undefined ? {} : await here(mine);
    return [own, ...(await others(nameOf(command), paramsOf)).map((each) => (each ?? {}) as Answer)];
  };
  const question = listed?.question(params);
  let paramsOf = (_process: number): CommandParameters | undefined => params;
  if (listed !== undefined && question !== undefined) {
    const counted = await everywhere(() => question);
    const parts = listed.parts(
      counted.map(({ value }) => value),
      params,
    );
    paramsOf = (process) => parts[process];
  }
  const answers = await everywhere(paramsOf);
  const values = answers.flatMap(({ value }) => (value === undefined ? [] : [value]));
  // A process that does not have the call answers 404; the other answers are used.
  if (values.length > 0) return { value: joined(values, params) };
  return answers.find(({ fault }) => fault !== undefined && fault.code !== 404) ?? (answers[0] as Answer);
}
