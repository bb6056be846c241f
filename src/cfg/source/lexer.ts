import { CHARACTERS, isDigit, isLetter } from '../../core/character-codes.js';
import type { Position } from '../ast.js';
import type { Input } from './input.js';
import { type Preprocessor, SyntaxFault } from './preprocessor.js';
import { integerLiteral, type Token, type TokenKind, unescapeString } from './token.js';

/** Maximum characters in the brackets of a variable; beyond that the closing bracket is taken as missing. */
const MAX_IN_BRACKETS = 8192;
/** Maximum length of a select. */
const MAX_SELECT = 256;
/** Bytes above this one are part of words: files are read byte by byte, also those in UTF-8. */
const LAST_ASCII = 127;

/** Operators, longest first. */
const OPERATORS = [
  '<<=',
  '>>=',
  '==',
  '=~',
  '!=',
  '!~',
  '<=',
  '>=',
  '&&',
  '||',
  '<<',
  '>>',
  ':=',
  '+=',
  '-=',
  '*=',
  '/=',
]
  .concat(['%=', '&=', '|=', '^=', '=>', '::'])
  .sort((a, b) => b.length - a.length);

/** Options of the lexer that depend on the dialect. */
export interface LexerOptions {
  /** Whether "//" begins a comment. */
  readonly slashComments: boolean;
  /** Whether "\n" and the like are escapes in single quotes too. */
  readonly escapesInSingleQuotes: boolean;
  /** Whether a comment may end with the file. */
  readonly commentsToEnd?: boolean;
  /** Whether characters that mean nothing are skipped: those that are not ASCII, control characters, and ? \ `. */
  readonly skipsStrange?: boolean;
}

/** Splits a configuration file, its includes and its defines into tokens. Throws SyntaxFault. */
export class Lexer {
  private adjacent = false;

  constructor(
    private readonly preprocessor: Preprocessor,
    private readonly options: LexerOptions,
  ) {}

  /** The next token; "end" after the end of the file, also repeatedly. Throws SyntaxFault. */
  next(): Token {
    const { preprocessor } = this;
    for (;;) {
      const token = this.read();
      const directive = preprocessor.awaiting;
      if (directive === undefined) return token;
      preprocessor.awaiting = undefined;
      if (token.kind !== 'string') throw new SyntaxFault(token.at, `#!${directive}: "/what/by/" in quotes is expected`);
      const fault = preprocessor.addSubstitution(directive, token.text, token.at);
      // The position Kamailio reports: it has read the next token by then.
      if (fault !== undefined) throw new SyntaxFault(this.read().at, `${fault}, in line ${token.at.line}`);
    }
  }

  private read(): Token {
    const { preprocessor } = this;
    for (;;) {
      const input = this.skipBlanks();
      if (input === undefined) return this.end();
      const start = input.at;
      const at = input.position(start);
      preprocessor.countToken(at);
      const c = input.text.charCodeAt(start);
      if (isWordCharacter(c)) {
        const text = this.word(input);
        if (input.define !== text && preprocessor.expand(text, at)) continue;
        const value = isDigit(c) ? integerLiteral(text) : undefined;
        return value === undefined ? this.token('word', text, at) : this.token('int', text, at, value);
      }
      if (c === CHARACTERS.doubleQuote || c === CHARACTERS.singleQuote) return this.string(input, at);
      if (c === CHARACTERS.dollar)
        return this.token('variable', preprocessor.substitute(this.variable(input, at), at), at);
      if (c === CHARACTERS.atSign) return this.token('variable', this.select(input), at);
      const operator = OPERATORS.find((each) => input.text.startsWith(each, start)) ?? (input.text[start] as string);
      input.at = start + operator.length;
      return this.token('punctuation', operator, at);
    }
  }

  private end(): Token {
    const { openComment } = this.preprocessor;
    const text =
      openComment === undefined ? '' : `the end of the file in a comment that begins in line ${openComment.line}`;
    return this.token('end', text, this.preprocessor.endPosition());
  }

  private token(kind: TokenKind, text: string, at: Position, value = 0, quote?: '"' | "'"): Token {
    const { adjacent } = this;
    this.adjacent = true;
    return { kind, text, value, quote, at, adjacent, defined: this.preprocessor.current?.define !== undefined };
  }

  /** Skips blanks, comments and directives; returns the input to read from, undefined at the end. */
  private skipBlanks(): Input | undefined {
    const { preprocessor } = this;
    for (;;) {
      const input = preprocessor.current;
      if (input === undefined) return undefined;
      if (input.ended) {
        preprocessor.leave();
        // The value of a define is adjacent to what its name is adjacent to: "udp:IP:5060".
        if (input.define === undefined) this.adjacent = false;
        continue;
      }
      const { text } = input;
      if (preprocessor.openComment !== undefined) {
        const end = text.indexOf('*/', input.at);
        input.at = end < 0 ? text.length : end + 2;
        if (end >= 0) preprocessor.openComment = undefined;
        continue;
      }
      const c = text.charCodeAt(input.at);
      if (
        c === CHARACTERS.space ||
        c === CHARACTERS.tab ||
        c === CHARACTERS.lineFeed ||
        c === CHARACTERS.carriageReturn
      ) {
        input.at++;
        this.adjacent = false;
      } else if (c === CHARACTERS.hash) {
        this.adjacent = false;
        if (!preprocessor.directive(input)) this.skipLine(input);
      } else if (text.startsWith('!!', input.at) && preprocessor.directive(input)) {
        this.adjacent = false;
      } else if (c === CHARACTERS.slash && text[input.at + 1] === '*') {
        this.adjacent = false;
        const end = text.indexOf('*/', input.at + 2);
        if (end < 0) {
          const begin = input.position(input.at);
          if (!this.options.commentsToEnd) throw new SyntaxFault(begin, 'this comment is not closed', 'comment');
          // As in Kamailio, the comment goes on in the file that includes this one, and need not be closed.
          preprocessor.openComment = begin;
          input.at = text.length;
          continue;
        }
        input.at = end + 2;
      } else if (this.options.skipsStrange === true && isStrange(c)) {
        input.at++;
      } else if (c === CHARACTERS.slash && this.options.slashComments && text[input.at + 1] === '/') {
        this.adjacent = false;
        this.skipLine(input);
      } else {
        return input;
      }
    }
  }

  /** A comment in the value of a define extends to the end of the line that uses the define. */
  private skipLine(input: Input): void {
    const end = input.text.indexOf('\n', input.at);
    input.at = end < 0 ? input.text.length : end;
    if (input.define === undefined || end >= 0) return;
    this.preprocessor.leave();
    const outer = this.preprocessor.current;
    if (outer !== undefined) this.skipLine(outer);
  }

  private word(input: Input): string {
    const { text } = input;
    const start = input.at;
    let i = start + 1;
    const digit = text.charCodeAt(start) >= 48 && text.charCodeAt(start) <= 57;
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      // "127.0.0.1" is one token; "group.name" is three, which the parser joins where they are one name.
      if (
        (!isWordCharacter(c) || (c > LAST_ASCII && this.options.skipsStrange === true)) &&
        !(digit && c === 46 && isDigit(text.charCodeAt(i + 1)))
      )
        break;
    }
    input.at = i;
    return text.slice(start, i);
  }

  private string(input: Input, at: Position): Token {
    const { text } = input;
    const quote = text[input.at] as '"' | "'";
    let i = input.at + 1;
    for (; i < text.length && text[i] !== quote; i++) if (text[i] === '\\' && quote === '"') i++;
    if (i >= text.length) throw new SyntaxFault(at, 'this string is not closed', 'string');
    const raw = text.slice(input.at + 1, i);
    input.at = i + 1;
    const escaped = quote === '"' || this.options.escapesInSingleQuotes;
    const value = this.preprocessor.substitute(escaped ? unescapeString(raw) : raw, at);
    return this.token('string', value, at, 0, quote);
  }

  /** Reads "$name", "$name(argument)" or "$(name(argument)[index]{transformation})"; brackets inside balance. */
  private variable(input: Input, at: Position): string {
    const { text } = input;
    const start = input.at;
    let i = start + 1;
    if (text[i] === '?' || text[i] === '$') {
      input.at = i + 1;
      return text.slice(start, i + 1);
    }
    while (isNameCharacter(text.charCodeAt(i))) i++;
    if (text[i] === '(') i = this.balanced(text, i, at);
    input.at = i;
    if (i === start + 1) throw new SyntaxFault(at, 'the name of a variable is missing after "$"', 'syntax');
    return text.slice(start, i);
  }

  /** Offset after the bracket that closes the one at `open`. */
  private balanced(text: string, open: number, at: Position): number {
    let depth = 0;
    for (let i = open; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === CHARACTERS.leftParenthesis) depth++;
      else if (c === CHARACTERS.rightParenthesis && --depth === 0) return i + 1;
      else if (c === CHARACTERS.lineFeed || i - open > MAX_IN_BRACKETS) break;
    }
    throw new SyntaxFault(at, '")" missing for this variable', 'syntax');
  }

  /** Reads Kamailio's "@msg.header.name[1]". */
  private select(input: Input): string {
    const match = /^@[A-Za-z0-9_.[\]"'-]*/.exec(input.text.slice(input.at, input.at + MAX_SELECT)) as RegExpExecArray;
    input.at += Math.max(1, match[0].length);
    return match[0];
  }
}

/** Characters that Kamailio's lexer knows nothing about; it skips them outside strings. */
function isStrange(code: number): boolean {
  return code < CHARACTERS.space || code >= 127 || STRANGE.has(code);
}

const STRANGE: ReadonlySet<number> = new Set([...'?\\`'].map((each) => each.charCodeAt(0)));

function isWordCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === CHARACTERS.underscore || code > LAST_ASCII;
}

/** Whether a character may be part of a variable's name; dots may: "$route.name", "$msg.branch.uri". */
function isNameCharacter(code: number): boolean {
  return isWordCharacter(code) || code === CHARACTERS.dot;
}
