import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  certificateFile: string;
  keyFile: string;
  certificate: string;
}

/** A certificate that signs itself: `names` as openssl writes them, `DNS:localhost,IP:127.0.0.1`. */
export function makeCertificate(folder: string, names: string): Certificate {
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const { status, stderr } = spawnSync('openssl', [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=quota-test'.split(
      ' ',
    ),
    ...['-addext', `subjectAltName=${names}`, '-out', certificateFile, '-keyout', keyFile],
  ]);
  if (status !== 0) {
    throw new Error(`these tests need openssl on the PATH: apt-get install openssl\n${stderr ?? ''}`);
  }
  return { certificateFile, keyFile, certificate: readFileSync(certificateFile, 'utf8') };
}
