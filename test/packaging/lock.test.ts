import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

interface Locked {
  version?: string;
  engines?: { node?: string };
}

const { packages } = JSON.parse(readFileSync('npm-shrinkwrap.json', 'utf8')) as {
  packages: Record<string, Locked>;
};

test('other installers get the versions of the lock where newer ones want a newer Node', () => {
  const locked = Object.entries(packages)
    .filter(([path]) => path.startsWith('node_modules/@inquirer/'))
    .map(([path, { version }]) => [path.replace('node_modules/', ''), version]);
  expect(locked.length).toBeGreaterThan(10);
  expect(packageJson.resolutions).toEqual(Object.fromEntries(locked));
});

test('no package of the lock is beyond the oldest Node that is supported', () => {
  const beyond = Object.entries(packages).filter(([, { engines }]) => {
    const alternatives = engines?.node?.split('||') ?? ['*'];
    return alternatives.every((one) => Number(/^\s*(?:>=|\^|~)?\s*(\d+)/.exec(one)?.[1] ?? 0) > 20);
  });
  expect(beyond.map(([path]) => path)).toEqual([]);
  expect(packages['']?.engines?.node).toBe('>=20.19');
});
