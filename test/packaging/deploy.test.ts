import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments, parseDocument } from 'yaml';
import { loadJobs } from '../../jobs/index.ts';
import { readWords } from '../../src/cli/read-words.ts';
import { needs } from '../desk/needs.ts';
import { wholeTree } from '../whole-tree.ts';

const definitions = await loadJobs();
const schedules = Object.fromEntries(definitions.map(({ name, schedule }) => [name, schedule]));

/** `*\/5 * * * *` as systemd writes it, for the kinds of schedule that jobs have. */
function calendarOf(schedule: string): string {
  const [minute = '', hour = '', , , weekday = ''] = schedule.split(' ');
  const two = (field: string) => (field === '*' ? field : field.padStart(2, '0'));
  const minutes = minute.startsWith('*/') ? `00/${minute.slice(2)}` : two(minute);
  const day = weekday === '*' ? '' : `${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][Number(weekday)]} `;
  return `${day}*-*-* ${two(hour)}:${minutes}:00 UTC`;
}

test('the crontab runs every job at its schedule, by a command line that there is', async () => {
  const lines = readFileSync('deploy/crontab', 'utf8').matchAll(
    /^(?:# )?([\d*/]+ +[\d*/]+ +[\d*/]+ +[\d*/]+ +[\d*/]+) +quota +quota (.+)$/gm,
  );
  const tree = await wholeTree();
  const found: Record<string, string> = {};
  for (const [, schedule = '', words = ''] of lines) {
    const read = await readWords(tree, words.split(/ +/));
    expect(read.unknown, words).toBeUndefined();
    expect(read.given, words).toContain('--env-file');
    const known = [...read.command.options, ...tree.root.options].map(({ long }) => long);
    expect(known, words).toEqual(expect.arrayContaining([...read.given]));
    found[read.command.name()] = schedule.replace(/ +/g, ' ');
  }
  expect(found).toEqual(schedules);
});

test('systemd has a timer at its schedule for every job', () => {
  const timers = readdirSync('deploy/systemd')
    .filter((file) => file.endsWith('.timer'))
    .map((file) => {
      const text = readFileSync(`deploy/systemd/${file}`, 'utf8');
      const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
      const job = /^quota@([a-z-]+)\.service$/.exec(setting('Unit'))?.[1] ?? '';
      expect(file).toBe(`quota-${job}.timer`);
      return [job, setting('OnCalendar')];
    });
  expect(Object.fromEntries(timers)).toEqual(
    Object.fromEntries(definitions.map(({ name, schedule }) => [name, calendarOf(schedule)])),
  );
});

interface CronJob {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    schedule: string;
    timeZone: string;
    concurrencyPolicy: string;
    jobTemplate: { spec: JobSpec };
  };
}

interface JobSpec {
  activeDeadlineSeconds: number;
  backoffLimit: number;
  podFailurePolicy: {
    rules: { action: string; onExitCodes?: { containerName: string; values: number[] } }[];
  };
  template: {
    spec: {
      restartPolicy: string;
      securityContext: { runAsNonRoot: boolean };
      containers: { name: string; args: string[]; securityContext: { readOnlyRootFilesystem: boolean } }[];
    };
  };
}

test('Kubernetes has a CronJob at its schedule for every job, which fails as the exit codes say', async () => {
  const tree = await wholeTree();
  const cronJobs = parseAllDocuments(readFileSync('deploy/kubernetes/cronjobs.yaml', 'utf8')).map(
    (document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as CronJob;
    },
  );
  for (const { apiVersion, kind, metadata, spec } of cronJobs) {
    expect([apiVersion, kind, spec.timeZone, spec.concurrencyPolicy]).toEqual([
      'batch/v1',
      'CronJob',
      'Etc/UTC',
      'Forbid',
    ]);
    const { podFailurePolicy, template, activeDeadlineSeconds } = spec.jobTemplate.spec;
    const [{ name, args, securityContext } = { name: '', args: [], securityContext: undefined }] =
      template.spec.containers;
    const { command, unknown, given } = await readWords(tree, args);
    expect([metadata.name, unknown]).toEqual([`quota-${command.name()}`, undefined]);
    expect([...command.options, ...tree.root.options].map(({ long }) => long)).toEqual(
      expect.arrayContaining([...given]),
    );
    // What Kubernetes demands of a failure policy: no restarts in the pod, codes in order, of a container that there is.
    expect(template.spec.restartPolicy).toBe('Never');
    const codes = podFailurePolicy.rules.flatMap(({ onExitCodes }) => (onExitCodes ? [onExitCodes] : []));
    expect(codes).toEqual([{ containerName: name, operator: 'In', values: [1, 2, 65, 75, 78] }]);
    expect(template.spec.securityContext.runAsNonRoot && securityContext?.readOnlyRootFilesystem).toBe(true);
    expect(activeDeadlineSeconds).toBeGreaterThan(0);
  }
  expect(Object.fromEntries(cronJobs.map(({ metadata, spec }) => [metadata.name, spec.schedule]))).toEqual(
    Object.fromEntries(definitions.map(({ name, schedule }) => [`quota-${name}`, schedule])),
  );
});

/**
 * What the compiler has against manifests, by their names, as Kubernetes' own types have a CronJob: fields that are
 * unknown, missing or of another type. (Its schemas in JSON let an unknown field pass, for the sake of other versions.)
 */
function typeErrors(manifests: Record<string, unknown>): Record<string, string> {
  const require = createRequire(import.meta.url);
  const types = join(dirname(require.resolve('kubernetes-types/package.json')), 'batch', 'v1.js');
  const folder = mkdtempSync(join(tmpdir(), 'quota-manifests-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, manifest] of Object.entries(manifests)) {
    const literal = `${JSON.stringify(manifest, null, 2)} satisfies CronJob;\n`;
    writeFileSync(
      join(folder, `${name}.ts`),
      `import type { CronJob } from '${types}';\nexport default ${literal}`,
    );
  }
  const settings = { compilerOptions: { noEmit: true, strict: true, types: [], lib: ['es2022'] } };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const errors = [...stdout.matchAll(/^([^(]*)\.ts\(.*error TS\d+: (.*)$/gm)];
  return Object.fromEntries(errors.map(([, name = '', message = '']) => [name, message]));
}

test('Kubernetes knows every field of the manifests, and has it of that type', () => {
  const texts = parseAllDocuments(readFileSync('deploy/kubernetes/cronjobs.yaml', 'utf8')).map((document) =>
    JSON.stringify(document.toJS()),
  );
  const good = Object.fromEntries(texts.map((text) => [JSON.parse(text).metadata.name, JSON.parse(text)]));
  const changed = (from: string, to: string) => JSON.parse(texts[0]?.replaceAll(from, to) ?? '');
  expect(
    typeErrors({
      ...good,
      misspelt: changed('"ttlSecondsAfterFinished"', '"ttlSecondsAfterFinish"'),
      deep: changed('"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"'),
      missing: changed(',"status":"True"', ''),
      mistyped: changed('"backoffLimit":2', '"backoffLimit":"2"'),
    }),
  ).toEqual({
    misspelt: expect.stringContaining(`'"ttlSecondsAfterFinish"' does not exist in type 'JobSpec'`),
    deep: expect.stringContaining(`'"readOnlyRootFileSystem"' does not exist in type 'SecurityContext'`),
    missing: expect.stringContaining("'status' is missing"),
    mistyped: "Type 'string' is not assignable to type 'number'.",
  });
});

test('the image runs as nobody in particular, and asks how it is by a command that there is', async () => {
  const text = readFileSync('deploy/Dockerfile', 'utf8');
  expect([...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual([
    'node:22-slim',
    'node:22-slim',
  ]);
  expect(text).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  const [, words = '[]'] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(text) ?? [];
  const [program, ...line] = JSON.parse(words) as string[];
  const { command, unknown } = await readWords(await wholeTree(), line);
  expect([program, command.name(), unknown]).toEqual(['quota', 'status', undefined]);
});

test('the workflow for GitHub is YAML, and its lines are commands that there are', async () => {
  const document = parseDocument(readFileSync('deploy/github/quota.yml', 'utf8'));
  expect(document.errors).toEqual([]);
  const { jobs } = document.toJS() as { jobs: { test: { steps: { run?: string }[] } } };
  const lines = jobs.test.steps.flatMap(({ run = '' }) => [...run.matchAll(/npx quota ([^\n&]+)/g)]);
  const tree = await wholeTree();
  const found = [];
  for (const [, words = ''] of lines) {
    const { command, unknown } = await readWords(tree, words.trim().split(/ +/));
    expect(unknown, words).toBeUndefined();
    found.push(command.name());
  }
  expect(found).toEqual(['migrate', 'seed', 'serve-vapi', 'doctor']);
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test.runIf(needs(hasSystemd, 'systemd-analyze'))('systemd-analyze has nothing against the units', () => {
  const units = readdirSync('deploy/systemd').map((file) => `${resolve('deploy/systemd')}/${file}`);
  const instances = units.map((unit) =>
    unit.replace('quota@.', 'quota@purge.').replace('failed@.', 'failed@purge.'),
  );
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', ...instances], {
    encoding: 'utf8',
  });
  const ours = stderr.split('\n').filter((line) => /quota/.test(line));
  expect([status, ours]).toEqual([0, []]);
});
