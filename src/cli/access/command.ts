import { defineCommand, JSON_OUTPUT } from '../line/command.js';

const NAME = { name: 'NAME', description: 'Name of the user.' } as const;

const password = defineCommand({
  name: 'password',
  group: 'operate',
  summary: 'make the hash of a password',
  description: `
Reads a password from standard input, its first line, and prints the user for "access" "users" with its hash. The password itself is
stored nowhere.`,
  arguments: [NAME],
  examples: [['a user with a password', 'switchyard access password noc']],
  run: async ({ options, args, io }) => (await import('./access.js')).password(options, args[0] as string, io),
});

const token = defineCommand({
  name: 'token',
  group: 'operate',
  summary: 'make a token and its hash',
  description: `
Makes a token for a program, prints it once, and the user for "access" "users" with its hash.`,
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
Makes what "access" "users" needs: hashes of passwords and tokens. A daemon takes changed users on SIGHUP, whole or not at all.`,
  options: { json: JSON_OUTPUT },
  subcommands: [password, token],
  examples: [
    ['a person', 'switchyard access password noc'],
    ['a program', 'switchyard access token ci'],
  ],
});
