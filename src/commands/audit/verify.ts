import { type AuditVerification, verifyAudit } from '../../audit/verify-audit.ts';
import type { Context, Style } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

export interface AuditVerifyOptions {
  expect?: string;
  seal?: boolean;
}

/** `quota audit verify`: the data is an `AuditVerification`; exit 3 when it does not hold. */
export async function auditVerify(context: Context, options: AuditVerifyOptions): Promise<ExitCode> {
  const data = await context.withDatabase(({ client }) =>
    verifyAudit(client, { expect: options.expect, seal: options.seal === true }),
  );
  await context.output.write({
    data,
    rows: data.broken.map((seal) => ({ ...seal })),
    columns: ['seal', 'firstId', 'lastId', 'sealedAt', 'sealedRows', 'foundRows', 'fault'].map((key) => ({
      key,
    })),
    text: verificationText,
  });
  return data.ok ? exitCodes.ok : exitCodes.differences;
}

function verificationText(data: AuditVerification, style: Style): string {
  const { seals, rows, unsealedRows, broken, expected, head, sealed } = data;
  const verdict = data.ok ? style.green('intact') : style.red('NOT INTACT');
  const lines = [`${verdict}  ${counted(rows, 'row')} under ${counted(seals, 'seal')}`];
  for (const { seal, firstId, lastId, sealedAt, sealedRows, foundRows, fault } of broken) {
    const count = sealedRows === foundRows ? '' : ` (${sealedRows} sealed, ${foundRows} found)`;
    lines.push(style.red(`  seal ${seal} of ${sealedAt}, rows ${firstId} to ${lastId}: ${fault}${count}`));
  }
  if (expected !== null) {
    lines.push(
      expected.seal === null
        ? style.red(
            '  the expected hash is of no seal: the chain was rewritten, or it is of another database',
          )
        : `  the expected hash is of seal ${expected.seal}`,
    );
  }
  if (sealed > 0) {
    lines.push(`  ${counted(sealed, 'new seal')}`);
  }
  if (head !== null && data.ok) {
    lines.push(
      `  head    ${head.hash}`,
      `          up to row ${head.lastId}; keep it elsewhere, hold it against --expect`,
    );
  }
  if (unsealedRows !== '0') {
    lines.push(style.yellow(`  ${counted(unsealedRows, 'row')} not sealed yet: quota audit verify --seal`));
  }
  return lines.join('\n');
}

const counted = (count: number | string, noun: string) => `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;
