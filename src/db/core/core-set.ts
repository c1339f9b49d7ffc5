import { createHash } from 'node:crypto';
import { insideParentheses, splitArguments, splitStatements, withoutLeadingComments } from './statements.ts';

/** In the order in which they are installed: what comes later may need what comes before. */
export const coreKinds = ['type', 'function', 'view', 'trigger', 'policy'] as const;
export type CoreKind = (typeof coreKinds)[number];

/** One thing of the core, as a file of sql/ says it. */
export interface CoreUnit {
  kind: CoreKind;
  /** As the catalogue names it, but for the spelling of a function's types: `quota.f(text)`, `t on quota.users`. */
  name: string;
  /** Below sql/. */
  path: string;
  create: string;
  comments: string[];
  /** Of its statements. */
  sha256: string;
}

/** What is run after everything else is there: it gives roles their rights. */
export interface RightsStatement {
  path: string;
  sql: string;
}

export interface CoreSet {
  sha256: string;
  units: readonly CoreUnit[];
  rights: readonly RightsStatement[];
}

/** What defaults and constraints of tables need is there before them. */
export const isFoundation = ({ path }: CoreUnit): boolean => path.startsWith('foundation/');

/** The core of this version. Loads its text. */
export async function loadCoreSet(): Promise<CoreSet> {
  const { core } = await import('virtual:sql/core');
  return parseCoreSet(core);
}

/** @throws Error naming the file of a statement that is neither one of the core nor a right. */
export function parseCoreSet(core: {
  sha256: string;
  files: readonly { path: string; text: string }[];
}): CoreSet {
  const units: CoreUnit[] = [];
  const rights: RightsStatement[] = [];
  for (const { path, text } of core.files) {
    for (const sql of splitStatements(text)) {
      const code = withoutLeadingComments(sql);
      const unit = readUnit(code);
      if (unit !== undefined) {
        units.push({ ...unit, path, create: sql, comments: [], sha256: '' });
      } else if (/^comment on /.test(code)) {
        commented(units, path, code).comments.push(sql);
      } else if (path.startsWith('roles/')) {
        rights.push({ path, sql });
      } else {
        throw new Error(`sql/${path}: not a statement of the core: ${code.slice(0, 60)}`);
      }
    }
  }
  return { sha256: core.sha256, units: units.map(withHash), rights };
}

/** What a comment is about: it stands in the file of its thing, after it. */
function commented(units: readonly CoreUnit[], path: string, code: string): CoreUnit {
  const [, kind, name = ''] = /^comment on (\w+) (\w+ on [\w.]+|[\w.]+)/.exec(code) ?? [];
  const unit = units.findLast(
    (candidate) =>
      candidate.path === path &&
      (kind === 'column'
        ? name.startsWith(`${candidate.name}.`)
        : candidate.kind === kind && (candidate.name === name || candidate.name.startsWith(`${name}(`))),
  );
  if (unit === undefined) {
    throw new Error(`sql/${path}: a comment on what is not in this file: ${code.slice(0, 60)}`);
  }
  return unit;
}

const withHash = (unit: CoreUnit): CoreUnit => ({
  ...unit,
  sha256: createHash('sha256')
    .update([unit.create, ...unit.comments].join(';\n'))
    .digest('hex'),
});

function readUnit(code: string): Pick<CoreUnit, 'kind' | 'name'> | undefined {
  const [, kind, name = ''] = /^create (?:or replace )?(function|type|view) ([\w.]+)/.exec(code) ?? [];
  switch (kind) {
    case 'function':
      return { kind, name: `${name}(${argumentTypes(code).join(', ')})` };
    case 'type':
    case 'view':
      return { kind, name };
  }
  const [, trigger, onTable] =
    /^create (?:or replace )?trigger (\w+)\s[\s\S]*?\son (quota\.\w+)/.exec(code) ?? [];
  if (trigger !== undefined) {
    return { kind: 'trigger', name: `${trigger} on ${onTable}` };
  }
  const [, policy, table] = /^create policy (\w+) on (quota\.\w+)/.exec(code) ?? [];
  return policy === undefined ? undefined : { kind: 'policy', name: `${policy} on ${table}` };
}

/** Every argument has a name: `[mode] name type [default value]`. */
const argumentTypes = (code: string): string[] =>
  splitArguments(insideParentheses(code))
    .filter((argument) => !/^out\s/.test(argument))
    .map((argument) =>
      argument
        .replace(/^(?:in|inout|variadic)\s+/, '')
        .replace(/^(?:"[^"]+"|\w+)\s+/, '')
        .replace(/\s+default\s[\s\S]*$/, ''),
    );
