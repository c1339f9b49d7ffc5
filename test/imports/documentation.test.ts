import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assistantFiles } from '../../src/imports/assistant-files.ts';
import { callLogFiles } from '../../src/imports/call-log-files.ts';
import { userFiles } from '../../src/imports/user-files.ts';
import { runCli } from '../run-cli.ts';

const kinds = [userFiles, assistantFiles, callLogFiles({ service: 'voice' })];

test('the documentation has a table of the columns of each kind, and no others', () => {
  const [, ...sections] = readFileSync('docs/imports.md', 'utf8').split(
    /^#+ (?:Users|Assistants|Call logs)$/m,
  );
  const documented = sections.map((section) =>
    [...(section.split(/^## /m)[0] ?? '').matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]).sort(),
  );
  expect(documented).toEqual(kinds.map(({ columns }) => columns.map(({ name }) => name).sort()));
});

test.each([
  ['import users', ['external_id', 'plan', '--skip-invalid', '--map', 'users.csv']],
  ['import assistants', ['provider_assistant_id', '--update', '--dry-run']],
  ['import call-logs', ['--service', '--provider', '--rejects', 'quota import call-logs call_logs.csv']],
  ['usage import', ['--service', 'quota usage import call_logs.csv']],
])('quota %s explains itself', async (command, words) => {
  const { code, stdout } = await runCli([...command.split(' '), '--help']);
  expect(code).toBe(0);
  for (const word of words) {
    expect(stdout).toContain(word);
  }
});
