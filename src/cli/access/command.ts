import { defineCommand, JSON_OUTPUT } from '../line/command.js';

const NAME = { name: 'NAME', description: 'Name of the user.' } as const;

const password = defineCommand({
  name: 'password',
  group: 'operate',
  summary: 'make the hash of a password',
  description: `
Reads a password from the first line of standard input and prints the user with the hash of the password, for "users" in
"access". The password itself is not stored anywhere.`,
  arguments: [NAME],
  examples: [['a user with a password', 'switchyard access password noc']],
  run: async ({ options, args, io }) => (await import('./access.js')).password(options, args[0] as string, io),
});

const token = defineCommand({
  name: 'token',
  group: 'operate',
  summary: 'make a token and its hash',
  description: `
Makes a token for a program and prints it once, then prints the user with the hash of the token, for "users" in "access".`,
  arguments: [NAME],
  examples: [['a program with a token', 'switchyard access token ci']],
  run: async ({ options, args, io }) => (await import('./access.js')).token(options, args[0] as string, io),
});

/** "switchyard access". */
export const access = defineCommand({
  name: 'access',
  group: 'operate',
  summary: 'make the secrets of users',
  description: `
Makes the hashes of passwords and tokens for "users" in "access". A daemon reads changed users on SIGHUP; if any of them is
wrong, it keeps the old ones.`,
  options: { json: JSON_OUTPUT },
  subcommands: [password, token],
  examples: [
    ['a person', 'switchyard access password noc'],
    ['a program', 'switchyard access token ci'],
  ],
});
