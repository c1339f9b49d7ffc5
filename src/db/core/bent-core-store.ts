import type pg from 'pg';
import { withTransaction } from '../transaction.ts';
import { resolveIdentities } from './bring-up.ts';
import { type ChangedObject, findChangedObjects } from './changed-objects.ts';
import { type CoreUnit, loadCoreSet } from './core-set.ts';

/** What the database should have, has otherwise, or has besides. */
export interface BentObject {
  object: string;
  state: ChangedObject['state'] | 'added';
}

interface FunctionRow {
  identity: string;
  source: string;
  is_definer: boolean;
}

interface TriggerRow {
  identity: string;
  /** Bits of pg_trigger: row 1, before 2, insert 4, delete 8, update 16, truncate 32. */
  type: number;
  calls: string;
  is_enabled: boolean;
  has_condition: boolean;
}

/**
 * Functions and triggers that are not those of this version, held against the text that this version brings along: a
 * record in the database could be rewritten with them. What has no such text - tables, views, rights - is held against
 * that record. On the tables of the history nothing else may act: no other trigger, no rule.
 */
export async function findBentObjects(client: pg.ClientBase): Promise<BentObject[]> {
  const recorded = await findChangedObjects(client);
  const { units } = await loadCoreSet();
  return withTransaction(client, async () => {
    const bent: BentObject[] = [
      ...recorded,
      ...(await bentFunctions(client, units)),
      ...(await bentTriggers(client, units)),
      ...(await addedToHistory(client, units)),
    ];
    const names = new Map(bent.map((object) => [object.object, object]));
    return [...names.values()].sort((a, b) => a.object.localeCompare(b.object));
  });
}

async function bentFunctions(client: pg.ClientBase, units: readonly CoreUnit[]): Promise<BentObject[]> {
  const { rows } = await client.query<FunctionRow>(
    `select p.oid::regprocedure::text as identity, p.prosrc as source, p.prosecdef as is_definer
     from pg_proc p where p.pronamespace = to_regnamespace('quota')`,
  );
  const found = new Map(rows.map((row) => [row.identity, row]));
  const resolved = await resolveIdentities(
    client,
    units.filter(({ kind }) => kind === 'function'),
  );
  return resolved.flatMap(({ unit, identity }): BentObject[] => {
    const object = `function ${identity ?? unit.name}`;
    const row = found.get(identity ?? '');
    if (row === undefined) {
      return [{ object, state: 'missing' }];
    }
    const isDefiner = /\bsecurity definer\b/.test(headOf(unit.create));
    return row.source === bodyOf(unit.create) && row.is_definer === isDefiner
      ? []
      : [{ object, state: 'changed' }];
  });
}

const body = /\bas\s+(\$\w*\$)([\s\S]*?)\1/;
const bodyOf = (create: string): string => body.exec(create)?.[2] ?? '';
const headOf = (create: string): string => create.replace(body, '');

async function bentTriggers(client: pg.ClientBase, units: readonly CoreUnit[]): Promise<BentObject[]> {
  const { rows } = await client.query<TriggerRow>(
    `select format('%s on %s.%s', t.tgname, n.nspname, c.relname) as identity, t.tgtype as type,
       f.nspname || '.' || p.proname as calls, t.tgenabled in ('O', 'A') as is_enabled,
       t.tgqual is not null as has_condition
     from pg_trigger t
     join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     join pg_proc p on p.oid = t.tgfoid join pg_namespace f on f.oid = p.pronamespace
     where n.nspname = 'quota' and not t.tgisinternal`,
  );
  const found = new Map(rows.map((row) => [row.identity, row]));
  return units
    .filter(({ kind }) => kind === 'trigger')
    .flatMap(({ name, create }): BentObject[] => {
      const object = `trigger ${name}`;
      const row = found.get(name);
      if (row === undefined) {
        return [{ object, state: 'missing' }];
      }
      const isAsInstalled =
        row.is_enabled &&
        row.type === triggerType(create) &&
        row.calls === /execute function ([\w.]+)/.exec(create)?.[1] &&
        row.has_condition === /\bwhen\s*\(/.test(create);
      return isAsInstalled ? [] : [{ object, state: 'changed' }];
    });
}

/** The bits of pg_trigger for the words of a statement. */
function triggerType(create: string): number {
  const events = /\b(?:before|after)\b([\s\S]*?)\bon quota\./.exec(create)?.[1] ?? '';
  const bit = (value: number, is: boolean) => (is ? value : 0);
  return (
    bit(1, /\bfor each row\b/.test(create)) +
    bit(2, /\bbefore\b/.test(create)) +
    bit(4, /\binsert\b/.test(events)) +
    bit(8, /\bdelete\b/.test(events)) +
    bit(16, /\bupdate\b/.test(events)) +
    bit(32, /\btruncate\b/.test(events))
  );
}

/** Whatever else acts on the tables of the history could keep rows out of it. */
async function addedToHistory(client: pg.ClientBase, units: readonly CoreUnit[]): Promise<BentObject[]> {
  const { rows } = await client.query<{ kind: 'trigger' | 'rule'; identity: string }>(
    `select 'trigger' as kind, format('%s on %s', t.tgname, t.tgrelid::regclass) as identity from pg_trigger t
     where t.tgrelid in ('quota.audit_log'::regclass, 'quota.audit_seals'::regclass) and not t.tgisinternal
     union all
     select 'rule', format('%s on %s', r.rulename, r.ev_class::regclass) from pg_rewrite r
     join pg_class c on c.oid = r.ev_class
     where c.relnamespace = to_regnamespace('quota') and c.relkind in ('r', 'p')`,
  );
  const own = new Set(units.map(({ kind, name }) => `${kind} ${name}`));
  return rows
    .map(({ kind, identity }) => `${kind} ${identity}`)
    .filter((object) => !own.has(object))
    .map((object) => ({ object, state: 'added' }));
}
