import { messageOf } from '../../core/errors.js';
import type {
  ConfigurationTree,
  GlobalParameter,
  IntLiteral,
  ModuleParameter,
  Position,
  SettingValue,
} from '../ast.js';
import type { Dialect } from '../dialect.js';
import { type CfgProblem, Problems } from '../problem.js';
import { Lexer } from './lexer.js';
import { LoadedModules, TooManyModules } from './loaded-modules.js';
import { ParameterParser } from './parameters.js';
import { Preprocessor, SyntaxFault } from './preprocessor.js';
import { ROUTE_WORDS, RouteParser } from './routes.js';
import type { SourceFile, SourceReader } from './sources.js';
import { StatementParser } from './statements.js';
import type { Token } from './token.js';
import { TokenStream } from './token-stream.js';

/** Options for reading a configuration file. */
export interface ParseOptions {
  readonly dialect: Dialect;
  readonly reader: SourceReader;
  /** Definitions from the command line (-A name=value). */
  readonly defines?: ReadonlyMap<string, string>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A configuration file as a tree, and its problems. */
export interface ParsedConfiguration {
  readonly tree: ConfigurationTree;
  readonly problems: readonly CfgProblem[];
}

/**
 * Parses a configuration file and the files it includes. Never throws: errors are in `problems` with their positions,
 * and the tree contains everything that could be parsed.
 */
export function parseConfiguration(source: SourceFile, options: ParseOptions): ParsedConfiguration {
  const parser = new ConfigurationParser(source, options);
  return parser.run();
}

/** The highest number of a flag. */
const MAX_FLAG = 31;

/** Words that load a module. */
const LOADING: ReadonlySet<string> = new Set(['loadmodule', 'loadmodulex']);

class ConfigurationParser {
  private readonly problems = new Problems();
  private readonly preprocessor: Preprocessor | undefined;
  private readonly tokens!: TokenStream;
  private readonly statements!: StatementParser;
  private readonly dialect: Dialect;
  private readonly parameterParser!: ParameterParser;
  private readonly routeParser!: RouteParser;
  private readonly parameters: GlobalParameter[] = [];
  private readonly modules = new LoadedModules();
  private readonly moduleParameters: ModuleParameter[] = [];
  private readonly flags = new Map<string, number>();
  private readonly flagNumbers = new Set<number>();
  /** All numbers below it are taken by flags. */
  private freeFlag = 0;
  /** Names of the "group.name" variables. */
  private readonly variables = new Set<string>();

  constructor(source: SourceFile, options: ParseOptions) {
    const { dialect } = options;
    this.dialect = dialect;
    try {
      this.preprocessor = new Preprocessor(source, {
        directives: dialect.syntax.directives,
        expressions: dialect.later,
        reader: options.reader,
        defines: new Map([...dialect.syntax.predefined, ...(options.defines ?? [])]),
        environment: options.environment ?? {},
      });
    } catch (error) {
      this.report(error);
      return;
    }
    const lexer = new Lexer(this.preprocessor, {
      slashComments: dialect.syntax.slashComments,
      escapesInSingleQuotes: false,
      commentsToEnd: dialect.name === 'kamailio',
      skipsStrange: dialect.name === 'kamailio',
    });
    this.tokens = new TokenStream(lexer);
    this.statements = new StatementParser(this.tokens, dialect, this.problems, () => this.include());
    this.parameterParser = new ParameterParser(this.tokens, dialect);
    this.routeParser = new RouteParser(this.tokens, this.statements, dialect, this.problems);
  }

  run(): ParsedConfiguration {
    if (this.preprocessor !== undefined) {
      try {
        this.top();
        const { openComment } = this.preprocessor;
        if (openComment !== undefined)
          this.problems.warning('syntax', openComment, 'this comment is not closed: the rest of the file is not read');
        const unbalanced = this.preprocessor.unbalanced();
        if (unbalanced !== undefined) this.report(unbalanced);
        if (this.isEmpty) {
          this.problems.error('syntax', { file: this.preprocessor.file, line: 1, column: 1 }, 'the file is empty');
        }
      } catch (error) {
        this.report(error);
      }
    }
    const { parameters, moduleParameters, flags } = this;
    const modules = this.modules.list;
    const routes = this.routeParser?.routes ?? [];
    const defines = this.preprocessor?.defines ?? new Map<string, string>();
    return {
      tree: { parameters, modules, moduleParameters, routes, flags, defines },
      problems: this.problems.list,
    };
  }

  private get isEmpty(): boolean {
    const { parameters, modules, moduleParameters, problems } = this;
    const { routes } = this.routeParser;
    return (
      parameters.length + modules.list.length + moduleParameters.length + routes.length + problems.list.length === 0
    );
  }

  private report(error: unknown): void {
    if (!(error instanceof SyntaxFault)) throw error;
    this.problems.error(error.code, error.at, error.message);
  }

  private top(): void {
    const { tokens } = this;
    for (;;) {
      const token = tokens.peek();
      if (token.kind === 'end') return;
      if (this.dialect.syntax.topSemicolons && tokens.accept(';')) continue;
      try {
        this.definition();
      } catch (error) {
        if (!(error instanceof SyntaxFault) || error.code === 'too-large' || error.what !== 'syntax') throw error;
        this.report(error);
        if (this.problems.list.length > 100) return;
        this.recover(token.at);
      }
    }
  }

  /** Skips to the next word that begins a line and is followed by what a definition has after its name. */
  private recover(from: Position): void {
    const { tokens } = this;
    if (tokens.peek().at === from && tokens.peek().kind !== 'end') tokens.take();
    for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
      const starts = token.kind === 'word' && token.at.line !== tokens.previous?.at.line;
      if (starts && (ROUTE_WORDS.has(token.text) || token.text === 'loadmodule' || token.text === 'modparam')) return;
      // A global parameter, which never stands inside a route.
      if (starts && token.at.column === 1 && tokens.isPunctuation('=', 1)) return;
      tokens.take();
    }
  }

  private definition(): void {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.kind !== 'word') throw tokens.unexpected('a parameter or a route');
    if (this.include()) return;
    const next = tokens.peek(1);
    if (LOADING.has(token.text)) this.loadModule();
    else if (token.text === 'modparam' || token.text === 'modparamx') this.moduleParameter();
    else if (next.kind === 'punctuation' && (next.text === '[' || next.text === '{')) {
      const kind = ROUTE_WORDS.get(token.text);
      if (kind === undefined || !this.dialect.syntax.routeWords.has(token.text)) {
        throw tokens.unexpected('a route keyword (route, failure_route ...)');
      }
      this.routeParser.route(kind);
    } else if (
      (token.text === 'flags' || token.text === 'avpflags') &&
      (next.kind === 'word' || next.kind === 'string')
    )
      this.flagNames();
    else this.parameter();
  }

  private parameter(): void {
    const { tokens, parameters } = this;
    const parameter = this.parameterParser.parameter();
    const { name } = parameter;
    if (this.dialect.name === 'kamailio' && name.includes('.')) {
      if (this.variables.has(name))
        this.problems.error('setting', tokens.peek().at, `variable ${name} is declared twice`);
      this.variables.add(name);
    }
    parameters.push(parameter);
  }

  /** The statements include_file and import_file. */
  private include(): boolean {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.text !== 'include_file' && token.text !== 'import_file') return false;
    tokens.take();
    if (tokens.peek().kind !== 'string') throw tokens.unexpected('the name of a file in quotes');
    if (this.dialect.name === 'kamailio') this.checkFileName();
    // The next token is not read before the file is opened.
    const path = tokens.take();
    this.preprocessor?.include(path.text, token.text === 'include_file', path.at);
    return true;
  }

  /** Kamailio reads the name of a file up to the next blank; the quotes must be around all of it. */
  private checkFileName(): void {
    const { quote, defined, text, at } = this.tokens.peek();
    const input = this.preprocessor?.current;
    const next = input?.text[input.at] ?? ' ';
    if (quote !== '"' || defined || text === '' || !/\s/.test(next))
      throw new SyntaxFault(at, 'the name of a file between double quotes is expected, and nothing after them');
  }

  private loadModule(): void {
    const { tokens } = this;
    const { at } = tokens.take();
    if (this.dialect.name === 'kamailio' && !this.dialect.later && tokens.isPunctuation('('))
      throw tokens.unexpected('the name of a module in quotes');
    const bracket = tokens.accept('(');
    if (tokens.peek().kind !== 'string') throw tokens.unexpected('the name of a module in quotes');
    // The next token is not read before the module counts as loaded: it may be "#!ifdef MOD_tm".
    const path = tokens.take().text;
    const name = (path.split('/').at(-1) as string).replace(/\.so$/, '');
    if (this.dialect.syntax.directives) this.preprocessor?.defines.set(`MOD_${name}`, '');
    if (bracket !== undefined) {
      if (tokens.accept(',')) tokens.string();
      tokens.expect(')', 'after the name of a module');
    }
    const before = this.modules.get(name);
    if (before !== undefined) {
      const message = `module ${name} is loaded twice, first in line ${before.at.line}`;
      if (!this.dialect.syntax.modulesTwice) throw new SyntaxFault(at, message);
      this.problems.warning('setting', at, message);
      return;
    }
    this.bounded(at, () => this.modules.add({ path, name, at }));
  }

  private moduleParameter(): void {
    const { tokens } = this;
    const { at } = tokens.take();
    tokens.expect('(', 'after modparam');
    const module = this.text('the name of a module');
    tokens.expect(',', 'after the name of a module');
    const name = this.text('the name of a parameter');
    tokens.expect(',', 'after the name of a parameter');
    tokens.hidesWords = true;
    let value: number | string;
    try {
      value = this.parameterValue();
      tokens.expect(')', 'after the value of a parameter');
    } finally {
      tokens.hidesWords = false;
    }
    const modules = this.dialect.name === 'kamailio' ? this.matching(module, at) : module;
    this.checkLoaded(modules, at);
    this.moduleParameters.push({ module: modules, name, value, at });
  }

  private parameterValue(): number | string {
    const { tokens } = this;
    const token = tokens.peek();
    const negative = tokens.isPunctuation('-') && tokens.peek(1).kind === 'int';
    // In both dialects: OpenSIPS operators' files have modparam("auth_db", "calculate_ha1", yes).
    const flag = token.kind === 'word' ? this.dialect.syntax.switchWords(token.text) : undefined;
    if (token.kind !== 'string' && token.kind !== 'int' && !negative && flag === undefined)
      throw tokens.unexpected('a number or a string');
    if (negative || flag !== undefined) tokens.take();
    if (flag !== undefined) return flag;
    const given: SettingValue =
      tokens.peek().kind === 'string' ? tokens.string() : integerOf(tokens.take(), negative ? -1 : 1);
    return given.kind === 'int' ? given.value : valueText(given);
  }

  /** The loaded modules that Kamailio finds by the regular expression before the name of a parameter. */
  private matching(module: string, at: Position): string {
    const names = this.bounded(at, () => this.modules.matching(module));
    return names.length === 0 ? module : names.join('|');
  }

  /** What `work` with the modules gives; what is wrong with it becomes a problem at `at`. */
  private bounded<Result>(at: Position, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof TooManyModules) throw new SyntaxFault(at, error.message, 'syntax', 'too-large');
      throw new SyntaxFault(at, `the name of a module is not valid: ${messageOf(error)}`);
    }
  }

  /** Checks that a modparam line follows the line that loads its module. */
  private checkLoaded(module: string, at: Position): void {
    if (module.split('|').some((name) => this.modules.get(name) !== undefined)) return;
    if (this.dialect.name !== 'kamailio' && /[*.?+[(]/.test(module)) return;
    const meant = this.problems.similar(module, () => this.modules.list.map(({ name }) => name));
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    this.problems.error('setting', at, `module ${module} is not loaded before this line${hint}`);
  }

  private text(what: string): string {
    if (this.tokens.peek().kind !== 'string') throw this.tokens.unexpected(`${what} in quotes`);
    return this.tokens.string().value;
  }

  /** "flags NAT:5, ACC;": a flag without a number gets the first free one. */
  private flagNames(): void {
    const { tokens } = this;
    tokens.take();
    const kamailio = this.dialect.name === 'kamailio';
    for (;;) {
      const name = tokens.take();
      if (kamailio && ((name.kind !== 'word' && name.kind !== 'string') || ROUTE_WORDS.has(name.text)))
        throw new SyntaxFault(name.at, 'the name of a flag is expected');
      while (this.flagNumbers.has(this.freeFlag)) this.freeFlag++;
      let number = this.freeFlag;
      let { at } = tokens.peek();
      if (tokens.accept(':')) {
        const given = tokens.take();
        ({ value: number, at } = given);
        if (kamailio && given.kind !== 'int') throw new SyntaxFault(at, `the number of flag ${name.text} is expected`);
      }
      if (kamailio && this.flags.has(name.text))
        this.problems.error('setting', at, `flag ${name.text} is declared twice`);
      else if (kamailio && (number < 0 || number > MAX_FLAG))
        this.problems.error('setting', at, `flag ${name.text}: a number from 0 to ${MAX_FLAG} is expected`);
      else {
        this.flags.set(name.text, number);
        this.flagNumbers.add(number);
      }
      if (tokens.accept(',') === undefined) break;
    }
    tokens.accept(';');
  }
}

function integerOf({ value, text, at }: Token, sign: 1 | -1): IntLiteral {
  return { kind: 'int', value: (sign * value) | 0, text, at };
}

function valueText(value: SettingValue): string {
  return value.kind === 'string' ? value.value : value.text;
}
