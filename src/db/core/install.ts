import type pg from 'pg';
import { bringUp, drop, openSite, resolveIdentities } from './bring-up.ts';
import { readCatalogue, withFullNames } from './catalogue-store.ts';
import { digestOf, recordCore } from './core-record-store.ts';
import { type CoreSet, isFoundation } from './core-set.ts';
import { selectRoles } from './roles-store.ts';

/** What an installation made anew and what it took away, as `function quota.now()`. */
export interface Installation {
  installed: string[];
  dropped: string[];
}

/** The file of the rights that can be given only where the roles are. */
const rightsOfRoles = 'roles/grant-to-roles.sql';

/** Installs what defaults of tables need. */
export async function installFoundation(client: pg.ClientBase, set: CoreSet): Promise<void> {
  await withFullNames(client, async () => {
    await bringUp(await openSite(client), set.units.filter(isFoundation));
  });
}

/**
 * Brings the core of a database to that of this version: what is as it was installed and as it is wanted stays
 * untouched and unlocked; what differs is replaced, under its identity, so that what needs it stays, where the server
 * can do that; what is gone is dropped; rights are given last. Inside a transaction.
 */
export async function installCore(client: pg.ClientBase, set: CoreSet): Promise<Installation> {
  return withFullNames(client, async () => {
    const site = await openSite(client);
    await bringUp(site, set.units);
    const sources = await sourcesOf(client, set);
    for (const key of [...site.own].filter((own) => !sources.has(own))) {
      await drop(site, key);
    }
    await giveRights(client, set);
    const objects = await readCatalogue(client);
    await recordCore(
      client,
      set.sha256,
      objects.map((object) => ({
        ...object,
        source: sources.get(`${object.kind} ${object.identity}`) ?? null,
        digest: digestOf(object),
      })),
    );
    return {
      installed: [...site.installed],
      dropped: [...site.dropped].filter((key) => !site.installed.has(key)),
    };
  });
}

/** Takes the core away but for its foundation, so that tables can go; what somebody else made stays. */
export async function removeCore(client: pg.ClientBase, set: CoreSet): Promise<void> {
  await withFullNames(client, async () => {
    const site = await openSite(client);
    const foundation = await sourcesOf(client, { ...set, units: set.units.filter(isFoundation) });
    for (const key of [...site.own].filter((own) => !foundation.has(own))) {
      await drop(site, key);
    }
    await recordCore(client, null, []);
  });
}

/** Takes the foundation away, when no table is left that needs it. */
export async function removeFoundation(client: pg.ClientBase, set: CoreSet): Promise<void> {
  await withFullNames(client, async () => {
    for (const { identity } of await resolveIdentities(client, set.units.filter(isFoundation))) {
      await client.query(`drop function ${identity}`);
    }
  });
}

/** sha256 of the statements by key. */
async function sourcesOf(client: pg.ClientBase, { units }: CoreSet): Promise<Map<string, string>> {
  const resolved = await resolveIdentities(client, units);
  return new Map(resolved.map(({ unit, identity }) => [`${unit.kind} ${identity}`, unit.sha256]));
}

async function giveRights(client: pg.ClientBase, { rights }: CoreSet): Promise<void> {
  for (const { path, sql } of rights) {
    if (path !== rightsOfRoles || (await hasRoles(client))) {
      await client.query(sql);
    }
  }
}

const hasRoles = async (client: pg.ClientBase): Promise<boolean> =>
  (await selectRoles(client)).every(({ state }) => state !== 'missing');
