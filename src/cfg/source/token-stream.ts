import type { Position, StringLiteral } from '../ast.js';
import type { Lexer } from './lexer.js';
import { SyntaxFault } from './preprocessor.js';
import type { Token } from './token.js';

/** Tokens with look-ahead. Methods that expect a certain token throw SyntaxFault when another follows. */
export class TokenStream {
  private readonly ahead: Token[] = [];
  /** The last token that was taken. */
  previous: Token | undefined;
  /**
   * Set while the value of a parameter is read: a word or number in an error may be a password whose quotes are
   * missing.
   */
  hidesWords = false;

  constructor(private readonly lexer: Lexer) {}

  /** The token that comes next, or the one `distance` after it. */
  peek(distance = 0): Token {
    while (this.ahead.length <= distance) this.ahead.push(this.lexer.next());
    return this.ahead[distance] as Token;
  }

  /** Takes the next token; the end token can be taken repeatedly. */
  take(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.ahead.shift();
    this.previous = token;
    return token;
  }

  /** Whether the next token is this operator, bracket or word. */
  is(text: string): boolean {
    const token = this.peek();
    return token.text === text && (token.kind === 'punctuation' || token.kind === 'word');
  }

  /** Whether the next token, or the one `distance` after it, is this punctuation. */
  isPunctuation(text: string, distance = 0): boolean {
    const token = this.peek(distance);
    return token.kind === 'punctuation' && token.text === text;
  }

  /** Takes the next token if it is this one. */
  accept(text: string): Token | undefined {
    return this.is(text) ? this.take() : undefined;
  }

  /** Takes the next token, which has to be `text`; `after` describes the position in the error message. */
  expect(text: string, after: string): Token {
    if (this.is(text)) return this.take();
    throw this.unexpected(`"${text}" ${after}`);
  }

  /** The error that another token than the wanted one follows. */
  unexpected(wanted: string): SyntaxFault {
    const token = this.peek();
    const { previous } = this;
    if (previous?.kind === 'string' && previous.text.includes('\n') && token.at.line > previous.at.line) {
      return new SyntaxFault(
        previous.at,
        'this string extends over several lines; its closing quote seems to be missing',
      );
    }
    const found = token.kind === 'end' ? token.text || 'the end of the file' : this.shown(token);
    return new SyntaxFault(token.at, `expected ${wanted}, not ${found}`);
  }

  private shown(token: Token): string {
    if (!this.hidesWords || token.kind === 'punctuation' || token.kind === 'string') return shown(token);
    return token.kind === 'word' ? 'a word' : 'a number';
  }

  /** Takes one or more adjacent string literals. */
  string(): StringLiteral {
    const first = this.take();
    let value = first.text;
    const quote = first.quote ?? '"';
    while (this.peek().kind === 'string') {
      if (this.peek().quote !== quote) throw this.unexpected('an operator or ";"');
      value += this.take().text;
    }
    return { kind: 'string', value, quote, at: first.at };
  }

  /** Joins the texts of the next tokens, up to the first blank or comment: "tm:local-request", "127.0.8.0/24". */
  adjacentText(stop: string): { readonly text: string; readonly at: Position; readonly tokens: number } {
    const first = this.take();
    let text = first.text;
    let tokens = 1;
    for (let next = this.peek(); next.adjacent && next.kind !== 'end' && next.kind !== 'string'; next = this.peek()) {
      if (next.kind === 'punctuation' && stop.includes(next.text[0] as string)) break;
      text += this.take().text;
      tokens++;
    }
    return { text, at: first.at, tokens };
  }
}

/** A token as shown in messages. A string is not, since the values of parameters may be passwords. */
export function shown(token: Token): string {
  if (token.kind === 'string') return 'a string';
  const clean = token.text.replace(/[^\x20-\x7e]/g, '.');
  return clean.length > 40 ? `${clean.slice(0, 37)}...` : clean;
}
