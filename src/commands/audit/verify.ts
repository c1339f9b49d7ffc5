import { readKeptHeads } from '../../audit/kept-heads.ts';
import { parseSealTarget, publishHead } from '../../audit/publish-seal.ts';
import { type AuditVerification, verifyAudit } from '../../audit/verify-audit.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';

/** `quota audit verify`: the data is an `AuditVerification`; exit 3 when it does not hold. */
export const auditVerify = defineCommand(
  {
    options: {
      seal: flag('seal the rows since the last seal, if all before them hold'),
      expect: value('hash', 'a head that was kept elsewhere, or the file that --to has written'),
      to: value(
        'file',
        'hand the head to a file, or as "| command" to a command: where the owner of the database cannot write',
        parseSealTarget,
      ),
    },
    examples: [
      ['quota audit verify', 'is the history as it was sealed?'],
      ['quota audit verify --seal --to /mnt/worm/seals.jsonl', 'every night: the head is kept elsewhere'],
      ['quota audit verify --seal --to "| logger -t quota"', 'the same, by a command that takes it on stdin'],
      [
        'quota audit verify --expect /mnt/worm/seals.jsonl',
        'is every head that was kept still in the chain?',
      ],
      ['quota audit verify --expect 9f86d081…', 'was everything up to that head left alone?'],
    ],
  },
  async (context, options) => {
    const expect = options.expect === undefined ? [] : await readKeptHeads(options.expect);
    const { data, database } = await context.withDatabase(async ({ client }) => ({
      data: await verifyAudit(client, { expect, seal: options.seal === true }),
      database: client.database ?? '',
    }));
    if (options.to !== undefined && data.ok && data.head !== null) {
      await publishHead({ database, ...data.head }, options.to);
    }
    await context.output.write({
      data,
      rows: [
        ...data.broken.map((seal) => ({ ...seal })),
        ...data.bent.map(({ object, state }) => ({ seal: object, fault: state })),
      ],
      columns: ['seal', 'firstId', 'lastId', 'sealedAt', 'sealedRows', 'foundRows', 'fault'].map((key) => ({
        key,
      })),
      text: verificationText,
    });
    return data.ok ? exitCodes.ok : exitCodes.differences;
  },
);

function verificationText(data: AuditVerification, style: Style): string {
  const { seals, rows, unsealedRows, broken, bentReasons, bent, expected, head, sealed } = data;
  const verdict = data.ok ? style.green('intact') : style.red('NOT INTACT');
  const lines = [`${verdict}  ${counted(rows, 'row')} under ${counted(seals, 'seal')}`];
  for (const { seal, firstId, lastId, sealedAt, sealedRows, foundRows, fault } of broken) {
    const count = sealedRows === foundRows ? '' : ` (${sealedRows} sealed, ${foundRows} found)`;
    lines.push(style.red(`  seal ${seal} of ${sealedAt}, rows ${firstId} to ${lastId}: ${fault}${count}`));
  }
  for (const { auditId, fault } of bentReasons) {
    lines.push(style.red(`  row ${auditId}: ${fault}`));
  }
  for (const { object, state } of bent) {
    lines.push(style.red(`  ${object}: ${bentWords[state]}`));
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

const bentWords = {
  changed: 'not as this version installed it',
  missing: 'missing',
  added: 'added by somebody: it could keep rows out of the history',
};

const counted = (count: number | string, noun: string) => `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;
