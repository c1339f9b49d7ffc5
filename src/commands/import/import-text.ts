import type { Style } from '../../context.ts';
import type { ImportReport } from '../../imports/import-report.ts';
import { counted } from '../../values/counted.ts';

/** `6215 lines, 6000 new, 215 there already`, without what there is none of. */
export function describeLines(report: ImportReport): string {
  const parts: [number, string][] = [
    [report.existing, 'there already'],
    [report.differing, 'of them with other content'],
    [report.skipped, 'repeated in the file'],
    [report.rejected, 'that cannot be used'],
  ];
  const others = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [counted(report.lines, 'line'), `${report.new} new`, ...others].join(', ');
}

/** A summary of an import for a person, with what may be done next. */
export function importText(report: ImportReport, style: Style): string {
  const lines = [`${report.file}: ${describeLines(report)}`];
  if (report.subscriptions !== null && report.subscriptions > 0) {
    lines.push(`${counted(report.subscriptions, 'subscription')} ${report.dryRun ? 'to be made' : 'made'}`);
  }
  if (report.updated > 0) {
    lines.push(`${report.updated} updated`);
  }
  const left = report.differing - Math.max(report.updated, report.unchangeable);
  if (left > 0 && !report.dryRun) {
    const advice =
      report.kind === 'quota-events'
        ? 'what is stored stays (quota usage settle)'
        : '--update brings them in line with the file';
    lines.push(style.yellow(`${left} were left as they are: ${advice}`));
  }
  if (report.unchangeable > 0) {
    lines.push(
      style.yellow(
        `${report.unchangeable} differ in what an import never changes: ${unchangeable[report.kind]}`,
      ),
    );
  }
  if (report.dryRun) {
    lines.push(style.dim('Dry run: nothing was changed.'));
  }
  return lines.join('\n');
}

const unchangeable: Record<ImportReport['kind'], string> = {
  users: 'signup and plan (quota user set-plan)',
  assistants: 'the user they belong to',
  'call-logs': '',
  'quota-events': '',
};
