import { namedValues } from '../core/named-values.js';
import type { Format } from '../pvar/format.js';
import { CommandFault, type ScriptCommand } from '../script/commands.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { code, intOf, KAMAILIO, moduleFunctions, param, type ScriptFunction, textOf } from './define.js';

interface TreeVariables {
  readonly value: Format;
  readonly values: Format;
}

/** Variables to which mt_match() writes its result. Construction throws an Error for a tree that is not supported. */
export const treeVariables = {
  module: 'mtree',
  create(parameters: ModuleParameters, states: { compile(text: string): Format }): TreeVariables {
    for (const each of parameters.all('mtree')) {
      const options = namedValues(String(each));
      if ((options.get('multi') ?? '0') !== '0') throw new Error('mtree: several trees of one table are not supported');
      const type = options.get('type') ?? parameters.text('mt_tree_type', '0');
      if (type !== '0' && type !== '2') throw new Error(`mtree: trees of type ${type} are not supported, 0 and 2 are`);
    }
    const variable = (name: string, fallback: string): Format => {
      const format = states.compile(parameters.text(name, fallback));
      if (!format.writable) throw new Error(`${name}: ${format.text} is read-only`);
      return format;
    };
    return { value: variable('pv_value', '$avp(s:tvalue)'), values: variable('pv_values', '$avp(s:tvalues)') };
  },
};

/** Functions of mtree. */
export const mtreeFunctions: ScriptFunction[] = moduleFunctions('mtree', [
  {
    name: 'mt_match',
    dialects: KAMAILIO,
    parameters: [param('tree', 'string'), param('number', 'string'), param('mode', 'int')],
    summary: 'finds the value of the longest prefix of a number, or with mode 2 those of all its prefixes',
    compile:
      ([tree, number, mode]) =>
      (run) => {
        const found = run.env.tables.trees.get(textOf(tree, run));
        const digits = textOf(number, run);
        if (found === undefined || digits === '') return -1;
        const { value, values } = run.env.modules.of(treeVariables);
        if (intOf(mode, run, 0) !== 2) {
          const longest = found.longest(digits);
          if (longest === undefined) return -1;
          value.assign(run.pvars, longest);
          return 1;
        }
        const all = found.all(digits);
        // A list of an AVP begins with what was put in last.
        for (const each of all.values.toReversed()) values.assign(run.pvars, each);
        return code(all.whole && all.values.length > 0);
      },
  },
]);

/** Commands of mtree. */
export const mtreeCommands: readonly ScriptCommand[] = [
  {
    module: 'mtree',
    rpc: 'mtree.reload',
    help: 'reads the tables of prefixes again',
    changes: true,
    parameters: ['tree'],
    required: 0,
    async run(env: ScriptEnvironment, { tree }) {
      if (tree !== undefined && !env.tables.trees.has(tree)) throw new CommandFault(500, 'No such tree');
      if (!(await env.reloadTables())) throw new CommandFault(500, 'the tables cannot be read, the old ones stay');
      return 'OK';
    },
  },
];
