import { randomUUID } from 'node:crypto';
import { moduleFunctions, OPENSIPS, optional, param, type ScriptFunction } from './define.js';

/** The functions of uuid. */
export const uuidFunctions: ScriptFunction[] = moduleFunctions('uuid', [
  {
    name: 'uuid',
    dialects: OPENSIPS,
    parameters: [
      param('result', 'writable'),
      optional('version', 'int', {
        check: (version) =>
          ['0', '4'].includes(String(version)) ? undefined : 'only random identifiers are made (0, 4)',
      }),
    ],
    summary: 'writes a random identifier (RFC 4122, version 4) to a variable',
    compile:
      ([result]) =>
      (run) => {
        result?.variable?.assign(run.pvars, randomUUID());
        return 1;
      },
  },
]);
