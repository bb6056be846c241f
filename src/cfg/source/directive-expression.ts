/** A value of "#!ifexp" and "#!defexp": a number or a text. */
export type DirectiveValue = number | string;

/** Ends the evaluation; the message says why. */
export class ExpressionFault extends Error {}

/** Binary operators by rank, the weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
/** Maximum nesting of brackets and operators. */
const MAX_DEPTH = 100;
/** Maximum length of a text concatenated by "+". */
const MAX_TEXT = 64 * 1024;

const TOKEN =
  /\s*(?:(0x[0-9a-f]+|[0-9]+(?:\.[0-9]+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([A-Za-z_][A-Za-z0-9_]*)|(\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>&|^!~()]))/iy;

type Token =
  | { readonly kind: 'value'; readonly value: DirectiveValue }
  | { readonly kind: 'word' | 'operator'; readonly text: string };

/**
 * Evaluates the expression of a "#!ifexp" or "#!defexp" line (Kamailio 5.7 and later) as the core cookbook documents
 * it: a defined name has its value, or 1 without a value; an undefined one is 0; the right operand is converted to the
 * type of the left one. Throws ExpressionFault.
 */
export function evaluateDirective(text: string, defines: ReadonlyMap<string, string>): DirectiveValue {
  return new Evaluation(tokensOf(text), defines).whole();
}

/** Whether a value counts as true: any number but 0, any text but "". */
export function isTrue(value: DirectiveValue): boolean {
  return typeof value === 'number' ? value !== 0 : value !== '';
}

/** A value as text: whole numbers without a fraction. */
export function directiveText(value: DirectiveValue): string {
  return String(value);
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new ExpressionFault(`"${text.slice(at).trim().slice(0, 20)}" is not expected`);
    const [, number, double, single, word, operator] = match;
    const quoted = double ?? single;
    if (number !== undefined) tokens.push({ kind: 'value', value: Number(number) });
    else if (quoted !== undefined) tokens.push({ kind: 'value', value: quoted.replace(/\\(.)/g, '$1') });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'operator', text: operator as string });
  }
  return tokens;
}

class Evaluation {
  private at = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly defines: ReadonlyMap<string, string>,
  ) {}

  whole(): DirectiveValue {
    const value = this.binary(0);
    const token = this.tokens[this.at];
    if (token !== undefined) throw new ExpressionFault(`"${shown(token)}" is not expected`);
    return value;
  }

  private binary(level: number): DirectiveValue {
    const operators = LEVELS[level];
    if (operators === undefined) return this.power();
    let left = this.binary(level + 1);
    for (let operator = this.operator(operators); operator !== undefined; operator = this.operator(operators)) {
      left = applied(operator, left, this.binary(level + 1));
    }
    return left;
  }

  private power(): DirectiveValue {
    const left = this.unary();
    return this.operator(['**']) === undefined
      ? left
      : applied(
          '**',
          left,
          this.deeper(() => this.power()),
        );
  }

  private unary(): DirectiveValue {
    const operator = this.operator(['!', '-', '+', '^', '~']);
    if (operator === undefined) return this.primary();
    const value = this.deeper(() => this.unary());
    if (operator === '!') return isTrue(value) ? 0 : 1;
    const number = numberOf(value);
    return operator === '-' ? -number : operator === '+' ? number : ~number;
  }

  private primary(): DirectiveValue {
    if (this.operator(['(']) !== undefined) {
      const value = this.deeper(() => this.binary(0));
      if (this.operator([')']) === undefined) throw new ExpressionFault('")" is missing');
      return value;
    }
    const token = this.tokens[this.at++];
    if (token === undefined) throw new ExpressionFault('a value is missing');
    if (token.kind === 'value') return token.value;
    if (token.kind === 'operator') throw new ExpressionFault(`"${token.text}" is not expected`);
    const defined = this.defines.get(token.text);
    if (defined === undefined) return 0;
    return defined === '' ? 1 : (/^(["'])([\s\S]*)\1$/.exec(defined)?.[2] ?? defined);
  }

  private deeper<T>(evaluate: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new ExpressionFault(`brackets nested deeper than ${MAX_DEPTH}`);
    const value = evaluate();
    this.depth--;
    return value;
  }

  private operator(among: readonly string[]): string | undefined {
    const token = this.tokens[this.at];
    if (token?.kind !== 'operator' || !among.includes(token.text)) return undefined;
    this.at++;
    return token.text;
  }
}

function shown(token: Token): string {
  return token.kind === 'value' ? String(token.value) : token.text;
}

/** The number at the beginning of a text; 0 when there is none. */
function numberOf(value: DirectiveValue): number {
  return typeof value === 'number' ? value : Number(/^\s*[-+]?[0-9]+(?:\.[0-9]+)?/.exec(value)?.[0] ?? 0);
}

function applied(operator: string, left: DirectiveValue, right: DirectiveValue): DirectiveValue {
  if (operator === '&&') return isTrue(left) && isTrue(right) ? 1 : 0;
  if (operator === '||') return isTrue(left) || isTrue(right) ? 1 : 0;
  if (typeof left === 'string') {
    const other = String(right);
    if (operator !== '+') {
      const order = left < other ? -1 : left > other ? 1 : 0;
      const compared = comparison(operator, order);
      if (compared !== undefined) return compared;
    } else if (left.length + other.length <= MAX_TEXT) return left + other;
    else throw new ExpressionFault(`a text of more than ${MAX_TEXT} characters`);
  }
  return ofNumbers(operator, numberOf(left), numberOf(right));
}

function comparison(operator: string, order: number): number | undefined {
  switch (operator) {
    case '==':
      return Number(order === 0);
    case '!=':
      return Number(order !== 0);
    case '<':
      return Number(order < 0);
    case '>':
      return Number(order > 0);
    case '<=':
      return Number(order <= 0);
    case '>=':
      return Number(order >= 0);
    default:
      return undefined;
  }
}

function ofNumbers(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
    case '%':
      if (right === 0) throw new ExpressionFault('division by 0');
      return operator === '/' ? left / right : left % right;
    case '**':
      return left ** right;
    case '<<':
      return left << right;
    case '>>':
      return left >> right;
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    default:
      return comparison(operator, left - right) as number;
  }
}
