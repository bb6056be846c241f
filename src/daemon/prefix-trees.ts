import type { LoadedCfg } from '../cfg-file/load.js';
import { nextIteration } from '../core/event-loop.js';
import { namedValues } from '../core/named-values.js';
import { PrefixTree } from '../script/prefix-tree.js';
import { FaultyRows } from './faulty-rows.js';
import { type DatabaseRow, textIn } from './script-rows.js';

/** A tree of mtree and the table it is read from. */
export interface TreeSource {
  readonly name: string;
  readonly table: string;
  readonly integers: boolean;
}

function text(cfg: LoadedCfg, name: string, fallback: string): string {
  return String(cfg.modules.get('mtree')?.get(name)?.at(-1) ?? fallback);
}

/** The trees of a file: "name=routes;dbtable=lcr_routes;type=0". */
export function treeSources(cfg: LoadedCfg): TreeSource[] {
  if (!cfg.loaded.has('mtree')) return [];
  return (cfg.modules.get('mtree')?.get('mtree') ?? []).flatMap((each) => {
    const options = namedValues(String(each));
    const [name = '', table = ''] = [options.get('name'), options.get('dbtable')];
    const type = options.get('type') ?? text(cfg, 'mt_tree_type', '0');
    return name === '' || table === '' ? [] : [{ name, table, integers: type === '2' }];
  });
}

/** Rows read in one event loop iteration. */
const ROWS = 2000;

/** A tree of the rows of a table; `faulty` gets the prefixes of rows that are ignored. Calls are handled meanwhile. */
export async function treeOf(
  rows: readonly DatabaseRow[],
  { integers }: TreeSource,
  cfg: LoadedCfg,
  faulty: (prefix: string, reason: string) => void,
): Promise<PrefixTree> {
  const number = (name: string): boolean => text(cfg, name, '0') !== '0';
  const tree = new PrefixTree(text(cfg, 'char_list', '0123456789'), integers, number('mt_allow_duplicates'));
  const [prefixColumn, valueColumn] = [text(cfg, 'tprefix_column', 'tprefix'), text(cfg, 'tvalue_column', 'tvalue')];
  const leftOut = new FaultyRows(faulty);
  const ignored = number('mt_ignore_duplicates');
  for (const [i, row] of rows.entries()) {
    if (i > 0 && i % ROWS === 0) await nextIteration();
    const prefix = textIn(row, prefixColumn) ?? '';
    const fault = tree.add(prefix, textIn(row, valueColumn) ?? '');
    if (fault !== undefined && !(ignored && fault.startsWith('the prefix'))) leftOut.add(prefix, fault);
  }
  leftOut.end();
  return tree;
}
