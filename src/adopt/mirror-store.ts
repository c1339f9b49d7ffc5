import type pg from 'pg';

import { literal, quoted } from './expression.ts';
import type { PlacedMirror } from './place-mirror.ts';

const settings = `security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set datestyle = 'ISO, YMD'
  set lock_timeout = '250ms'`;

/** Whose rows are meant: by the column itself where it is one, so that its index serves. */
const ofUsers = ({ user, userColumn }: PlacedMirror) =>
  userColumn === null
    ? `${user} = any (p_users)`
    : `r.${quoted(userColumn.name)} = any (p_users::${userColumn.type}[])`;

function mirrorFunctions(id: number, mirror: PlacedMirror): string[] {
  const { relation, meter, user, at, set } = mirror;
  const figures = `quota.mirror_figures(${user}, ${literal(meter)}, ${at}) q`;
  const columns = set.map(({ column }) => `r.${quoted(column)}`).join(', ');
  const values = set.map(({ expression }) => expression).join(', ');
  const [first = ''] = set.map(({ column }) => quoted(column));
  return [
    `create or replace function quota_adopt.mirror_${id}(p_users text[]) returns void
language plpgsql ${settings}
as $fn$
begin
  -- The trigger of the table fills the columns in.
  update ${relation} r set ${first} = r.${first}
  where (p_users is null or ${ofUsers(mirror)}) and exists (
    select from ${figures} where (${columns}, null) is distinct from (${values}, null));
end $fn$`,
    `create or replace function quota_adopt.mirror_${id}_row() returns trigger
language plpgsql ${settings}
as $fn$
declare
  r ${relation};
  quota_figures record;
begin
  r := new;
  select ${set.map(({ expression }, index) => `${expression} as v${index}`).join(', ')} into quota_figures from ${figures};
  if found then
    ${set.map(({ column }, index) => `new.${quoted(column)} := quota_figures.v${index};`).join('\n    ')}
  end if;
  return new;
exception when others or assert_failure then
  return new;
end $fn$`,
    // After the app's own triggers, whose names come before.
    `create trigger zz_quota_mirror_${id} before insert or update on ${relation}
   for each row execute function quota_adopt.mirror_${id}_row()`,
  ];
}

/** Lets columns of the app follow ours, from now on and all rows at once. */
export async function installMirrors(
  client: pg.ClientBase,
  product: string,
  mirrors: readonly PlacedMirror[],
): Promise<void> {
  await removeMirrors(client, product);
  for (const mirror of mirrors) {
    const { rows } = await client.query<{ id: number }>(
      `insert into quota.adopt_mirrors (product, meter, service, relation)
       select $1, m.key, m.service, $3 from quota.meters m where m.key = $2 returning id`,
      [product, mirror.meter, mirror.relation],
    );
    const id = rows[0]?.id ?? 0;
    for (const statement of mirrorFunctions(id, mirror)) {
      await client.query(statement);
    }
    await client.query('revoke all on all functions in schema quota_adopt from public');
    await client.query(`select quota_adopt.mirror_${id}(null)`);
  }
}

/** Leaves the columns of the app to the app, as they were written last. */
export async function removeMirrors(client: pg.ClientBase, product: string): Promise<void> {
  const { rows } = await client.query<{ id: number; relation: string }>(
    'delete from quota.adopt_mirrors where product = $1 returning id, relation',
    [product],
  );
  for (const { id, relation } of rows) {
    await client.query(`drop trigger if exists zz_quota_mirror_${id} on ${relation}`);
    await client.query(`drop function if exists quota_adopt.mirror_${id}_row()`);
    await client.query(`drop function if exists quota_adopt.mirror_${id}(text[])`);
  }
}

/** Tables whose columns follow, with what keeps one from it. */
export async function selectMirrors(
  client: pg.ClientBase,
  product: string,
): Promise<{ relation: string; meter: string; error: string | null }[]> {
  const { rows } = await client.query<{ relation: string; meter: string; error: string | null }>(
    'select relation, meter, error from quota.adopt_mirrors where product = $1 order by id',
    [product],
  );
  return rows;
}
