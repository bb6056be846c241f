import { trimmed } from '../core/characters.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import { CommandFault, type ScriptCommand } from '../script/commands.js';
import type { ModuleParameters } from '../script/environment.js';
import { cacheDelimiter, type SqlCacheDefinition, sqlCacheDefinitions } from '../script/sql-caches.js';
import { moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from './define.js';
import { scopeOf } from './script-variable.js';

/** Settings of sql_cacher. Creating them throws an Error for a table that cannot be kept. */
export const sqlCacher = {
  module: 'sql_cacher',
  create(parameters: ModuleParameters): { readonly delimiter: string; readonly tables: readonly SqlCacheDefinition[] } {
    return { delimiter: cacheDelimiter(parameters), tables: sqlCacheDefinitions(parameters) };
  },
};

/** $sql_cached_value(id:column:key): a value of a table that is kept in memory; null where there is none. */
export const sqlCachedValue: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({
    get: (context: PvarContext): PvarValue => {
      const { env } = scopeOf(context);
      const { delimiter } = env.modules.of(sqlCacher);
      const text = argument?.constant ?? argument?.read(context) ?? '';
      const first = text.indexOf(delimiter);
      const second = first < 0 ? -1 : text.indexOf(delimiter, first + 1);
      if (second < 0) return null;
      const cache = env.tables.caches.get(trimmed(text.slice(0, first)));
      const column = cache?.columns.get(trimmed(text.slice(first + 1, second)));
      return column === undefined ? null : (cache?.rows.get(text.slice(second + 1))?.[column] ?? null);
    },
  }),
};

/** Functions of sql_cacher. */
export const sqlCacherFunctions: ScriptFunction[] = moduleFunctions('sql_cacher', [
  {
    name: 'sql_cache_dump',
    dialects: OPENSIPS,
    parameters: [param('id', 'string'), param('columns', 'string'), param('AVPs', 'literal')],
    summary: 'writes columns of all rows of a kept table into AVPs; returns the number of rows, -2 for none',
    compile: ([id, columns, avps]) => {
      const names = (avps?.text ?? '').split(',').map((each) => trimmed(each));
      return (run) => {
        const cache = run.env.tables.caches.get(textOf(id, run));
        const wanted = textOf(columns, run)
          .split(',')
          .map((each) => cache?.columns.get(trimmed(each)));
        if (cache === undefined || wanted.length !== names.length || wanted.includes(undefined)) return -1;
        const targets = names.map((name) => run.env.modules.compile(name));
        if (targets.some(({ writable }) => !writable)) return -1;
        // The last value assigned to an AVP is its first, so that the rows keep their order.
        const rows = [...cache.rows.values()].reverse();
        for (const row of rows)
          for (const [i, target] of targets.entries()) target.assign(run.pvars, row[wanted[i] ?? 0] ?? '');
        return rows.length === 0 ? -2 : rows.length;
      };
    },
  },
]);

/** The management commands of sql_cacher. */
export const sqlCacherCommands: readonly ScriptCommand[] = [
  {
    module: 'sql_cacher',
    mi: 'sql_cacher_reload',
    help: 'reads the tables of sql_cacher again',
    changes: true,
    parameters: ['id', 'key'],
    required: 1,
    async run(env, { id }) {
      if (!env.modules.of(sqlCacher).tables.some((each) => each.id === id))
        throw new CommandFault(404, `there is no cache "${id}"`);
      if (!(await env.reloadTables(undefined, 'sql_cacher')))
        throw new CommandFault(500, 'Failed to reload: the table cannot be read');
      return 'OK';
    },
  },
];
