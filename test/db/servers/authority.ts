import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface SignedCertificate {
  certificateFile: string;
  keyFile: string;
}

/** A certificate authority of a company's own, and what it signs. Needs openssl. */
export class Authority {
  readonly certificateFile: string;
  readonly #keyFile: string;
  readonly #folder: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.certificateFile = join(folder, `${name}.crt`);
    this.#keyFile = join(folder, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl('req', '-x509', ...newKey, ...subject, '-keyout', this.#keyFile, '-out', this.certificateFile);
  }

  /** `names` as openssl writes them: `DNS:db.example`. The common name is that of a role, where a client shows it. */
  sign(file: string, commonName: string, names = `DNS:${commonName}`): SignedCertificate {
    const [certificateFile, keyFile] = [join(this.#folder, `${file}.crt`), join(this.#folder, `${file}.key`)];
    const subject = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=${names}`];
    const signer = [
      '-CA',
      this.certificateFile,
      '-CAkey',
      this.#keyFile,
      '-addext',
      'basicConstraints=CA:FALSE',
    ];
    openssl('req', '-x509', ...newKey, ...subject, ...signer, '-keyout', keyFile, '-out', certificateFile);
    return { certificateFile, keyFile };
  }
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ');

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
