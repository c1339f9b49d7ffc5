import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const root = join(import.meta.dirname, '../..');

/** The names of functions of the schema that a text has. */
const named = (text: string) => new Set([...text.matchAll(/\bquota\.(\w+)/g)].map(([, name = '']) => name));

/** What the program asks of the database, and what the pages for apps and auditors tell to call. */
function namedOutside(): Set<string> {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(root, 'src', path));
  const pages = ['apps.md', 'audit.md'].map((page) => join(root, 'docs', page));
  return named([...sources, ...pages].map((path) => readFileSync(path, 'utf8')).join('\n'));
}

interface FunctionOfSchema {
  name: string;
  body: string;
  is_definer: boolean;
  is_trigger: boolean;
  is_granted: boolean;
}

const functions = () =>
  desk.query<FunctionOfSchema>(
    `select p.proname as name, pg_get_functiondef(p.oid) as body, p.prosecdef as is_definer,
       p.prorettype = 'trigger'::regtype as is_trigger,
       exists (select from unnest(array['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly']) r
         where has_function_privilege(r, p.oid, 'execute')) as is_granted
     from pg_proc p where p.pronamespace = 'quota'::regnamespace order by 1`,
  );

/** Policies, conditions of triggers, defaults, checks and views: asked with the rights of who reads or writes. */
const askedByTables = () =>
  desk.query<{ text: string }>(
    `select qual as text from pg_policies where schemaname = 'quota'
     union all select substring(pg_get_triggerdef(t.oid) from ' WHEN (.*) EXECUTE ') from pg_trigger t where not t.tgisinternal
     union all select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
     union all select pg_get_constraintdef(c.oid) from pg_constraint c where c.connamespace = 'quota'::regnamespace
     union all select definition from pg_views where schemaname = 'quota'`,
  );

test('roles may call what the program or the pages name, and what that calls with their rights: nothing else', async () => {
  const all = await functions();
  const byName = new Map(all.map((one) => [one.name, one]));
  const asked = (await askedByTables()).map(({ text }) => text ?? '').join('\n');
  const invokers = all.filter((one) => one.is_trigger && !one.is_definer);
  const needed = new Set<string>();
  const add = (name: string) => {
    const one = byName.get(name);
    if (one === undefined || needed.has(name)) {
      return;
    }
    needed.add(name);
    if (!one.is_definer) {
      named(one.body).forEach(add);
    }
  };
  [...namedOutside(), ...named(asked), ...invokers.map(({ name }) => name)].forEach(add);
  const granted = all.filter((one) => one.is_granted && !one.is_trigger).map(({ name }) => name);
  expect(granted.filter((name) => !needed.has(name))).toEqual([]);
  expect(granted.length).toBeGreaterThan(100);
});

test('whoever may call what acts as the owner is asked for whom: by the function, or by one that it calls', async () => {
  const all = await functions();
  const byName = new Map(all.map((one) => [one.name, one]));
  const guards = ['refuse_other_users', 'refuse_other_user', 'refuse_other_name', 'bound_user'];
  const asks = (name: string, seen = new Set<string>()): boolean => {
    const one = byName.get(name);
    if (guards.includes(name) || one === undefined || seen.has(name)) {
      return guards.includes(name);
    }
    seen.add(name);
    return [...named(one.body)].some((next) => next !== name && asks(next, seen));
  };
  const unasked = all.filter((one) => one.is_granted && one.is_definer && !asks(one.name));
  // Who calls; the history, which has all users and no words of any; jobs and their locks, and what is left on a table by
  // who held one; whether a name is one that was erased, of which only a digest is left.
  expect(unasked.map(({ name }) => name)).toEqual([
    'audit_frontier',
    'caller',
    'dead_runs',
    'free_lock',
    'left_by_partition',
    'lock_key',
    'seal_audit',
    'was_erased',
  ]);
});

test('an operator may write every column of an assistant that the program writes for one', async () => {
  const store = readFileSync(join(root, 'src/enforcement/result-store.ts'), 'utf8');
  const written = [...store.matchAll(/update quota\.assistants a set (.*)/g)].flatMap(([, sets = '']) =>
    [...sets.matchAll(/(\w+) = /g)].map(([, column]) => column),
  );
  expect(written).toContain('is_given_up');
  const refused = await desk.query(
    `select c from unnest($1::text[]) c where not has_column_privilege('quota_operator', 'quota.assistants', c, 'update')`,
    [[...new Set(written)]],
  );
  expect(refused).toEqual([]);
});
