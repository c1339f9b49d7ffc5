import type pg from 'pg';

/** A meter as a user has it in the running period; quantities are exact decimals in text. */
export interface MeterAllowance {
  meter: string;
  unit: string;
  limit: string | null;
  granted: string;
  used: string;
  remaining: string | null;
}

/** The meters of a user's plans, or of one meter; none when no plan counts it. */
export async function selectMeterAllowances(
  client: pg.ClientBase,
  userId: string,
  meter: string | null,
): Promise<MeterAllowance[]> {
  const { rows } = await client.query<MeterAllowance>(
    `select c.meter, c.unit, c.limit_quantity as limit, c.granted::numeric(20,3) as granted,
       c.used::numeric(20,3) as used, greatest(c.limit_quantity + c.granted - c.used, 0)::numeric(20,3) as remaining
     from quota.current_quotas($1) c
     where $2::text is null or c.meter = $2
     order by c.meter`,
    [userId, meter],
  );
  return rows;
}

export interface NewGrant {
  userId: string;
  meter: string;
  quantity: string;
  /** ISO 8601; null: never expires. */
  expiresAt: string | null;
  reason: string;
}

/** The trigger brings the running quota in line and lifts a limit that the grant lifts. Returns the id. */
export async function insertGrant(client: pg.ClientBase, grant: NewGrant): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.grants (user_id, meter, quantity, expires_at, reason) values ($1, $2, $3, $4, $5) returning id`,
    [grant.userId, grant.meter, grant.quantity, grant.expiresAt, grant.reason],
  );
  return rows[0]?.id ?? '';
}

export interface GrantedMeter {
  service: string;
  unit: string;
  /** What the default plan of its service gives; null: without limit, or there is no such plan. */
  defaultLimit: string | null;
}

/** Undefined when there is no such meter. */
export async function selectMeter(client: pg.ClientBase, meter: string): Promise<GrantedMeter | undefined> {
  const { rows } = await client.query<GrantedMeter>(
    `select m.service, m.unit, l.limit_quantity as "defaultLimit"
     from quota.meters m
     left join quota.plans p on p.service = m.service and p.is_default
     left join quota.plan_limits l on l.plan = p.key and l.meter = m.key
     where m.key = $1`,
    [meter],
  );
  return rows[0];
}

export async function selectMeterKeys(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>('select key from quota.meters order by key');
  return rows.map(({ key }) => key);
}
