import { randomUUID } from 'node:crypto';
import { trimmed } from '../core/characters.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import { uuidOf } from '../pvar/variables/uuids.js';
import { intOf, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from './define.js';

const VERSIONS = ['0', '1', '3', '4', '5'];

/** $uuid(g) of Kamailio: a random identifier. The letter, which names a way to generate it, makes no difference. */
export const uuidVariables: readonly (readonly [string, VariableDefinition])[] = [
  [
    'uuid',
    {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        if (!/^[grts]$/.test(argument?.constant ?? ''))
          throw new Error('needs "g", "r", "t" or "s" between its parentheses');
        return { get: () => randomUUID() };
      },
    },
  ],
];

/** The functions of uuid. */
export const uuidFunctions: ScriptFunction[] = moduleFunctions('uuid', [
  {
    name: 'uuid',
    dialects: OPENSIPS,
    parameters: [
      param('result', 'writable'),
      optional('version', 'int', {
        check: (version) =>
          VERSIONS.includes(String(version)) ? undefined : `the version is one of ${VERSIONS.join(', ')}`,
      }),
      optional('namespace', 'string'),
      optional('name', 'string'),
    ],
    summary:
      'writes an identifier (RFC 4122) to a variable: at random (0, 4), of the time (1), or of a name in a namespace (3, 5)',
    compile:
      ([result, version, namespace, name]) =>
      (run) => {
        const made = uuidOf(
          intOf(version, run, 0),
          run.env.clock.now(),
          trimmed(textOf(namespace, run)),
          textOf(name, run),
        );
        if (made === undefined) return -1;
        result?.variable?.assign(run.pvars, made);
        return 1;
      },
  },
]);
