/** Splits the text of a route into statements; text in braces, brackets and quotes is not split. */
export function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"' || c === "'") {
      while (++i < text.length && text[i] !== c) if (text[i] === '\\' && c === '"') i++;
    } else if (c === '(' || c === '{') depth++;
    else if (c === ')' || c === '}') {
      depth--;
      if (c === '}' && depth === 0 && !isVariable(text, start, i) && !/^\s*else\b/.test(text.slice(i + 1))) {
        statements.push(text.slice(start, i + 1).trim());
        start = i + 1;
      }
    } else if (c === ';' && depth === 0 && !/^\s*else\b/.test(text.slice(i + 1))) {
      statements.push(text.slice(start, i + 1).trim());
      start = i + 1;
    }
  }
  const rest = text.slice(start).trim();
  return [...statements, ...(rest === '' ? [] : [rest])].filter((each) => each !== ';');
}

/** Whether a closing brace ends a transformation instead of a block. */
function isVariable(text: string, start: number, end: number): boolean {
  return text.lastIndexOf('$(', end) > Math.max(start, text.lastIndexOf('{\n', end)) && text[end + 1] === ')';
}
