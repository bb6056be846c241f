import { nkeys } from 'nats';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** An operator with one account and one user, like those made by `nsc`. */
export interface NatsOperator {
  /** Lines for the server's configuration. */
  readonly serverConfig: string;
  /** Text of the user's credentials file. */
  readonly credentials: string;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A JWT in NATS's form: ed25519 by an nkey (JWT library version 2). */
function token(name: string, subject: KeyPair, issuer: KeyPair, nats: object): string {
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats: { ...nats, version: 2 },
  };
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

/** Makes new keys and their tokens. */
export function makeOperator(): NatsOperator {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const user = nkeys.createUser();
  const none = { subs: -1, data: -1, payload: -1 };
  const limits = { ...none, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountToken = token('account', account, operator, { type: 'account', limits: { ...limits, ...jetstream } });
  const systemToken = token('SYS', system, operator, { type: 'account', limits });
  const userToken = token('user', user, account, { type: 'user', ...none });
  return {
    serverConfig: [
      `operator: ${token('operator', operator, operator, { type: 'operator' })}`,
      'resolver: MEMORY',
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${system.getPublicKey()}: ${systemToken}, ${account.getPublicKey()}: ${accountToken} }`,
      '',
    ].join('\n'),
    credentials: [
      '-----BEGIN NATS USER JWT-----',
      userToken,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      new TextDecoder().decode(user.getSeed()),
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
}
