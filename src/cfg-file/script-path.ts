import type { Expression, Position, Statement } from '../cfg/ast.js';
import type { ScriptRun, ScriptTrace } from '../cfg/runtime.js';
import { within } from '../cfg/visit.js';
import { trimmed } from '../core/characters.js';
import type { ExecutedStep } from '../core/executed-step.js';
import { maskSecrets } from '../core/mask.js';
import { scriptVariables } from '../modules/variables.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { FormatNames } from '../pvar/format-names.js';
import { withVariables } from '../pvar/names.js';
import type { LoadedCfg } from './load.js';

/** Limits of what is recorded. */
export interface PathBounds {
  readonly steps: number;
  /** Maximum length of each value, and of each line of the file. */
  readonly characters: number;
}

const DEFAULT_BOUNDS: PathBounds = { steps: 10_000, characters: 65_536 };

/** Maximum number of values recorded for a step. */
const MAX_VALUES = 8;

/** The strings of a line. */
const STRING = /"[^"]*"|'[^']*'/g;

/**
 * Variables whose names say that they hold a secret, functions that take one, and header fields with credentials. The
 * strings of such a line are not shown, nor the values of such variables.
 */
const SECRET =
  /\$\(?[\w.]{1,32}\([^()\r\n]{0,64}(?:pass|pwd|secret|token|api_?key)|\b(?:pv_(?:www|proxy)_authenticate|pv_auth_check|(?:www|proxy)_authorize)\(|\bauthorization[ \t]{0,8}:/i;

/** Records the statements that runs of a script execute. */
export class ScriptPath implements ScriptTrace {
  readonly steps: ExecutedStep[] = [];
  private readonly names: FormatNames;
  private readonly formats = new Map<string, Format | undefined>();
  private readonly files = new Map<string, readonly string[]>();
  /** Variables that hold passwords. */
  private readonly hidden: readonly string[];

  constructor(
    private readonly cfg: Pick<LoadedCfg, 'dialect' | 'sources' | 'tree'>,
    private readonly bounds = DEFAULT_BOUNDS,
  ) {
    const { dialect, tree } = cfg;
    const ofPasswords = tree.moduleParameters.filter(({ name }) => name === 'auth_password_avp');
    this.hidden = ofPasswords.map(({ value }) => trimmed(String(value)));
    this.names = withVariables(dialect.names, scriptVariables(dialect));
  }

  before(run: ScriptRun, statement: Statement): void {
    switch (statement.kind) {
      case 'call-statement':
        if (statement.call.kind === 'route') this.add(run, statement.at, 'enters', [statement.call]);
        break;
      case 'switch':
        this.add(run, statement.at, 'evaluates', [statement.subject]);
        break;
      case 'exit':
      case 'drop':
      case 'break':
      case 'return':
        this.add(run, statement.at, 'ends', statement.values);
    }
  }

  condition(run: ScriptRun, statement: Statement, holds: boolean): void {
    if (statement.kind !== 'if' && statement.kind !== 'while') return;
    this.add(run, statement.at, holds ? 'yes' : 'no', [statement.condition]);
  }

  after(run: ScriptRun, statement: Statement): void {
    if (statement.kind === 'assign') this.add(run, statement.at, 'assigns', [statement.target]);
    else if (statement.kind === 'call-statement' && statement.call.kind === 'call') {
      this.add(
        run,
        statement.at,
        `returns ${run.last}`,
        statement.call.args.filter((arg) => arg !== undefined),
      );
    }
  }

  private add(run: ScriptRun, at: Position, result: string, expressions: readonly Expression[]): void {
    if (this.steps.length >= this.bounds.steps) return;
    const { file, line } = at;
    this.steps.push({
      file,
      line,
      depth: run.depth,
      text: this.line(at),
      result,
      values: this.values(run, expressions),
    });
  }

  private line({ file, line }: Position): string {
    let lines = this.files.get(file);
    if (lines === undefined) {
      // The text is the loaded one: the file may have been changed since.
      lines = (this.cfg.sources.get(file) ?? '').split(/\r?\n/);
      this.files.set(file, lines);
    }
    const text = trimmed(lines[line - 1] ?? '').slice(0, this.bounds.characters);
    const shown = maskSecrets(text);
    return this.isHidden(text) ? shown.replace(STRING, '"***"') : shown;
  }

  private values(run: ScriptRun, expressions: readonly Expression[]): ExecutedStep['values'] {
    const values = new Map<string, string | number | null>();
    for (const expression of expressions) {
      for (const each of within(expression)) {
        if (each.kind !== 'variable' && each.kind !== 'string') continue;
        const text = each.kind === 'variable' ? each.text : each.value;
        if (!text.includes('$') || values.size >= MAX_VALUES) continue;
        const format = this.format(text);
        if (format === undefined) continue;
        const value = format.evaluateValue(run.pvars);
        values.set(text, typeof value === 'string' ? this.shown(text, value) : value);
      }
    }
    return [...values];
  }

  /** Whether a text of the script has a variable that holds a password, or a call with one. */
  private isHidden(text: string): boolean {
    return SECRET.test(text) || this.hidden.some((each) => text.includes(each));
  }

  private shown(text: string, value: string): string {
    return this.isHidden(text) ? '***' : maskSecrets(value.slice(0, this.bounds.characters));
  }

  private format(text: string): Format | undefined {
    if (!this.formats.has(text)) {
      let format: Format | undefined;
      try {
        format = compileFormat(text, { names: this.names });
      } catch {
        // A constant text of an assignment, in which "$" has no meaning.
        format = undefined;
      }
      this.formats.set(text, format);
    }
    return this.formats.get(text);
  }
}
