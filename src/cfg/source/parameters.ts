import type { GlobalParameter, Position, SettingValue } from '../ast.js';
import type { Dialect } from '../dialect.js';
import { SyntaxFault } from './preprocessor.js';
import { isReserved } from './reserved.js';
import type { TokenStream } from './token-stream.js';

/** Words that continue the value of a listen parameter on the next line. */
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
  'use_auto_scaling_profile',
  'accept_subdomain',
  'allow_proxy_protocol',
  'send_proxy_protocol',
  'frag',
  'scale',
]);

/** Parameters of Kamailio that take several values, or options after their value; others take one value. */
const LISTS: ReadonlySet<string> = new Set(['listen', 'alias', 'domain', 'socket', 'bind']);

const ALIASES: ReadonlySet<string> = new Set(['alias', 'domain']);

/** Parameters that may stand without "=". */
const PATHS: ReadonlySet<string> = new Set(['loadpath', 'mpath']);

/** Words that begin no parameter. */
const NO_NAMES: ReadonlySet<string> = new Set(
  'yes no on off true false enable disable if else while switch case default break return exit drop and or not'.split(
    ' ',
  ),
);

/** Parses the global parameters of a file. */
export class ParameterParser {
  private readonly oneValue: boolean;

  constructor(
    private readonly tokens: TokenStream,
    dialect: Dialect,
  ) {
    this.oneValue = dialect.name === 'kamailio';
  }

  /** Parses "name = value ...": the rest of the line, and the continuation of a listen parameter on the next. */
  parameter(): GlobalParameter {
    const { tokens } = this;
    const name = this.oneValue ? this.kamailioName() : tokens.adjacentText('=;{}');
    const hasValue = tokens.accept('=') !== undefined;
    if (!hasValue && tokens.peek().at.line !== name.at.line) {
      // The position Kamailio reports: it has read the next token by then.
      const { at } = this.oneValue ? tokens.peek() : name;
      throw new SyntaxFault(at, `"=" is expected after ${name.text}`);
    }
    if (this.oneValue && !hasValue && !(PATHS.has(name.text) && tokens.peek().kind === 'string'))
      throw tokens.unexpected('"="');
    if (!hasValue && tokens.peek().kind !== 'string' && tokens.peek().kind !== 'word') throw tokens.unexpected('"="');
    if (hasValue && tokens.isPunctuation('{')) {
      return { name: name.text, ...this.block(), at: name.at };
    }
    if (this.oneValue && ALIASES.has(name.text) && tokens.accept('(')) {
      const [value, ...rest] = this.inBrackets();
      const port = this.portAfterBrackets();
      const withPort = (each: SettingValue): SettingValue =>
        port === '' || each.kind === 'string' ? each : { kind: 'word', text: `${each.text}${port}`, at: each.at };
      return {
        name: name.text,
        value: value === undefined ? undefined : withPort(value),
        rest: rest.map(withPort),
        at: name.at,
      };
    }
    const aliases = this.oneValue && ALIASES.has(name.text);
    const value = aliases ? this.aliasValue() : this.settingValue();
    const rest: SettingValue[] = [];
    if (this.oneValue && !LISTS.has(name.text)) {
      if (name.text.includes('.') && tokens.is('desc')) {
        rest.push(this.settingValue());
        if (tokens.peek().kind !== 'string') throw tokens.unexpected('a text in quotes after desc');
        rest.push(tokens.string());
      }
      return { name: name.text, value, rest, at: name.at };
    }
    for (;;) {
      const token = tokens.peek();
      if (token.kind === 'end' || tokens.isPunctuation(';')) break;
      if (aliases && tokens.isPunctuation(',')) throw tokens.unexpected('a blank between names');
      if (tokens.isPunctuation('{', 0)) {
        rest.push(this.braces());
        break;
      }
      const sameLine = token.at.line === tokens.previous?.at.line && token.at.file === name.at.file;
      const continues = sameLine || (token.kind === 'word' && CONTINUATIONS.has(token.text));
      if (!continues || (token.kind === 'word' && (tokens.isPunctuation('=', 1) || tokens.isPunctuation('{', 1))))
        break;
      rest.push(aliases ? this.aliasValue() : this.settingValue());
    }
    return { name: name.text, value, rest, at: name.at };
  }

  /** A name of an alias; one in quotes may have a port after them. */
  private aliasValue(): SettingValue {
    const value = this.settingValue();
    const port = value.kind === 'string' ? this.portAfterBrackets() : '';
    return value.kind === 'string' && port !== ''
      ? { kind: 'word', text: `${value.value}${port}`, at: value.at }
      : value;
  }

  /** Reads the name of a parameter, or of a variable "group.name". */
  private kamailioName(): { readonly text: string; readonly at: Position } {
    const { tokens } = this;
    if (NO_NAMES.has(tokens.peek().text)) throw tokens.unexpected('a parameter or a route');
    const { text, at } = tokens.take();
    if (tokens.accept('.') === undefined) return { text, at };
    const field = tokens.peek();
    if (field.kind !== 'word' || isReserved(field)) throw tokens.unexpected(`the name of a variable of ${text}`);
    return { text: `${text}.${tokens.take().text}`, at };
  }

  /**
   * Parses "{ bind = "udp:..."; name = "edge"; }": the value is the brace; the rest has names and values alternately.
   */
  private block(): Pick<GlobalParameter, 'value' | 'rest'> {
    const { tokens } = this;
    const { at } = tokens.take();
    const rest: SettingValue[] = [];
    while (tokens.accept('}') === undefined) {
      if (tokens.accept(';')) continue;
      const key = tokens.adjacentText('=;{}');
      if (key.text === '') throw tokens.unexpected('a name or "}"');
      tokens.expect('=', `after ${key.text}`);
      rest.push({ kind: 'word', text: key.text, at: key.at }, this.blockValue());
    }
    return { value: { kind: 'word', text: '{', at }, rest };
  }

  /** Reads "foo, bar)": several names in brackets. */
  private inBrackets(): readonly SettingValue[] {
    const { tokens } = this;
    const values: SettingValue[] = [];
    do values.push(this.settingValue());
    while (tokens.accept(',') !== undefined);
    tokens.expect(')', 'after the names');
    return values;
  }

  /** Reads the ":5060" of "(foo, bar):5060". */
  private portAfterBrackets(): string {
    const { tokens } = this;
    if (tokens.accept(':') === undefined) return '';
    return `:${tokens.adjacentText(',;)').text}`;
  }

  private blockValue(): SettingValue {
    const { tokens } = this;
    if (tokens.peek().kind === 'string') return tokens.string();
    const { text, at } = tokens.adjacentText(',;{}');
    return { kind: 'word', text, at };
  }

  /** Reads the rules of a blacklist, "{( any, 10.0.0.0/8, 0, "" )}", as one word without blanks. */
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

  private settingValue(): SettingValue {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.kind === 'string') return tokens.string();
    if (token.kind === 'end') throw tokens.unexpected('a value');
    const { text, at, tokens: count } = tokens.adjacentText(',;)');
    if (count === 1 && token.kind === 'int') return { kind: 'int', value: token.value, text, at };
    if (/^-[0-9]+$/.test(text)) return { kind: 'int', value: Number(text) | 0, text, at };
    return { kind: 'word', text, at };
  }
}
