import { readFileSync } from 'node:fs';

/** A recorded request and its answer. */
export interface Transcript {
  /** Heading of its section: "ds_list". */
  readonly section: string;
  /** Heading without the text in brackets: "unknown command". */
  readonly title: string;
  readonly endpoint: 'fifo' | 'datagram';
  readonly request: string;
  /** undefined: no answer; 'crash': the original crashed. */
  readonly answer: string | undefined;
  readonly crashed: boolean;
}

/** Reads a recording in test/conformance/data: headings, "-> b'request'" and "<- b'answer'" in Python's notation. */
export function readTranscripts(file: string): readonly Transcript[] {
  const text = readFileSync(new URL(`../conformance/data/${file}`, import.meta.url), 'utf8');
  const transcripts: Transcript[] = [];
  let section = '';
  let heading = '';
  let request: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('### ')) heading = line.slice(4);
    else if (line.startsWith('## ')) section = line.slice(3);
    else if (line.startsWith('-> ')) request = fromPython(line.slice(3));
    else if (line.startsWith('<- ') && request !== undefined) {
      const endpoint = /\((fifo|datagram)/.exec(heading)?.[1] ?? (section === 'FIFO framing' ? 'fifo' : 'datagram');
      const answer = line.slice(3);
      transcripts.push({
        section,
        title: heading.replace(/ \((fifo|datagram)[^()]*\)$/, ''),
        endpoint: endpoint as 'fifo' | 'datagram',
        request,
        crashed: answer.includes('SEGFAULTED'),
        // A FIFO client that read nothing recorded b''; one that did not read at all recorded None.
        answer: answer === 'None' || answer === "b''" ? undefined : answer.startsWith('b') ? fromPython(answer) : '',
      });
      request = undefined;
    }
  }
  return transcripts;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

function fromPython(literal: string): string {
  const body = literal.replace(/^b?(['"])(.*)\1$/s, '$2');
  return body.replace(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] as string),
  );
}
