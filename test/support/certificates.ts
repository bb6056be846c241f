import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from './servers/programs.js';

/** PEM files of a certificate and its private key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority in a temporary folder, made with openssl. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'switchyard-ca-'));
  /** File with its certificate. */
  readonly ca = join(this.folder, 'ca.pem');
  private readonly openssl = requireProgram('openssl');
  private serial = 1;

  constructor() {
    const key = join(this.folder, 'ca.key');
    const subject = ['-subj', '/CN=switchyard test CA', '-days', '2'];
    this.run('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', this.ca, ...subject);
  }

  /** Text of the authority's certificate. */
  get text(): string {
    return readFileSync(this.ca, 'utf8');
  }

  /** A certificate for names: "DNS:a.example", "IP:127.0.0.1", "URI:sip:a.example". */
  issue(name: string, altNames: readonly string[], kind: 'ec' | 'rsa' = 'ec'): CertificateFiles {
    const path = (ending: string) => join(this.folder, `${name}.${ending}`);
    const newKey = kind === 'ec' ? NEW_KEY : ['-newkey', 'rsa:2048', '-nodes'];
    this.run('req', ...newKey, '-keyout', path('key'), '-out', path('csr'), '-subj', `/CN=${name}`);
    writeFileSync(path('ext'), altNames.length === 0 ? '' : `subjectAltName=${altNames.join(',')}\n`);
    const signed = ['-CA', this.ca, '-CAkey', join(this.folder, 'ca.key'), '-set_serial', String(this.serial++)];
    const files = ['-in', path('csr'), '-out', path('pem'), '-extfile', path('ext')];
    this.run('x509', '-req', '-days', '2', ...signed, ...files);
    return { cert: path('pem'), key: path('key') };
  }

  /** A folder with the revocation list (CRL). */
  revoke(...revoked: readonly CertificateFiles[]): string {
    const path = (name: string) => join(this.folder, name);
    const lists = path('crls');
    mkdirSync(lists);
    writeFileSync(path('index.txt'), '');
    const section = ['[ca]', 'default_ca = own', '[own]', `database = ${path('index.txt')}`, 'default_md = sha256'];
    writeFileSync(path('ca.cnf'), [...section, 'default_crl_days = 2', ''].join('\n'));
    const authority = ['-config', path('ca.cnf'), '-keyfile', path('ca.key'), '-cert', this.ca];
    for (const { cert } of revoked) this.run('ca', ...authority, '-revoke', cert);
    this.run('ca', ...authority, '-gencrl', '-out', join(lists, 'list.pem'));
    return lists;
  }

  /** A folder that contains the authority under its hash. */
  hashed(): string {
    const folder = join(this.folder, 'hashed');
    mkdirSync(folder);
    const hash = execFileSync(this.openssl, ['x509', '-hash', '-noout', '-in', this.ca], { encoding: 'utf8' }).trim();
    copyFileSync(this.ca, join(folder, `${hash}.0`));
    return folder;
  }

  /** A file with Diffie-Hellman parameters. */
  dhParameters(): string {
    const file = join(this.folder, 'dh.pem');
    this.run('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048', '-out', file);
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(...args: readonly string[]): void {
    execFileSync(this.openssl, args, { stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Contents of certificate files, as options for node:tls. */
export function pem({ cert, key }: CertificateFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
