import {
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
} from './define.js';

const RUNS_NONE = 'runs no program and returns -1: what a peer sends must not reach a shell';

function refused(name: string, max: number, dialects: FunctionSpec['dialects'] = OPENSIPS): FunctionSpec {
  return {
    name,
    dialects,
    async: name === 'exec',
    parameters: [
      param('command', 'string'),
      ...Array.from({ length: max - 1 }, (_, i) => optional(`argument ${i + 2}`, 'string')),
    ],
    summary: 'runs no program; always returns -1',
    standIn: RUNS_NONE,
    compile: () => () => -1,
  };
}

/** The functions of exec; no program is run here. */
export const programFunctions: ScriptFunction[] = moduleFunctions('exec', [
  refused('exec', 5),
  ...['exec_msg', 'exec_dset', 'exec_avp', 'exec_getenv'].map((name) => refused(name, 3)),
  ...['exec_msg', 'exec_dset', 'exec_avp', 'exec_cmd'].map((name) =>
    refused(name, name === 'exec_avp' ? 2 : 1, KAMAILIO),
  ),
]);
