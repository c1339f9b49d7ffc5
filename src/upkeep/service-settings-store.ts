import type pg from 'pg';
import type { ServiceSettings, ServiceTerms } from './service-terms.ts';

/** All services that meters count, and all together, first. */
export async function selectServiceSettings(client: pg.ClientBase): Promise<ServiceSettings[]> {
  const { rows } = await client.query<Omit<ServiceSettings, 'changedAt'> & { changedAt: Date | null }>(
    `select coalesce(nullif(n.service, ''), 'all') as service, s.max_daily_cost::text as "maxDailyCost",
       s.max_error_percent::text as "maxErrorPercent", s.keep_details_days as "keepDetailsDays",
       s.changed_at as "changedAt", s.changed_by as "changedBy"
     from (select '' as service union select m.service from quota.meters m union select service from quota.service_settings) n
     left join quota.service_settings s using (service)
     order by n.service`,
  );
  return rows.map((row) => ({ ...row, changedAt: row.changedAt?.toISOString() ?? null }));
}

/** With its audit row, whose id is returned. */
export async function storeServiceSettings(
  client: pg.ClientBase,
  service: string,
  { maxDailyCost, maxErrorPercent, keepDetailsDays }: ServiceTerms,
  reason: string | undefined,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `select quota.set_service(case when $1 = 'all' then '' else $1 end, $2, $3, $4, $5)::text as id`,
    [service, maxDailyCost, maxErrorPercent, keepDetailsDays, reason],
  );
  return rows[0]?.id ?? '';
}
