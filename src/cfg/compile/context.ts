import { messageOf } from '../../core/errors.js';
import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';
import type { PvarContext, PvarValue } from '../../pvar/context.js';
import { compileFormat, type Format } from '../../pvar/format.js';
import type { FormatNames } from '../../pvar/format-names.js';
import { withVariables } from '../../pvar/names.js';
import { plain } from '../../pvar/variables/definition.js';
import type { ConfigurationTree, FunctionCall, Position, RouteCall, VariableReference } from '../ast.js';
import type { Dialect } from '../dialect.js';
import type { FileFacts, FunctionTable } from '../function-table.js';
import type { Problems } from '../problem.js';
import type { ScriptBounds } from '../runtime.js';
import type { Analysis } from './analysis.js';

/** State that all parts of the compiler share while they compile one file. */
export class CompileContext {
  private readonly formats = new Map<string, Format | string>();
  /** Number of blocks of the current route around the statement being compiled. */
  nesting = 0;

  constructor(
    readonly tree: ConfigurationTree,
    readonly dialect: Dialect,
    readonly functions: FunctionTable,
    readonly names: FormatNames,
    readonly bounds: ScriptBounds,
    readonly problems: Problems,
    readonly analysis: Analysis,
    readonly logUnknown: boolean,
    readonly traced: boolean,
    readonly facts: FileFacts,
  ) {}

  /**
   * Compiles a text with variables, once for all its occurrences in the file. Undefined when it is wrong, which is
   * reported.
   */
  format(text: string, at: Position, atStart = true): Format | undefined {
    if (text.includes('$cfg') || text.includes('$(cfg')) return this.positioned(text, at, atStart);
    let format = this.formats.get(text);
    if (format === undefined) {
      format = compiled(text, this.names);
      this.formats.set(text, format);
    }
    if (typeof format !== 'string') return format;
    this.problems.error('variable', at, format, atStart);
    return undefined;
  }

  /** Compiles the variable at the beginning of a text, and ignores the rest of the text. */
  leadingVariable(text: string, at: Position): Format | undefined {
    const format = compiled(text, this.names, true);
    if (typeof format !== 'string') return format;
    this.problems.error('variable', at, format, true);
    return undefined;
  }

  /** Compiles a single variable of the script. */
  variable(reference: VariableReference): Format | undefined {
    // As recorded, Kamailio has shared memory, which this variable needs, only after the first modparam.
    if (
      this.dialect.name === 'kamailio' &&
      /^\$\(?shv\(/.test(reference.text) &&
      this.tree.moduleParameters.length === 0
    ) {
      this.problems.error('variable', reference.at, `${reference.text} needs a modparam before it`);
      return undefined;
    }
    return this.format(reference.text, reference.at, false);
  }

  /** Reader of all values of a variable written with "[*]"; undefined for other variables. */
  list(reference: VariableReference): ((context: PvarContext) => readonly PvarValue[]) | undefined {
    const format = this.variable(reference);
    return format?.values;
  }

  /** Whether a call may wait; the enclosing statement must then wait for it. */
  callWaits(node: FunctionCall | RouteCall): boolean {
    if (node.kind === 'call') return this.functions.waits(this.dialect.name, node.name);
    return this.analysis.callWaits(node);
  }

  /** Whether async() may contain a call. */
  callIsAsync({ name }: FunctionCall): boolean {
    const found = this.functions.find(this.dialect.name, name);
    return found.length === 0 || found.some((each) => each.async === true);
  }

  /** Compiles a regular expression of the file. Undefined when it is invalid, which is reported. */
  regex(source: string, at: Position, ignoreCase: boolean, lines = false): BoundedRegex | undefined {
    try {
      return compilePosix(source, { ignoreCase, lines });
    } catch (error) {
      this.problems.error('regex', at, messageOf(error));
      return undefined;
    }
  }

  /** Compiles a text that reads its own position in the file ($cfg_line and the like). */
  private positioned(text: string, at: Position, atStart: boolean): Format | undefined {
    const names = withVariables(this.names, [
      ['cfg_line', plain(() => at.line)],
      ['cfg_file', plain(() => at.file)],
      [
        'cfg',
        {
          argument: 'required',
          indexed: false,
          compile(argument) {
            const what = argument?.constant;
            if (what === 'line') return { get: () => at.line };
            if (what === 'file' || what === 'name') return { get: () => at.file };
            if (what === 'route') return { get: ({ routes }) => shownRoute(routes?.at(-1)) };
            throw new Error('needs one of line, file, name and route');
          },
        },
      ],
    ]);
    const format = compiled(text, names);
    if (typeof format !== 'string') return format;
    this.problems.error('variable', at, format, atStart);
    return undefined;
  }
}

/** The name of a route without its kind, as $cfg(route) gives it. */
function shownRoute(name: string | undefined): string | null {
  if (name === undefined) return null;
  const open = name.indexOf('[');
  return open < 0 ? 'DEFAULT_ROUTE' : name.slice(open + 1, -1);
}

/** The compiled format, or the error message. */
function compiled(text: string, names: FormatNames, leading = false): Format | string {
  try {
    return compileFormat(text, { names, leading });
  } catch (error) {
    return messageOf(error);
  }
}
