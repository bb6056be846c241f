import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from './servers/programs.js';

/** Files of a certificate and its private key, PEM. */
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
  issue(name: string, altNames: readonly string[]): CertificateFiles {
    const path = (ending: string) => join(this.folder, `${name}.${ending}`);
    this.run('req', ...NEW_KEY, '-keyout', path('key'), '-out', path('csr'), '-subj', `/CN=${name}`);
    writeFileSync(path('ext'), altNames.length === 0 ? '' : `subjectAltName=${altNames.join(',')}\n`);
    const signed = ['-CA', this.ca, '-CAkey', join(this.folder, 'ca.key'), '-set_serial', String(this.serial++)];
    const files = ['-in', path('csr'), '-out', path('pem'), '-extfile', path('ext')];
    this.run('x509', '-req', '-days', '2', ...signed, ...files);
    return { cert: path('pem'), key: path('key') };
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
