import type { Command } from 'commander';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { wholeTree } from '../whole-tree.ts';
import { scenarios, withoutRole } from './commands.ts';

const roles = ['app', 'operator', 'finance', 'readonly'] as const;
type Role = (typeof roles)[number];

const desk = useDesk({ vapi: { assistants: 4 }, env: { QUOTA_ALERT_COMMAND: 'cat > /dev/null' } });
const login = (role: Role) => `${desk.name}_${role}`.slice(0, 60);

/** Every command by its words, but for those of `jobs run`, which are those of `jobs` once more. */
async function commandNames(): Promise<string[]> {
  const names: string[] = [];
  const walk = (command: Command, words: readonly string[]) => {
    for (const child of command.commands) {
      const path = [...words, child.name()];
      if (child.commands.length > 0) {
        walk(child, path);
      } else if (!path.join(' ').startsWith('jobs run ')) {
        names.push(path.join(' '));
      }
    }
  };
  walk((await wholeTree()).root, []);
  return names;
}

beforeAll(async () => {
  for (const role of roles) {
    await desk.query(`create role ${login(role)} login in role quota_${role}`);
  }
  const assistants = desk.vapi.assistants().map(({ id }) => id);
  await desk.addUser({ externalId: 'ada', assistants: assistants.slice(0, 1) });
  await desk.addUser({ externalId: 'bob' });
  await desk.json('login', 'allow', login('app'), '--reason', 'the app', '--yes');
  await desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id)
     select u.id, a from quota.users u, unnest($1::text[]) a where u.external_id = 'bob'`,
    [assistants.slice(1)],
  );
  await desk.query(
    `select quota.record('ada', 'voice', 'call-0', 590, p_provider => 'vapi', p_assistant_id => $1)`,
    assistants.slice(0, 1),
  );
});
afterAll(async () => {
  for (const role of roles) {
    await desk.query(`drop role if exists ${login(role)}`).catch(() => {});
  }
});

/** Whether a role may: the command works, or it is refused in the words for just that. Everything else is a fault. */
async function tryCommand(role: Role, name: string): Promise<string> {
  const words = await scenarios[name]?.(desk);
  const url = desk.url.replace(/^(\w+:\/\/)[^@/]*@/, `$1${login(role)}@`);
  const { code, stderr } = await desk.with({ env: { DATABASE_URL: url } }).run(...(words ?? []), '--json');
  if (code === 0 || code === 3) {
    return 'yes';
  }
  const said = `${role}: quota ${words?.join(' ')}: exit ${code}: ${stderr}`;
  expect(stderr, said).not.toContain('bug');
  expect(stderr, said).toMatch(/permission denied|must be owner of|not supported with row-level security/);
  expect({ code, said }).toEqual({ code: 78, said });
  expect(stderr, said).toContain('docs/roles.md');
  return '';
}

const commandRows: [name: string, ...may: string[]][] = [];

test('every command has its scenario', async () => {
  const known = [...Object.keys(scenarios), ...Object.keys(withoutRole)];
  expect(known.sort()).toEqual((await commandNames()).sort());
});

test('every function, as every role: what is granted works, and what is not is refused', async () => {
  const functions = await desk.query<FunctionOfSchema>(
    `select p.proname as name,
       p.proname || '(' || coalesce((select string_agg(a::regtype::text, ', ' order by n)
         from unnest(p.proargtypes) with ordinality a(a, n)), '') || ')' as shown,
       coalesce((select string_agg('null::' || a::regtype::text, ', ' order by n)
         from unnest(p.proargtypes) with ordinality a(a, n)), '') as nothing,
       array(select has_function_privilege(r, p.oid, 'execute') from unnest($1::text[]) with ordinality r(r, n) order by n) as granted
     from pg_proc p
     where p.pronamespace = 'quota'::regnamespace and p.prorettype <> 'trigger'::regtype
     order by 2`,
    [roles.map(login)],
  );
  const rows: string[][] = functions.map(({ shown }) => [shown]);
  const faults: string[] = [];
  for (const [place, role] of roles.entries()) {
    await desk.session(async (client) => {
      await client.query(`set session authorization ${login(role)}`);
      await client.query(`set statement_timeout = '20s'`);
      for (const [index, one] of functions.entries()) {
        const { may, fault } = await tryFunction(client, one);
        if (fault !== undefined || may !== one.granted[place]) {
          faults.push(`${role}: ${one.shown}: ${fault ?? 'granted, and refused'}`);
        }
        rows[index]?.push(may ? 'yes' : '');
      }
    });
  }
  expect(faults).toEqual([]);
  functionRows.push(...rows);
});

test.each(Object.keys(scenarios))('%s', async (name) => {
  const may: string[] = [];
  for (const role of roles) {
    may.push(await tryCommand(role, name));
  }
  commandRows.push([name, ...may]);
});

interface FunctionOfSchema {
  name: string;
  shown: string;
  nothing: string;
  granted: boolean[];
}

const functionRows: string[][] = [];

/** Calls it with nothing but nulls, and takes that back. What lies behind it must not be refused to who may call it. */
async function tryFunction(
  client: pg.Client,
  { name, nothing }: FunctionOfSchema,
): Promise<{ may: boolean; fault?: string }> {
  await client.query('begin');
  try {
    await client.query(`select * from quota.${name}(${nothing})`);
    return { may: true };
  } catch (error) {
    const { code = '', message } = error as pg.DatabaseError;
    if (code === '42501' && message === `permission denied for function ${name}`) {
      return { may: false };
    }
    return code === '42501' ? { may: true, fault: message } : { may: true };
  } finally {
    await client.query('rollback');
  }
}

const privileges = ['select', 'insert', 'update', 'delete'] as const;

/** What each role may do with each table; of some columns only, which. */
async function tableRows(): Promise<string[][]> {
  const tables = await desk.query<{ name: string; rights: string[] }>(
    `select c.relname as name, array(
       select concat_ws(', ',
         (select string_agg(p, ', ' order by n) from unnest($2::text[]) with ordinality p(p, n)
          where has_table_privilege(r, c.oid, p)),
         (select string_agg(o.columns, ', ' order by o.n) from (
            select n, p || ' of ' || string_agg(a.attname, ' ' order by a.attname) as columns
            from unnest($2::text[]) with ordinality p(p, n)
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where p <> 'delete' and not has_table_privilege(r, c.oid, p) and has_column_privilege(r, c.oid, a.attnum, p)
            group by p, n) o))
       from unnest($1::text[]) with ordinality r(r, n) order by n) as rights
     from pg_class c
     where c.relnamespace = 'quota'::regnamespace and c.relkind in ('r', 'p', 'v') order by c.relname`,
    [roles.map((role) => `quota_${role}`), [...privileges]],
  );
  return tables.map(({ name, rights }) => [name, ...rights]);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

test('docs/roles.md says just this: npm run roles writes it anew', async () => {
  const tables = await tableRows();
  expect(commandRows.map(([name]) => name)).toEqual(Object.keys(scenarios));
  const own = Object.entries(withoutRole).map(([name, why]) => `- \`quota ${name}\`: ${why}`);
  const code = ([name = '', ...cells]: readonly string[]) => [`\`${name}\``, ...cells];
  const commands = commandRows.map(([name, ...may]) => code([`quota ${name}`, ...may]));
  const document = `# Roles

Four roles for others than the owner of the schema, who may do everything. A login is given one of them
(\`grant quota_operator to ada\`), a login of an app is registered besides (\`quota login\`). What is not given here is
refused: by the database, with exit 78 and \`permission denied for …\`. A command that is run with
\`--dry-run\` needs no more than to read.

This page is written by a test that runs every command and every function as every role, and fails when it is no longer
so: ${commandRows.length} commands, ${functionRows.length} functions and ${tables.length} tables and views, each as ${roles.length} roles:
${(commandRows.length + functionRows.length + tables.length) * roles.length} answers.

## Commands

${markdown(['command', ...roles], commands)}

These have to do with no role:

${own.join('\n')}

## Functions

\`yes\`: may be called. Functions that are left out are called by triggers only.

${markdown(['function', ...roles], functionRows.map(code))}

## Tables and views

${markdown(['table', ...roles], tables.map(code))}

A function that the owner makes later is nobody's until it is given: what everybody may call by PostgreSQL's default is
taken away for the owner of the schema, and given back in the schemas of others that are there when \`quota db migrate\` runs.
`;
  await expect(document).toMatchFileSnapshot('../../docs/roles.md');
  process.stdout.write(
    `${commandRows.length} commands, ${functionRows.length} functions and ${tables.length} tables as ${roles.length} roles\n`,
  );
});

test('what the owner makes later belongs to nobody else, and elsewhere it is as it was', async () => {
  await desk.query(`create function quota.made_later() returns integer language sql as 'select 1'`);
  await desk.query(`create function public.of_the_app() returns integer language sql as 'select 1'`);
  const may = (name: string) =>
    desk.query<{ may: boolean }>(
      `select has_function_privilege(r, '${name}', 'execute') as may from unnest($1::text[]) r`,
      [['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly', 'public']],
    );
  expect((await may('quota.made_later()')).map((one) => one.may)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
  expect((await may('public.of_the_app()')).map((one) => one.may)).toEqual([true, true, true, true, true]);
});
