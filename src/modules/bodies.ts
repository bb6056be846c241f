import { type FunctionSpec, KAMAILIO, param, textOf } from './define.js';

/** Functions of Kamailio's textops that set or remove the body. */
export const bodies: FunctionSpec[] = [
  {
    name: 'set_body',
    dialects: KAMAILIO,
    parameters: [param('body', 'string'), param('content type', 'string')],
    summary: 'replaces the body',
    compile:
      ([body, type]) =>
      (run) => {
        const [text, mime] = [textOf(body, run), textOf(type, run)];
        if (text === '' || mime === '') return -1;
        const { message, edits } = run;
        for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
        edits.drop(({ start, end }) => start >= message.bodyStart && end <= message.bodyEnd);
        edits.replace(message.bodyStart, message.bodyEnd, text);
        edits.insert(message.headersEnd, `Content-Type: ${mime}\r\n`);
        return 1;
      },
  },
  {
    name: 'remove_body',
    dialects: KAMAILIO,
    summary: 'removes the body',
    compile: () => (run) => {
      const { message, edits } = run;
      // As recorded, Content-Type stays.
      edits.remove(message.bodyStart, message.bodyEnd);
      return 1;
    },
  },
];
