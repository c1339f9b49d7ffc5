import type pg from 'pg';
import { type BentObject, findBentObjects } from '../db/core/bent-core-store.ts';
import { withSnapshot } from '../db/transaction.ts';
import { type BrokenSeal, findBrokenSeals } from './hold-seals.ts';
import {
  type BentReason,
  insertSeals,
  type SealSums,
  selectAuditFrontier,
  selectBentReasons,
  selectSealOfHash,
  selectSealSums,
} from './seal-store.ts';

export interface AuditVerification extends SealSums {
  /** Every seal and every reason holds, the definitions are those of this version, and every expected hash is one of the seals. */
  ok: boolean;
  broken: BrokenSeal[];
  /** Reasons that were changed or taken out, the first of them. */
  bentReasons: BentReason[];
  /** Functions, triggers, tables and rights that are not as this version installed them. */
  bent: BentObject[];
  /** What `--expect` asked for, the first that is of no seal; null: nothing. */
  expected: { hash: string; seal: string | null } | null;
  /** Seals that were added now. */
  sealed: number;
}

export interface VerifyOptions {
  /** Heads that were kept, in hexadecimal. */
  expect: readonly string[];
  /** Seal the rows since the last seal, where everything before them holds. */
  seal: boolean;
}

/**
 * Holds the history against its seals, hashing here what the plain columns hold, and seals what is new if wanted.
 * Nothing is sealed on top of a broken chain, and a new seal is worked out here as well before it is told.
 */
export async function verifyAudit(
  client: pg.ClientBase,
  { expect, seal }: VerifyOptions,
): Promise<AuditVerification> {
  const bent = await findBentObjects(client);
  const broken = await withSnapshot(client, () => findBrokenSeals(client));
  const bentReasons = await selectBentReasons(client);
  const expected = await findExpected(client, expect);
  const found = { broken, bentReasons, bent, expected };
  const isIntact = broken.length + bentReasons.length + bent.length === 0 && expected?.seal !== null;
  if (!isIntact || !seal) {
    return { ok: isIntact, ...(await selectSealSums(client)), ...found, sealed: 0 };
  }
  const { head: former } = await selectSealSums(client);
  const sealed = await sealAudit(client);
  const added = await withSnapshot(client, () => findBrokenSeals(client, former?.seal ?? '0'));
  const sums = await selectSealSums(client);
  return { ok: added.length === 0, ...sums, ...found, broken: added, sealed };
}

async function findExpected(
  client: pg.ClientBase,
  hashes: readonly string[],
): Promise<AuditVerification['expected']> {
  let expected: AuditVerification['expected'] = null;
  for (const hash of hashes) {
    expected = { hash, seal: (await selectSealOfHash(client, hash)) ?? null };
    if (expected.seal === null) {
      break;
    }
  }
  return expected;
}

/** Seals the audit rows since the last seal; returns the number of new seals. Outside of a transaction. */
async function sealAudit(client: pg.ClientBase): Promise<number> {
  return insertSeals(client, await selectAuditFrontier(client));
}
