import type pg from 'pg';
import {
  type BentReason,
  type BrokenSeal,
  insertSeals,
  type SealSums,
  selectAuditFrontier,
  selectBentReasons,
  selectBrokenSeals,
  selectSealOfHash,
  selectSealSums,
} from './seal-store.ts';

export interface AuditVerification extends SealSums {
  /** Every seal and every reason holds, and the expected hash is one of the seals. */
  ok: boolean;
  broken: BrokenSeal[];
  /** Reasons that were changed or taken out, the first of them. */
  bentReasons: BentReason[];
  /** What `--expect` asked for; null: nothing. */
  expected: { hash: string; seal: string | null } | null;
  /** Seals that were added now. */
  sealed: number;
}

export interface VerifyOptions {
  /** A head's hash that was kept, in hexadecimal. */
  expect: string | undefined;
  /** Seal the rows since the last seal, where everything before them holds. */
  seal: boolean;
}

/**
 * Holds the audit log against its seals, and seals what is new if wanted. Nothing is sealed on top of a broken
 * chain.
 */
export async function verifyAudit(
  client: pg.ClientBase,
  { expect, seal }: VerifyOptions,
): Promise<AuditVerification> {
  const broken = await selectBrokenSeals(client);
  const bentReasons = await selectBentReasons(client);
  const expected =
    expect === undefined ? null : { hash: expect, seal: (await selectSealOfHash(client, expect)) ?? null };
  const ok = broken.length === 0 && bentReasons.length === 0 && expected?.seal !== null;
  const sealed = ok && seal ? await sealAudit(client) : 0;
  return { ok, ...(await selectSealSums(client)), broken, bentReasons, expected, sealed };
}

/** Seals the audit rows since the last seal; returns the number of new seals. Outside of a transaction. */
async function sealAudit(client: pg.ClientBase): Promise<number> {
  return insertSeals(client, await selectAuditFrontier(client));
}
