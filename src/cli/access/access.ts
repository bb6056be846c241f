import { createInterface } from 'node:readline';
import { hashPassword, hashToken, newToken } from '../../access/secret.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';

interface AccessOptions {
  readonly json?: boolean | undefined;
}

const USER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;
const SHORTEST_PASSWORD = 8;

/** switchyard access password NAME. Returns the exit status. */
export async function password({ json }: AccessOptions, name: string, io: CommandIo): Promise<number> {
  checkName(name);
  if (io.terminal !== undefined) io.err(`password of ${name} (it is shown as you type): `);
  const secret = await firstLine(io);
  if (secret.length < SHORTEST_PASSWORD) {
    throw usageError(`a password needs at least ${SHORTEST_PASSWORD} characters`);
  }
  const user = { name, password: await hashPassword(secret), role: 'viewer', partitions: [] };
  if (json === true) io.out(`${JSON.stringify({ user })}\n`);
  else io.out(`${JSON.stringify(user, undefined, 2)}\n`);
  return 0;
}

/** switchyard access token NAME. Returns the exit status. */
export async function token({ json }: AccessOptions, name: string, io: CommandIo): Promise<number> {
  checkName(name);
  const secret = newToken();
  const user = { name, token: hashToken(secret), role: 'viewer', partitions: [] };
  if (json === true) io.out(`${JSON.stringify({ token: secret, user })}\n`);
  else io.out(`token (shown only once): ${secret}\n${JSON.stringify(user, undefined, 2)}\n`);
  return 0;
}

function checkName(name: string): void {
  if (!USER_NAME.test(name))
    throw usageError(`"${name}" is not a valid user name: use letters, digits, "_", ".", "@" and "-"`);
}

async function firstLine({ stdin }: CommandIo): Promise<string> {
  for await (const line of createInterface({ input: stdin, terminal: false })) return line;
  return '';
}
