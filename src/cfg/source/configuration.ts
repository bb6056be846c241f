import { nearest } from '../../core/nearest.js';
import type {
  ConfigurationTree,
  GlobalParameter,
  IntLiteral,
  LoadModule,
  ModuleParameter,
  Position,
  RouteBlock,
  RouteKind,
  SettingValue,
} from '../ast.js';
import type { Dialect } from '../dialect.js';
import { type CfgProblem, Problems } from '../problem.js';
import { Lexer } from './lexer.js';
import { Preprocessor, SyntaxFault } from './preprocessor.js';
import type { SourceFile, SourceReader } from './sources.js';
import { StatementParser } from './statements.js';
import type { Token } from './token.js';
import { shown, TokenStream } from './token-stream.js';

export interface ParseOptions {
  readonly dialect: Dialect;
  readonly reader: SourceReader;
  /** Definitions of the command line (-A name=value). */
  readonly defines?: ReadonlyMap<string, string>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ParsedConfiguration {
  readonly tree: ConfigurationTree;
  readonly problems: readonly CfgProblem[];
}

/** Words that may precede a route block, and what they mean. */
const ROUTE_WORDS: ReadonlyMap<string, RouteKind> = new Map([
  ['route', 'request'],
  ['request_route', 'request'],
  ['failure_route', 'failure'],
  ['branch_route', 'branch'],
  ['onreply_route', 'onreply'],
  ['reply_route', 'onreply'],
  ['onsend_route', 'onsend'],
  ['event_route', 'event'],
  ['local_route', 'local'],
  ['startup_route', 'startup'],
  ['timer_route', 'timer'],
  ['error_route', 'error'],
]);

/** Words that continue the value of a listener on the next line. */
const CONTINUATIONS = new Set([
  'advertise',
  'as',
  'name',
  'use_workers',
  'tag',
  'desc',
  'virtual',
  'anycast',
  'reuse_port',
  'scale',
]);

/**
 * Parses a configuration file with all that it includes. Never throws: what is wrong is in `problems`, with its position,
 * and the tree holds what could be read.
 */
export function parseConfiguration(source: SourceFile, options: ParseOptions): ParsedConfiguration {
  const parser = new ConfigurationParser(source, options);
  return parser.run();
}

class ConfigurationParser {
  private readonly problems = new Problems();
  private readonly preprocessor: Preprocessor | undefined;
  private readonly tokens!: TokenStream;
  private readonly statements!: StatementParser;
  private readonly dialect: Dialect;
  private readonly parameters: GlobalParameter[] = [];
  private readonly modules: LoadModule[] = [];
  private readonly moduleParameters: ModuleParameter[] = [];
  private readonly routes: RouteBlock[] = [];
  /** Index of each in the list, by kind and name. */
  private readonly routeIndex = new Map<string, number>();
  private readonly flags = new Map<string, number>();

  constructor(source: SourceFile, options: ParseOptions) {
    const { dialect } = options;
    this.dialect = dialect;
    try {
      this.preprocessor = new Preprocessor(source, {
        directives: dialect.syntax.directives,
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
    });
    this.tokens = new TokenStream(lexer);
    this.statements = new StatementParser(this.tokens, dialect, this.problems, () => this.include());
  }

  run(): ParsedConfiguration {
    if (this.preprocessor !== undefined) {
      try {
        this.top();
        if (this.isEmpty) {
          this.problems.error(
            'syntax',
            { file: this.preprocessor.file, line: 1, column: 1 },
            'nothing stands in this file',
          );
        }
      } catch (error) {
        this.report(error);
      }
    }
    const { parameters, modules, moduleParameters, routes, flags } = this;
    const defines = this.preprocessor?.defines ?? new Map<string, string>();
    return {
      tree: { parameters, modules, moduleParameters, routes, flags, defines },
      problems: this.problems.list,
    };
  }

  private get isEmpty(): boolean {
    const { parameters, modules, moduleParameters, routes, problems } = this;
    return parameters.length + modules.length + moduleParameters.length + routes.length + problems.list.length === 0;
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

  /** Goes on at the next word that begins a line and is followed by what a definition has. */
  private recover(from: Position): void {
    const { tokens } = this;
    if (tokens.peek().at === from && tokens.peek().kind !== 'end') tokens.take();
    for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
      const starts = token.kind === 'word' && token.at.line !== tokens.previous?.at.line;
      if (starts && (ROUTE_WORDS.has(token.text) || token.text === 'loadmodule' || token.text === 'modparam')) return;
      tokens.take();
    }
  }

  private definition(): void {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.kind !== 'word') throw tokens.unexpected('a parameter or a route');
    if (this.include()) return;
    const next = tokens.peek(1);
    if (token.text === 'loadmodule' || token.text === 'loadmodulex') this.loadModule();
    else if (token.text === 'modparam' || token.text === 'modparamx') this.moduleParameter();
    else if (next.kind === 'punctuation' && (next.text === '[' || next.text === '{')) {
      const kind = ROUTE_WORDS.get(token.text);
      if (kind === undefined || !this.dialect.syntax.routeWords.has(token.text)) {
        throw tokens.unexpected('the word of a route (route, failure_route ...)');
      }
      this.route(kind);
    } else if ((token.text === 'flags' || token.text === 'avpflags') && next.kind === 'word') this.flagNames();
    else this.parameter();
  }

  /** include_file and import_file as words. */
  private include(): boolean {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.text !== 'include_file' && token.text !== 'import_file') return false;
    tokens.take();
    if (tokens.peek().kind !== 'string') throw tokens.unexpected('the name of a file in quotes');
    // Tokens behind the name are not read ahead before the file is open.
    const path = tokens.take();
    this.preprocessor?.include(path.text, token.text === 'include_file', path.at);
    return true;
  }

  private loadModule(): void {
    const { tokens } = this;
    const { at } = tokens.take();
    const bracket = tokens.accept('(');
    if (tokens.peek().kind !== 'string') throw tokens.unexpected('the name of a module in quotes');
    // What follows is not read before the module counts as loaded: it may be "#!ifdef MOD_tm".
    const path = tokens.take().text;
    const name = (path.split('/').at(-1) as string).replace(/\.so$/, '');
    if (this.dialect.syntax.directives) this.preprocessor?.defines.set(`MOD_${name}`, '');
    if (bracket !== undefined) {
      if (tokens.accept(',')) tokens.string();
      tokens.expect(')', 'after the name of a module');
    }
    const before = this.modules.find((each) => each.name === name);
    if (before !== undefined) {
      const message = `module ${name} is loaded twice, first in line ${before.at.line}`;
      if (!this.dialect.syntax.modulesTwice) throw new SyntaxFault(at, message);
      this.problems.warning('setting', at, message);
      return;
    }
    this.modules.push({ path, name, at });
  }

  private moduleParameter(): void {
    const { tokens } = this;
    const { at } = tokens.take();
    tokens.expect('(', 'after modparam');
    const module = this.text('the name of a module');
    tokens.expect(',', 'after the name of a module');
    const name = this.text('the name of a parameter');
    tokens.expect(',', 'after the name of a parameter');
    const token = tokens.peek();
    const negative = tokens.isPunctuation('-') && tokens.peek(1).kind === 'int';
    if (token.kind !== 'string' && token.kind !== 'int' && !negative) throw tokens.unexpected('a number or a string');
    if (negative) tokens.take();
    const value: SettingValue =
      tokens.peek().kind === 'string' ? tokens.string() : integerOf(tokens.take(), negative ? -1 : 1);
    tokens.expect(')', 'after the value of a parameter');
    this.checkLoaded(module, at);
    this.moduleParameters.push({ module, name, value: value.kind === 'int' ? value.value : valueText(value), at });
  }

  /** A parameter must follow the line that loads its module. */
  private checkLoaded(module: string, at: Position): void {
    const names = module.split('|');
    if (names.some((name) => this.modules.some((each) => each.name === name))) return;
    if (/[*.?+[(]/.test(module)) return;
    const meant = nearest(
      module,
      this.modules.map(({ name }) => name),
    );
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    this.problems.error('setting', at, `module ${module} is not loaded before this line${hint}`);
  }

  private text(what: string): string {
    if (this.tokens.peek().kind !== 'string') throw this.tokens.unexpected(`${what} in quotes`);
    return this.tokens.string().value;
  }

  private settingValue(): SettingValue {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.kind === 'string') return tokens.string();
    if (token.kind === 'end') throw tokens.unexpected('a value');
    const { text, at, tokens: count } = tokens.gluedText(',;)');
    if (count === 1 && token.kind === 'int') return { kind: 'int', value: token.value, text, at };
    if (/^-[0-9]+$/.test(text)) return { kind: 'int', value: Number(text) | 0, text, at };
    return { kind: 'word', text, at };
  }

  /** "name = value ...": the rest of the line, and what continues a listener on the next. */
  private parameter(): void {
    const { tokens } = this;
    const name = tokens.gluedText('=;{}');
    const hasValue = tokens.accept('=') !== undefined;
    if (!hasValue && tokens.peek().at.line !== name.at.line) {
      throw new SyntaxFault(name.at, `"=" is expected after ${name.text}`);
    }
    if (!hasValue && tokens.peek().kind !== 'string' && tokens.peek().kind !== 'word') throw tokens.unexpected('"="');
    if (hasValue && tokens.isPunctuation('{')) {
      this.parameters.push({ name: name.text, ...this.block(), at: name.at });
      return;
    }
    const value = this.settingValue();
    const rest: SettingValue[] = [];
    for (;;) {
      const token = tokens.peek();
      if (token.kind === 'end' || tokens.isPunctuation(';')) break;
      if (tokens.isPunctuation('{', 0)) {
        rest.push(this.braces());
        break;
      }
      const sameLine = token.at.line === tokens.previous?.at.line && token.at.file === name.at.file;
      const continues = sameLine || (token.kind === 'word' && CONTINUATIONS.has(token.text));
      if (!continues || (token.kind === 'word' && (tokens.isPunctuation('=', 1) || tokens.isPunctuation('{', 1))))
        break;
      rest.push(this.settingValue());
    }
    this.parameters.push({ name: name.text, value, rest, at: name.at });
  }

  /** "{ bind = "udp:..."; name = "edge"; }": the value is the brace, the rest holds names and values alternately. */
  private block(): Pick<GlobalParameter, 'value' | 'rest'> {
    const { tokens } = this;
    const { at } = tokens.take();
    const rest: SettingValue[] = [];
    while (tokens.accept('}') === undefined) {
      if (tokens.accept(';')) continue;
      const key = tokens.gluedText('=;{}');
      if (key.text === '') throw tokens.unexpected('a name or "}"');
      tokens.expect('=', `after ${key.text}`);
      rest.push({ kind: 'word', text: key.text, at: key.at }, this.blockValue());
    }
    return { value: { kind: 'word', text: '{', at }, rest };
  }

  private blockValue(): SettingValue {
    const { tokens } = this;
    if (tokens.peek().kind === 'string') return tokens.string();
    const { text, at } = tokens.gluedText(',;{}');
    return { kind: 'word', text, at };
  }

  /** The rules of a blacklist, "{( any, 10.0.0.0/8, 0, "" )}", as one word without blanks. */
  private braces(): SettingValue {
    const { tokens } = this;
    const { at } = tokens.peek();
    let depth = 0;
    let text = '';
    for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
      if (tokens.isPunctuation('{')) depth++;
      const closes = tokens.isPunctuation('}') && --depth === 0;
      text += token.kind === 'string' ? JSON.stringify(token.text) : token.text;
      tokens.take();
      if (closes) return { kind: 'word', text, at };
    }
    throw tokens.unexpected('"}"');
  }

  /** "flags NAT:5, ACC;" */
  private flagNames(): void {
    const { tokens } = this;
    tokens.take();
    for (;;) {
      const name = tokens.take();
      let number = this.flags.size;
      if (tokens.accept(':')) number = tokens.take().value;
      this.flags.set(name.text, number);
      if (tokens.accept(',') === undefined) break;
    }
    tokens.accept(';');
  }

  private route(kind: RouteKind): void {
    const { tokens, dialect } = this;
    const word = tokens.take();
    let name: string | undefined;
    let interval: number | undefined;
    if (tokens.accept('[')) {
      const token = tokens.peek();
      if (token.kind === 'string') name = tokens.string().value;
      else if (token.kind === 'word' || token.kind === 'int') {
        const glued = tokens.gluedText('],');
        name = glued.text;
        if (glued.tokens > 1 && dialect.syntax.quotedRouteNames && kind !== 'event') {
          throw new SyntaxFault(glued.at, `route name ${name} needs quotes`);
        }
      } else throw tokens.unexpected('the name of a route');
      if (tokens.accept(',')) {
        const value = tokens.take();
        interval = value.kind === 'int' ? value.value : undefined;
        if (kind === 'timer' && interval === undefined)
          throw new SyntaxFault(value.at, 'a timer route needs its seconds');
      }
      tokens.expect(']', 'after the name of a route');
    }
    this.checkName(word, kind, name, interval);
    if (word.text === 'reply_route' && name !== undefined) {
      throw new SyntaxFault(word.at, 'reply_route takes no name; a named one is an onreply_route');
    }
    if (name === 'main' && kind === 'request') name = undefined;
    const body = this.statements.routeBody(`after ${shown(word)}`);
    this.add({ kind, name, interval, body, at: word.at });
  }

  /** Which routes have a name, and which have none. */
  private checkName(word: Token, kind: RouteKind, name: string | undefined, interval: number | undefined): void {
    if (!this.dialect.syntax.strictRouteNames) return;
    if (name === undefined && (kind === 'failure' || kind === 'branch' || kind === 'event' || kind === 'timer')) {
      throw new SyntaxFault(this.tokens.peek().at, `${word.text} needs a name`);
    }
    if (name !== undefined && (kind === 'local' || kind === 'startup' || kind === 'error')) {
      throw new SyntaxFault(word.at, `${word.text} takes no name`);
    }
    if (kind === 'timer' && interval === undefined) throw new SyntaxFault(word.at, 'timer_route needs its seconds');
  }

  private add(block: RouteBlock): void {
    const branchFailure = /^tm:branch-failure(?::(.*))?$/.exec(block.kind === 'event' ? (block.name ?? '') : '');
    const route: RouteBlock =
      branchFailure === null ? block : { ...block, kind: 'branch-failure', name: branchFailure[1] };
    const key = `${route.kind} ${route.name ?? '\n'}`;
    const same = this.routeIndex.get(key) ?? -1;
    const before = this.routes[same];
    if (before === undefined) {
      if (this.routes.length >= 20_000)
        throw new SyntaxFault(route.at, 'more than 20000 routes', 'syntax', 'too-large');
      this.routeIndex.set(key, this.routes.push(route) - 1);
    } else if (route.name === undefined && route.kind === 'request' && this.dialect.syntax.joinsMainRoutes) {
      this.routes[same] = { ...before, body: [...before.body, ...route.body] };
    } else {
      const which = route.name === undefined ? `${route.kind} route` : `${route.kind} route "${route.name}"`;
      this.problems.error(
        'duplicate-route',
        route.at,
        `${which} is defined twice, first in ${before.at.file} line ${before.at.line}`,
      );
    }
  }
}

function integerOf({ value, text, at }: Token, sign: 1 | -1): IntLiteral {
  return { kind: 'int', value: (sign * value) | 0, text, at };
}

function valueText(value: SettingValue): string {
  return value.kind === 'string' ? value.value : value.text;
}
